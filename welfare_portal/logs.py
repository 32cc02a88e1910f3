"""Log lines: structured, to standard output, and without a citizen's numbers.

Masking is one processor, the last before rendering, so that a number that slips into any message is still not written.
"""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from welfare_portal import environment

env = environment.load()

# National ID numbers, account numbers, phones: nine digits or more in a row, unless part of a longer hexadecimal id.
_LONG_NUMBER = re.compile(r"(?<![0-9A-Fa-f.-])\+?\d{6,}(\d{3})(?![0-9A-Fa-f-])")


def mask_numbers(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace all but the last three digits of every long number in the values of one log event, however deep."""
    for key, value in event.items():
        if key not in {"timestamp", "request_id", "task_id"}:
            event[key] = _masked(value)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _LONG_NUMBER.sub(r"***\1", value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**9:
        return _masked(str(value))
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return value


def _renderer() -> Any:
    if env.str("LOG_FORMAT", default="text") == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=False)


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *SHARED_PROCESSORS,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": SHARED_PROCESSORS,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_numbers, _renderer()],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # A tick each few seconds would drown what is worth reading.
        name: {"level": "WARNING"}
        for name in ("httpx2", "httpcore2", "celery.worker.strategy", "celery.app.trace")
    },
}
