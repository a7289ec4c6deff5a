"""Django settings, all from the environment (`.env.example` lists every variable).

Importing this module starts nothing and never refuses for a missing secret: `checks.py` does that,
with an id and a hint, before the server, a cluster or a command that needs it starts.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from . import env

# Makes Django's generic classes subscriptable (ModelForm[Model]), as the type checker wants them written.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")

# -- Process -----------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", False)
INSECURE_DEVELOPMENT_KEY = "insecure-development-key-" + "0" * 32
SECRET_KEY = env.secret("SECRET_KEY", INSECURE_DEVELOPMENT_KEY if DEBUG else "")
SECRET_KEY_FALLBACKS = env.secret_words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
RELEASE = env.text("RELEASE", "development")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "accounts",
    "tokens",
    "syncworkers",
    "sniper",
    "ebayconnector.apps.EbayConnectorConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "ebayconnector.urls"
WSGI_APPLICATION = "ebayconnector.wsgi.application"
APPEND_SLASH = False
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# -- Database ----------------------------------------------------------------------------------------
DATABASE_URL = env.secret("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {"default": {"ENGINE": "django.db.backends.dummy"}}
if DATABASE_URL:
    _database = environ.Env.db_url_config(DATABASE_URL)
    if _database.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must be a postgres:// address; only PostgreSQL is supported")
    _database |= {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "connect_timeout": 10,
            "application_name": "ebayconnector",
        },
    }
    DATABASES = {"default": _database}
# PostgreSQL ends a session of ours that does nothing inside a transaction for so long: sooner than its run
# counts as silent, or the next one would wait for the rows of its page.
IDLE_TRANSACTION_AFTER = timedelta(seconds=env.integer("IDLE_TRANSACTION_AFTER", 30, minimum=5, maximum=60))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- People ------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = reverse_lazy("admin:login")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC_URL.startswith("https://") else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = ["ebayconnector.formats"]
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True

# -- eBay --------------------------------------------------------------------------------------------
EBAY_ENVIRONMENTS = ("production", "sandbox", "simulator")
# Only preselects the connect form: the environment belongs to the account and is explicit in each call.
EBAY_ENVIRONMENT = env.choice("EBAY_ENVIRONMENT", "production", EBAY_ENVIRONMENTS)
EBAY_SIMULATOR_URL = env.text("EBAY_SIMULATOR_URL", "http://127.0.0.1:8900").rstrip("/")
EBAY_APPLICATIONS = {
    name: {
        "client_id": env.text(f"EBAY_{name.upper()}_CLIENT_ID"),
        "client_secret": env.secret(f"EBAY_{name.upper()}_CLIENT_SECRET")
        or env.secret(f"EBAY_{name.upper()}_CERT_ID"),
        "runame": env.text(f"EBAY_{name.upper()}_RUNAME"),
    }
    for name in EBAY_ENVIRONMENTS
}
# Where eBay sends notifications, exactly as it is registered there, and what its challenge is answered with.
EBAY_NOTIFICATION_ENDPOINT = env.text("EBAY_NOTIFICATION_ENDPOINT")
EBAY_NOTIFICATION_VERIFICATION_TOKEN = env.secret("EBAY_NOTIFICATION_VERIFICATION_TOKEN")
# Whoever brings it may read /metrics; empty: nobody.
METRICS_TOKEN = env.secret("METRICS_TOKEN")
# Key ring that seals tokens, newest first; deliberately not SECRET_KEY.
TOKEN_ENCRYPTION_KEYS = env.secret_words("TOKEN_ENCRYPTION_KEYS")

# -- Workers -----------------------------------------------------------------------------------------
Q_WORKERS = env.integer("Q_WORKERS", 4, minimum=1, maximum=64)
SYNC_MAX_CONCURRENT_ACCOUNTS = env.integer("SYNC_MAX_CONCURRENT_ACCOUNTS", 5, minimum=1, maximum=64)
# How far back a family reads at first, where it is not the family's own 90 days.
SYNC_BACKFILL = env.days_by_word("SYNC_BACKFILL_DAYS")
RUN_SILENT_AFTER = timedelta(seconds=env.integer("RUN_SILENT_AFTER", 600, minimum=60, maximum=86_400))
# Work waits and nothing of a cluster has moved for so long: its guard starts it anew.
CLUSTER_WEDGED_AFTER = timedelta(seconds=env.integer("CLUSTER_WEDGED_AFTER", 60, minimum=5, maximum=3600))
# A ticket works for 240 s and is killed at 300 s; `checks.py` proves that `retry` is long enough.
Q_CLUSTER: dict[str, Any] = {
    "name": "core",
    "orm": "default",
    "workers": 1,
    "timeout": 60,
    "retry": 400,
    "ack_failures": True,
    "max_attempts": 1,
    "queue_limit": 1,
    "bulk": 1,
    "poll": 0.5,
    "guard_cycle": 0.5,
    "catch_up": False,
    "save_limit": 250,
    "label": "Jobs",
    "ALT_CLUSTERS": {
        "tokens": {"workers": 2, "timeout": 120, "retry": 600, "queue_limit": 2, "scheduler": False},
        "sync": {
            "workers": Q_WORKERS,
            "timeout": 300,
            "retry": 1320,
            "queue_limit": Q_WORKERS,
            "scheduler": False,
        },
    },
}

# -- E-mail ------------------------------------------------------------------------------------------
# Without a server, e-mails are written to the log of the process that sends them.
_mail = env.email("EMAIL_URL", "consolemail://")
EMAIL_BACKEND = _mail.backend
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.tls, _mail.ssl
EMAIL_FILE_PATH = _mail.folder
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "ebayconnector@localhost")

# -- Sniper ------------------------------------------------------------------------------------------
# How long before an auction's end a bid is sent, where its planner did not say.
SNIPER_DEFAULT_LEAD_SECONDS = env.integer("SNIPER_DEFAULT_LEAD_SECONDS", 5, minimum=2, maximum=600)

# -- API ---------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.JWTAuthentication",
        "accounts.api.authentication.ApiKeyAuthentication",
        "accounts.api.authentication.AdminSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "ebayconnector.api_errors.exception_handler",
    "DEFAULT_THROTTLE_RATES": {"login": "20/min"},
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "AUTH_HEADER_TYPES": ("Bearer",),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "eBay connector",
    "DESCRIPTION": "Accounts, workers, runs and data. Errors: {error: {code, message, details}}.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/",
}

# -- Logs --------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "ebayconnector.logs.MaskSecrets"}},
    "formatters": {
        "text": {"format": "{asctime} {levelname:<8} {name} {message}", "style": "{"},
        "json": {"()": "ebayconnector.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["mask"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Queries carry parameters; at DEBUG they would put sealed tokens and people's data into the log.
        "django.db.backends": {"level": "INFO"},
        "urllib3": {"level": "INFO"},
        # runserver's own handler would pass the mask by.
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django-q": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
    },
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "eBay connector",
    "SITE_HEADER": "eBay connector",
    "SITE_SUBHEADER": "accounts, data, bids",
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "ebayconnector.console.dashboard.with_dashboard",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("console/icon.svg"),
        },
    ],
    "STYLES": [lambda request: static("console/console.css")],
    "SCRIPTS": [lambda request: static("console/console.js")],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "ebayconnector.console.navigation.sections",
    },
}
