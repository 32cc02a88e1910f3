"""What the demonstration does at the mocked gateway through its control API: open accounts, act as citizens, read the log."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
from django.conf import settings

from foundation.audit import clock
from payments.models import VerificationRun
from payments.operations.verification import Credit, GatewayBook, read_log
from welfare_portal.demo.people import ListedPerson


class ControlledGateway:
    """The mocked gateway's control door; production's gateway has none."""

    def __init__(self) -> None:
        self._http = httpx2.Client(base_url=f"{settings.GATEWAY_URL}/control", timeout=60, trust_env=False)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def open_accounts(self, people: Iterator[ListedPerson]) -> int:
        """Let the banks know the accounts of a list, under the name and ID of who holds them; how many."""

        def lines() -> Iterator[bytes]:
            for person in people:
                if person.account is not None:
                    holder = person.payee.national_id if person.payee else person.national_id
                    yield (
                        json.dumps(
                            {
                                "bank_bin": person.account.bank_bin,
                                "account_number": person.account.number,
                                "national_id": holder,
                                "holder_name": person.name_at_bank or person.holder_name,
                                "status": "ACTIVE",
                            }
                        ).encode()
                        + b"\n"
                    )

        answer = self._http.post("/accounts", content=lines())
        answer.raise_for_status()
        loaded: int = answer.json()["loaded"]
        return loaded

    def link(self, *, national_id: str, bank_bin: str, account_number: str) -> str:
        """Do what a citizen does in the VNeID app; LINKED or REFUSED."""
        answer = self._http.post(
            "/links",
            json={
                "action": "link",
                "national_id": national_id,
                "bank_bin": bank_bin,
                "account_number": account_number,
            },
        )
        answer.raise_for_status()
        outcome: str = answer.json()["outcome"]
        return outcome

    def shift_clock(self, *, days: int) -> None:
        """Let the bank's day be over."""
        self._http.put("/clock", json={"offset_seconds": days * 24 * 3600}).raise_for_status()

    def credits(self) -> Iterator[Credit]:
        """The gateway's own log, streamed."""
        with self._http.stream("GET", "/credits") as answer:
            answer.raise_for_status()
            yield from read_log(answer.iter_lines())

    def book(self) -> GatewayBook:
        """The log as the other side of a verification."""
        return GatewayBook(source=VerificationRun.Source.LOG, taken_at=clock.now(), lines=self.credits())

    def stats(self) -> dict[str, Any]:
        """Totals as the gateway counts them."""
        answer = self._http.get("/stats")
        answer.raise_for_status()
        totals: dict[str, Any] = answer.json()
        return totals
