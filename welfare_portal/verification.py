"""Where the gateway's side of a verification comes from when nobody names it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings

from payments.operations.verification import GatewayBook, statement_book
from welfare_portal.demo.bank import ControlledGateway


@contextmanager
def gateway_book() -> Iterator[GatewayBook | None]:
    """In the demonstration the mocked gateway's own log; in earnest the bank's statements, as far as they are told for good."""
    if not settings.DEMO:
        yield statement_book()
        return
    with closing(ControlledGateway()) as gateway:
        yield gateway.book()
