"""Where the gateway's side of a verification comes from when nobody names it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings

from payments.operations.verification import GatewayBook
from welfare_portal.demo.bank import ControlledGateway


@contextmanager
def gateway_book() -> Iterator[GatewayBook | None]:
    """In the demonstration the mocked gateway's own log; in earnest none yet: the lines about it say so."""
    if not settings.DEMO:
        yield None
        return
    with closing(ControlledGateway()) as gateway:
        yield gateway.book()
