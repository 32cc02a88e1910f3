"""The VNeID app, as far as welfare goes: a citizen chooses the account to be paid on, or removes it."""

import hashlib
import hmac
import secrets
import time
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mock_gateway import answers, links, notices
from mock_gateway.banks import banks
from mock_gateway.clock import CITY
from mock_gateway.gateway import Gateway
from mock_gateway.messages import Refusal
from mock_gateway.people import Citizen, citizens
from mock_gateway.vneid.pages import WRONG_PASSCODE, page, who

COOKIE = "vneid_app"
SESSION_SECONDS = 900
FORM_LIMIT = 16 * 1024
HISTORY = (
    "SELECT bank_bin, account_number, code, at FROM link_attempts WHERE national_id = ? ORDER BY id DESC LIMIT 10"
)

REASONS = {
    "ACC_NOT_FOUND": "Không tìm thấy số tài khoản này tại ngân hàng. Vui lòng kiểm tra và nhập lại.",
    "NAME_MISMATCH": "Họ tên tại ngân hàng khác với dữ liệu dân cư. Vui lòng đến quầy ngân hàng cập nhật.",
    "ID_MISMATCH": "Số giấy tờ tại ngân hàng khác số định danh. Vui lòng cập nhật căn cước tại ngân hàng.",
    "ACC_INACTIVE": "Tài khoản đã đóng, bị khóa hoặc lâu không hoạt động. Vui lòng chọn tài khoản khác.",
    "ACC_TYPE": "Đây không phải tài khoản thanh toán bằng đồng Việt Nam. Vui lòng chọn tài khoản thanh toán.",
    "BANK_NOT_SUPPORTED": "Ngân hàng chưa hỗ trợ nhận an sinh xã hội qua VNeID. Vui lòng chọn ngân hàng khác.",
    "BIO_MISSING": "Ngân hàng chưa có dữ liệu sinh trắc học của ông/bà. Vui lòng cập nhật trên ứng dụng ngân hàng.",
    "EID_LEVEL": "Cần tài khoản định danh điện tử mức 2. Vui lòng liên hệ công an phường để được nâng mức.",
    "TEMPORARY": "Hệ thống đang bận. Vui lòng thử lại sau ít phút.",
    "EMPTY": "Vui lòng chọn ngân hàng và nhập số tài khoản.",
    "CONSENT": "Cần đánh dấu đồng ý chia sẻ thông tin tài khoản để gửi yêu cầu.",
    "NOTHING": "Không có tài khoản nào đang liên kết.",
}
DONE = {
    "linked": "Đã liên kết tài khoản hưởng an sinh xã hội.",
    "removed": "Đã hủy liên kết tài khoản hưởng an sinh xã hội.",
}


class Session(NamedTuple):
    """Somebody who typed the right passcode a short while ago."""

    citizen: Citizen
    form_token: str


class Sessions:
    """Signed cookies; the key lives as long as the process, so a restart signs everyone out."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def cookie(self, citizen: Citizen) -> str:
        """A new session."""
        content = f"{citizen.national_id}.{int(time.time()) + SESSION_SECONDS}"
        return f"{content}.{self._sign(content)}"

    def read(self, cookie: str) -> Session | None:
        """Whose session it is, when it is one of ours and still holds."""
        national_id, _, rest = cookie.partition(".")
        until, _, given = rest.partition(".")
        content = f"{national_id}.{until}"
        if not hmac.compare_digest(self._sign(content).encode(), given.encode()) or int(until) < time.time():
            return None
        return Session(citizens()[national_id], self._sign(f"form {cookie}"))

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


async def show(request: Request) -> Response:
    """The app's page: sign-in, or one's own account."""
    gateway: Gateway = request.app.state.gateway
    sessions: Sessions = request.app.state.sessions
    session = sessions.read(request.cookies.get(COOKIE, ""))
    if session is None:
        return _sign_in(gateway, national_id=request.query_params.get("login_hint", ""))
    return await _account(gateway, session.citizen, session.form_token, done=request.query_params.get("done", ""))


async def post(request: Request) -> Response:
    """The app's forms."""
    gateway: Gateway = request.app.state.gateway
    sessions: Sessions = request.app.state.sessions
    session = sessions.read(request.cookies.get(COOKIE, ""))
    try:
        form = dict(parse_qsl((await answers.read_body(request, FORM_LIMIT)).decode(), keep_blank_values=True))
    except (Refusal, UnicodeDecodeError):
        return _sign_in(gateway, error=WRONG_PASSCODE, status=400)
    if session is None or form.get("action") == "sign-in":
        citizen = who(form.get("national_id", ""), form.get("passcode", ""))
        if citizen is None:
            return _sign_in(gateway, national_id=form.get("national_id", ""), error=WRONG_PASSCODE, status=422)
        response = _back()
        response.set_cookie(
            COOKIE,
            sessions.cookie(citizen),
            max_age=SESSION_SECONDS,
            path="/vneid/app",
            httponly=True,
            samesite="strict",
        )
        return response
    if not hmac.compare_digest(session.form_token.encode(), form.get("form_token", "").encode()):
        return await _account(gateway, session.citizen, session.form_token, error="TEMPORARY", status=403)
    return await _act(gateway, session, form)


