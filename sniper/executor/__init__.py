"""`manage.py sniper`: one loop that waits for moments, and the threads and the process that work for it."""
