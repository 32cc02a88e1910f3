"""All settings, read from the environment; `.env.example` names and explains every one.

With DEBUG off the portal refuses to start on the example's secrets (`welfare_portal/checks.py`).
"""

from pathlib import Path
from typing import Any

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from welfare_portal import environment
from welfare_portal.logs import LOGGING as LOGGING  # noqa: PLC0414  re-exported: Django reads it from here

env = environment.load()
BASE_DIR: Path = environment.BASE_DIR

# --- What kind of installation this is -------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000")

# --- Keys: `id:base64` of 32 bytes each; the first encrypts, all of them read -----------------------------------------
FIELD_KEYS = env.list("FIELD_KEYS", default=[])
BLIND_INDEX_KEY = env.str("BLIND_INDEX_KEY", default="")
AUDIT_SIGNING_KEYS = env.list(
    "AUDIT_SIGNING_KEYS", default=[]
)  # Ed25519; the first signs the trail, all of them verify
AUDIT_VERIFY_KEYS = env.list("AUDIT_VERIFY_KEYS", default=[])  # public ones, for a machine that only verifies

# --- PostgreSQL: the truth. Migrations run as the owner, the portal and its tests as the app --------------------------
_database_url = env.str("DATABASE_URL", default="") or "postgresql://welfare_app@127.0.0.1:5432/welfare"
_database_owner_url = env.str("DATABASE_OWNER_URL", default="") or _database_url
DATABASE_ROLE = env.str("DATABASE_ROLE", default=environment.APP_ROLE)
DATABASES: dict[str, Any] = {
    "default": environment.database(
        _database_owner_url if DATABASE_ROLE == environment.OWNER_ROLE else _database_url, role=DATABASE_ROLE
    )
}
ATOMIC_REQUESTS = False  # operations open their own transaction; none is ever open over HTTP
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis and Celery: they only wake --------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="") or "redis://127.0.0.1:6379/0"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": environment.cache_location(REDIS_URL),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}
CELERY_BROKER_URL = environment.celery_broker(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False  # wake-ups are acknowledged early: a lost one costs a sweep, a repeated one nothing
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
    "visibility_timeout": 3600,
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1},
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_TASK_ROUTES = {"payments.tasks.*": {"queue": "payments"}, "beneficiaries.tasks.*": {"queue": "accounts"}}
CELERY_TASK_DEFAULT_QUEUE = "accounts"
CELERY_TIMEZONE = "Asia/Ho_Chi_Minh"
CELERY_BEAT_SCHEDULE = {
    "look for work": {
        "task": "payments.tasks.tick",
        "schedule": env.float("DISPATCH_SWEEP_INTERVAL", default=5.0),
    },
    "order statements": {"task": "payments.tasks.order_statements", "schedule": crontab(hour="2-8", minute="10")},
    "keep house": {"task": "payments.tasks.housekeep", "schedule": 3600.0},
    "look for accounts to ask about": {
        "task": "beneficiaries.tasks.sweep",
        "schedule": env.float("DISPATCH_SWEEP_INTERVAL", default=5.0),
    },
    "keep accounts": {"task": "beneficiaries.tasks.housekeep", "schedule": 300.0},
    "seal the trail": {"task": "welfare_portal.tasks.seal", "schedule": 10.0},
    "watch": {"task": "welfare_portal.tasks.watch", "schedule": 60.0},
    "watch thoroughly": {"task": "welfare_portal.tasks.watch", "schedule": 600.0, "kwargs": {"thoroughly": True}},
    "send notices": {"task": "welfare_portal.tasks.send_notices", "schedule": 10.0},
    "check the trail": {"task": "welfare_portal.tasks.check_trail", "schedule": crontab(hour=3, minute=10)},
    "verify everything": {"task": "welfare_portal.tasks.verify", "schedule": crontab(hour=2, minute=30)},
}

# --- The gateway to banks and VNeID (docs/gateway-contract.md) -------------------------------------------------------
GATEWAY_URL = env.str("GATEWAY_URL", default="http://127.0.0.1:8010")
GATEWAY_KEY_ID = env.str("GATEWAY_KEY_ID", default="k1")
GATEWAY_SIGNING_SECRETS = env.list("GATEWAY_SIGNING_SECRETS", default=[])  # `key-id:whsec_…`, signs what we send
GATEWAY_CALLBACK_SECRETS = env.list(
    "GATEWAY_CALLBACK_SECRETS", default=[]
)  # `key-id:whsec_…`, all of them are accepted
VNEID_ISSUER = env.str("VNEID_ISSUER", default="http://127.0.0.1:8010/vneid")
VNEID_CLIENT_ID = env.str("VNEID_CLIENT_ID", default="welfare-portal")
VNEID_CLIENT_SECRET = env.str("VNEID_CLIENT_SECRET", default="")

