"""The WSGI application; refuses to serve with missing or weak secrets."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ebayconnector.settings")
application = get_wsgi_application()

from ebayconnector.checks import refuse_to_start_when_unsafe  # noqa: E402  (needs the app registry)

refuse_to_start_when_unsafe()
