"""Where settings come from: the process environment first, then `.env` beside manage.py.

Kept apart from settings.py so that the launcher of the embedded servers, which runs before Django, reads the same values.
"""

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

OWNER_ROLE = "welfare_owner"
APP_ROLE = "welfare_app"
AUDITOR_ROLE = "welfare_auditor"

env = environ.Env()


def load() -> environ.Env:
    """Read `.env` where there is one; a variable that the process already has wins."""
    path = BASE_DIR / ".env"
    if path.exists():
        env.read_env(path, overwrite=False)
    return env


def database(url: str, *, role: str) -> dict[str, object]:
    """Django's database settings for a URL, its session switched to `role` from the first statement.

    Works for a login that is the role itself (production), and for one that may only become it (a newcomer's single login).
    A socket directory is given as `?host=/path`.
    """
    config: dict[str, object] = dict(env.db_url_config(url))
    options: dict[str, object] = dict(config.get("OPTIONS") or {})  # type: ignore[call-overload]
    options["options"] = f"-c role={role} -c timezone=UTC"
    options.setdefault("connect_timeout", 5)
    if "host" in options:
        config["HOST"] = options.pop("host")
    config["OPTIONS"] = options
    config["CONN_MAX_AGE"] = 60
    config["CONN_HEALTH_CHECKS"] = True
    return config


def celery_broker(redis_url: str) -> str:
    """Celery's form of a Redis URL: `unix:///path?db=1` becomes `redis+socket:///path?virtual_host=1`."""
    if not redis_url.startswith("unix://"):
        return redis_url
    parts = urlsplit(redis_url)
    database_number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{quote(parts.path)}?virtual_host={database_number}"


def cache_location(redis_url: str) -> str:
    """The cache's database on the same server: number 1, so that emptying one leaves the other."""
    parts = urlsplit(redis_url)
    if redis_url.startswith("unix://"):
        return f"unix://{parts.path}?db=1"
    return parts._replace(path="/1", query="").geturl()
