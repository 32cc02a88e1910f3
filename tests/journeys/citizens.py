"""A citizen at the pages, who reads what stands there and sends the forms that he sees."""

from html import unescape
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from beneficiaries import tasks
from foundation.users.models import User
from tests.beneficiaries.registering import NUMBER
from tests.factories import VCB


class Phone:
    """A browser in which a citizen is signed in; addresses are those below `/dang-ky/` unless they begin with a slash."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path if path.startswith("/") else f"/dang-ky/{path}", headers=headers)

    def read(self, path: str, *, status: int = 200, **headers: str) -> str:
        """The words of a page."""
        answer = self.get(path, **headers)
        assert answer.status_code == status, (path, answer.status_code, answer.headers.get("Location"))
        return unescape(answer.content.decode())

    def cost(self, path: str) -> int:
        """How many queries a page asks, the session once begun."""
        self.read(path)
        with CaptureQueriesContext(connection) as asked:
            self.read(path)
        return len(asked)

    def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of a page's form."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.headers.get("Location"))
        if path == "kiem-tra":
            return {"reference": answer.context["draft"].reference, "seen": answer.context["seen"]}
        return {field.html_name: str(field.value()) for field in answer.context["form"].hidden_fields()}

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path if path.startswith("/") else f"/dang-ky/{path}", fields)

    def send(self, path: str, *, to: str | None = None, **fields: str) -> Any:
        """Fill in the form of a page and send it."""
        return self.post(to or path, **(self.hidden(path) | fields))

    def begin(self) -> None:
        assert self.post("")["Location"] == "/dang-ky/thong-tin"

    def ask(self, number: str = NUMBER, *, at: str = VCB) -> None:
        """From the start to the question to the bank."""
        self.begin()
        assert self.send("ngan-hang", bank=at)["Location"] == "/dang-ky/so-tai-khoan"
        assert self.send("so-tai-khoan", number=number)["Location"] == "/dang-ky/ten-chu-tai-khoan"

    def to_answer(self, number: str = NUMBER, *, at: str = VCB) -> str:
        """From the start to what the bank said."""
        self.ask(number, at=at)
        tasks.drain(budget_seconds=5)
        return self.read("ten-chu-tai-khoan")

    def to_check(self, number: str = NUMBER, *, at: str = VCB) -> str:
        self.to_answer(number, at=at)
        assert self.send("dong-y", agreed="on")["Location"] == "/dang-ky/kiem-tra"
        return self.read("kiem-tra")

    def register(self, number: str = NUMBER, *, at: str = VCB) -> str:
        """All of it; the result page."""
        self.to_check(number, at=at)
        sent = self.send("kiem-tra", to="gui")
        assert sent.status_code == 302, sent.content.decode()
        return self.read(sent["Location"])