# --- Dispatch: docs/architecture.md; seconds ---------------------------------------------------------------------
DISPATCH_CHUNK_SIZE = env.int("DISPATCH_CHUNK_SIZE", default=500)
DISPATCH_WORKERS = env.int("DISPATCH_WORKERS", default=2)
DISPATCH_LEASE = env.int("DISPATCH_LEASE", default=30)
DISPATCH_REQUEST_DEADLINE = env.int("DISPATCH_REQUEST_DEADLINE", default=15)
DISPATCH_SKEW_MARGIN = env.int("DISPATCH_SKEW_MARGIN", default=5)
DISPATCH_ACCEPTED_SLA = env.int("DISPATCH_ACCEPTED_SLA", default=120)
DISPATCH_LONGEST_WAIT = env.int("DISPATCH_LONGEST_WAIT", default=900)
DISPATCH_GATEWAY_WINDOW = env.int("DISPATCH_GATEWAY_WINDOW", default=30 * 24 * 3600)
BANK_RATE = env.int("BANK_RATE", default=5000)  # lines a second to a bank without a row of its own yet
APPROVAL_READING_SECONDS = env.int("APPROVAL_READING_SECONDS", default=10)  # a list approved sooner was not read
DISPATCH_WAKE_BUDGET = env.int("DISPATCH_WAKE_BUDGET", default=25)
# Days that a bank has to show in its statement the money that it told us of as returned.
STATEMENT_RETURN_DAYS = env.int("STATEMENT_RETURN_DAYS", default=3)
FAILPOINTS = env.str(
    "FAILPOINTS", default=""
)  # a folder of faults that are to strike: tests only (payments/failpoints.py)

# --- Letters to staff: what is told of stands on the portal, a letter only says that it is there ----------------------
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="cong-an-sinh-xa-hoi@localhost")
EMAIL_DOMAIN = DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
EMAIL_TIMEOUT = 10

# --- Applications ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.forms",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "health_check",
    "pgtrigger",
    "rest_framework",
    "foundation.audit",
    "foundation.privacy",
    "foundation.reference",
    "foundation.gateway",
    "foundation.users",
    "beneficiaries",
    "payments",
    "welfare_portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "welfare_portal.language.ChosenLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "foundation.users.sessions.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "welfare_portal.request_log.RequestLog",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "welfare_portal.urls"
WSGI_APPLICATION = "welfare_portal.wsgi.application"
AUTH_USER_MODEL = "users.User"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "welfare_portal.navigation.navigation",
            ]
        },
    }
]
FORM_RENDERER = "welfare_portal.forms.KitRenderer"

# --- Signing in: citizens by VNeID, staff by password and second factor -----------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "signed-out"
ACCOUNT_ADAPTER = "foundation.users.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_PREVENT_ENUMERATION = True
# A ward's office sits behind one address: somebody's wrong passwords must not shut out his colleagues.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip", "login_failed": "60/m/ip,5/300s/key"}
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
MFA_REQUIRED = not DEMO  # the demonstration's people have no telephone
MFA_ADAPTER = "foundation.users.adapters.MfaAdapter"
MFA_FORMS = {
    "add_webauthn": "foundation.users.forms.AddPasskeyForm",
    "edit_webauthn": "foundation.users.forms.RenamePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # steps of 30 s: telephones run a little wrong

# --- Language and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "vi"
LANGUAGES = [("vi", _("Tiếng Việt")), ("en", _("Tiếng Anh"))]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Ho_Chi_Minh"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

# --- Files -----------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
_static_storage = "welfare_portal.static_files.HashedFiles"
if DEBUG:
    _static_storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static_storage},
}
MEDIA_ROOT = BASE_DIR / "var" / "files"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- Browser security ------------------------------------------------------------------------------------------------
SECURE_TLS = env.bool("SECURE_TLS", default=not DEBUG)
SECURE_SSL_REDIRECT = SECURE_TLS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_TLS
SECURE_HSTS_PRELOAD = SECURE_TLS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_TLS
SESSION_COOKIE_NAME = "__Host-session" if SECURE_TLS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_TLS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # the way back from VNeID is a cross-site navigation
SESSION_COOKIE_AGE = 8 * 3600
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=15 * 60)
CSRF_FAILURE_VIEW = "foundation.users.pages.csrf_failed"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE_TLS  # browsers allow it on http://localhost only
MFA_WEBAUTHN_USER_VERIFICATION = "required"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_standardized_errors.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"user": "600/min", "anon": "60/min"},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Cổng an sinh xã hội – API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "BatchStateEnum": "payments.states.BatchState",
        "TransferStateEnum": "payments.states.TransferState",
        "ValidationErrorEnum": "drf_standardized_errors.openapi_serializers.ValidationErrorEnum.choices",
        "ClientErrorEnum": "drf_standardized_errors.openapi_serializers.ClientErrorEnum.choices",
        "ServerErrorEnum": "drf_standardized_errors.openapi_serializers.ServerErrorEnum.choices",
    },
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 14}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
