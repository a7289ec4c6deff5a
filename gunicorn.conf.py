"""Gunicorn reads this when it is started in this directory."""

# Without the query: it holds authorization codes and one-use links.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(L)ss'
accesslog = "-"
workers = 2
worker_class = "ebayconnector.web.WebWorker"
threads = 8
graceful_timeout = 20
