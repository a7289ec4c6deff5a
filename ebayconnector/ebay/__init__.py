"""The eBay client: plain Python on `requests`. Knows no Django, no database, nothing else of this project."""
