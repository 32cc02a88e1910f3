"""A VNeID of its own process, and a citizen's way through it to the portal's callback."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from django.test import Client

from foundation.users import vneid
from tests.mock_gateway.conftest import CLIENT_SECRET, Gateway
from tests.mock_gateway.portal import Receiver
from tests.mock_gateway.relying_party import HOA, PASSCODE, Page

CALLBACK = "http://testserver/vneid/callback"


@pytest.fixture(scope="session")
def provider_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    receiver = Receiver()
    process = Gateway(
        tmp_path_factory.mktemp("vneid"),
        receiver,
        MOCK_GATEWAY_VNEID_REDIRECT_URIS=CALLBACK,
        MOCK_GATEWAY_VNEID_LOGOUT_URIS="http://testserver/",
    ).start()
    yield process
    process.close()
    receiver.close()


@pytest.fixture
def provider(provider_process: Gateway, settings: Any) -> Iterator[Gateway]:
    """VNeID, emptied and honest, as the provider of the portal's settings."""
    assert provider_process.control.http.post("/reset", json={}).status_code == 204
    settings.VNEID_ISSUER = f"{provider_process.url}/vneid"
    settings.VNEID_CLIENT_SECRET = CLIENT_SECRET
    vneid.forget_client()
    yield provider_process
    vneid.forget_client()


class Citizen:
    """A citizen's browser: its portal half is Django's client, its VNeID half a real one."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.browser = httpx2.Client(timeout=10, trust_env=False, follow_redirects=False)

    def way_back(self, national_id: str = HOA, passcode: str = PASSCODE, *, wanted: str = "", **form: str) -> str:
        """Begin at the portal, consent at VNeID; the address to which VNeID sends the browser back."""
        begun = self.client.get("/vneid/dang-nhap", {"next": wanted} if wanted else {})
        assert begun.status_code == 302, begun.content
        screen = self.browser.get(begun["Location"])
        assert screen.status_code == 200, screen.text
        [found] = Page(screen.text).all("form")
        content = {"national_id": national_id, "passcode": passcode, "consent": "yes", "decision": "allow"} | form
        answer = self.browser.post(urljoin(begun["Location"], str(found["action"])), data=content)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def follow(self, way_back: str) -> Any:
        """Open the portal's callback."""
        parts = urlsplit(way_back)
        assert way_back.startswith(CALLBACK)
        return self.client.get(f"{parts.path}?{parts.query}")

    def sign_in(self, national_id: str = HOA, passcode: str = PASSCODE, **more: Any) -> Any:
        return self.follow(self.way_back(national_id, passcode, **more))


@pytest.fixture
def make_citizen(provider: Gateway, db: None) -> Iterator[Callable[[], Citizen]]:
    made: list[Citizen] = []

    def make() -> Citizen:
        made.append(Citizen(Client()))
        return made[-1]

    yield make
    for citizen in made:
        citizen.browser.close()


@pytest.fixture
def citizen(make_citizen: Callable[[], Citizen]) -> Citizen:
    return make_citizen()