async def _act(gateway: Gateway, session: Session, form: dict[str, str]) -> Response:
    citizen = session.citizen
    at = gateway.clock.now()
    match form.get("action"):
        case "sign-out":
            response = _back()
            response.delete_cookie(COOKIE, path="/vneid/app")
            return response
        case "remove":
            removed = await gateway.store.run(
                lambda connection: links.remove_in_vneid(connection, national_id=citizen.national_id, at=at)
            )
            if removed is None:
                return await _account(gateway, citizen, session.form_token, error="NOTHING", status=422)
            return _back("removed")
        case _:
            return await _link(gateway, session, form, at=at)


async def _link(gateway: Gateway, session: Session, form: dict[str, str], *, at: int) -> Response:
    account_number = form.get("account_number", "").replace(" ", "")
    error: str | None = None
    if not form.get("bank_bin") or not account_number:
        error = "EMPTY"
    elif form.get("consent") != "yes":
        error = "CONSENT"
    else:
        outcome = await gateway.store.run(
            lambda connection: links.link_in_vneid(
                connection,
                national_id=session.citizen.national_id,
                bank_bin=form["bank_bin"],
                account_number=account_number,
                at=at,
            )
        )
        error = outcome.code
    if error is not None:
        return await _account(gateway, session.citizen, session.form_token, error=error, form=form, status=422)
    return _back("linked")


def _back(done: str = "") -> Response:
    """Redirect after a post, so that reloading the page repeats nothing."""
    return RedirectResponse(f"/vneid/app?done={done}" if done else "/vneid/app", status_code=303)


def _sign_in(gateway: Gateway, *, national_id: str = "", error: str = "", status: int = 200) -> Response:
    return page(
        gateway,
        "app_sign_in.html",
        status=status,
        people=list(citizens().values()),
        chosen=citizens().get(national_id),
        national_id=national_id,
        error=error,
    )


async def _account(
    gateway: Gateway,
    citizen: Citizen,
    form_token: str,
    *,
    done: str = "",
    error: str = "",
    form: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    live, history, told = await gateway.store.run(
        lambda connection: (
            links.live_link(connection, citizen.national_id),
            connection.execute(HISTORY, (citizen.national_id,)).fetchall(),
            notices.latest(connection, citizen.national_id),
        )
    )
    return page(
        gateway,
        "app_account.html",
        status=status,
        citizen=citizen,
        banks=banks(),
        live=live,
        history=[_attempt(row) for row in history],
        notices=[{"when": _when(row["at"]), "title": row["title"], "text": row["text"]} for row in told],
        done=DONE.get(done, ""),
        error=REASONS.get(error, ""),
        form=form or {},
        form_token=form_token,
    )


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, CITY).strftime("%d/%m/%Y %H:%M")


def _attempt(row: Any) -> dict[str, str]:
    bank = banks().get(row["bank_bin"])
    return {
        "when": _when(row["at"]),
        "bank": bank.short_name if bank else row["bank_bin"],
        "account": f"…{row['account_number'][-4:]}",
        "result": REASONS.get(row["code"], row["code"]) if row["code"] else "Thành công",
    }


routes = [Route("/app", show), Route("/app", post, methods=["POST"])]
