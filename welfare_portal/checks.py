"""What must be true of an installation before it may touch money; run by every command, and by `check --deploy`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error, register
from django.db import connection

from welfare_portal.environment import OWNER_ROLE


@register(deploy=True)
def keys_are_real(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[Error]:
    """Production starts on no missing, short or shared key, and on no example's."""
    found = []
    values = {"SECRET_KEY": settings.SECRET_KEY, "BLIND_INDEX_KEY": settings.BLIND_INDEX_KEY}
    for name in ("FIELD_KEYS", "AUDIT_SIGNING_KEYS", "GATEWAY_SIGNING_SECRETS", "GATEWAY_CALLBACK_SECRETS"):
        values[name] = ",".join(getattr(settings, name))
    for name, value in values.items():
        if len(value) < 32 or "<generate" in value:
            found.append(Error(f"{name} is missing or is an example's.", id="welfare.E001", hint="See .env.example."))
    keys = [key.partition(":")[2] for key in settings.FIELD_KEYS]
    if settings.BLIND_INDEX_KEY in keys:
        found.append(Error("The blind index and the fields share a key.", id="welfare.E002"))
    if settings.GATEWAY_SIGNING_SECRETS and settings.GATEWAY_SIGNING_SECRETS == settings.GATEWAY_CALLBACK_SECRETS:
        found.append(Error("Both directions of the gateway share a secret.", id="welfare.E003"))
    return found


@register(deploy=True)
def demo_is_off(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[Error]:
    """Invented people and open sign-in have no place in production."""
    return [Error("DEMO is on.", id="welfare.E004")] if settings.DEMO else []


@register(deploy=True)
def nothing_is_made_to_fail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[Error]:
    """Faults that strike on purpose belong to tests."""
    return (
        [Error("FAILPOINTS is set: workers would be made to fail.", id="welfare.E006")] if settings.FAILPOINTS else []
    )


@register("database")
def works_as_app(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[Error]:
    """The portal works as a role that owns nothing and passes no guard; only migrations run as the owner."""
    if not databases or "default" not in databases or settings.DATABASE_ROLE == OWNER_ROLE:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls OR rolreplication OR pg_has_role(current_user, %s, 'MEMBER') "
            "FROM pg_roles WHERE rolname = current_user",
            [OWNER_ROLE],
        )
        too_strong = cursor.fetchone()[0]
    if too_strong:
        return [Error("The portal's database role may switch off its own guards.", id="welfare.E005")]
    return []
