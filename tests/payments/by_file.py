"""Payments over the routes that are paid by a list of ours: lists to make, and the files in which the others answer."""

import csv
import io
from collections.abc import Iterable, Mapping

from beneficiaries.models import Payee
from beneficiaries.operations.ways import choose_way
from beneficiaries.states import Delivery, Way
from foundation.reference.models import Bank
from payments.models import PayoutBatch, PayoutFile, ResultFile, Transfer
from payments.operations.payout_files import FileKind, make_file, take_file
from payments.operations.result_files import check_results, commit_results
from payments.states import Route
from tests.factories import ACB, Office, build_batch, make_entitled, start

T, S = Route.TREASURY_FILE, Route.PAYMENT_SERVICE
PAID, NOT_PAID = "Đã chi", "Chưa chi"


def to_treasury(count: int) -> list[Payee]:
    """People whose bank the gateway does not reach."""
    Bank.objects.filter(bin=ACB).update(by_gateway=False)
    return make_entitled(count, bank=ACB)


def to_service(office: Office, count: int, delivery: Delivery = Delivery.PAY_POINT) -> list[Payee]:
    """People whom the payment service pays."""
    payees = make_entitled(count, cash=True)
    for payee in payees:
        choose_way(
            payee_id=payee.pk,
            way=Way.PAYMENT_SERVICE,
            delivery=delivery,
            reason="Người nhận đề nghị tại quầy một cửa",
            by=office.preparer,
            at=office.at(),
        )
    return payees


def given(office: Office, route: Route = T, people: int = 2) -> tuple[PayoutBatch, PayoutFile, list[Transfer]]:
    """A batch being paid whose payments stand in a list of the route."""
    to_treasury(people) if route == T else to_service(office, people)
    batch = start(office, build_batch(office))
    file = make_file(batch_id=batch.pk, route=route, by=office.accountant, at=office.at())
    return batch, file, list(Transfer.objects.filter(batch=batch, route=route).order_by("id"))


def taken(office: Office, file: PayoutFile, kind: FileKind = FileKind.TABLE) -> bytes:
    """The list as an officer takes it along."""
    return take_file(file_id=file.pk, kind=kind, by=office.accountant, at=office.at()).content


def table(content: bytes) -> list[dict[str, str]]:
    """A list's CSV as rows by heading."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def answer(rows: Iterable[Mapping[str, object]]) -> bytes:
    """A result file as .csv."""
    headings = ("Mã khoản chi", "Số tiền", "Kết quả", "Lý do", "Ngày chi", "Số chứng từ")
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def said(transfer: Transfer, outcome: str = PAID, **more: object) -> dict[str, object]:
    """What a row says of a payment."""
    reason = {} if outcome == PAID else {"Lý do": "Tài khoản đã đóng"}
    return {
        "Mã khoản chi": transfer.end_to_end_id,
        "Số tiền": transfer.instructed_amount,
        "Kết quả": outcome,
        **reason,
        **more,
    }


def bring(office: Office, batch: PayoutBatch, *rows: Mapping[str, object], route: Route = T) -> ResultFile:
    """A result file, read and shown."""
    return check_results(
        batch_id=batch.pk,
        route=route,
        content=answer(rows),
        file_name="ket-qua.csv",
        by=office.accountant,
        at=office.at(),
    )


def take_over(office: Office, kept: ResultFile) -> dict[str, int]:
    """A result file, taken over."""
    return commit_results(result_file_id=kept.pk, by=office.accountant, at=office.at())


def answered(office: Office, batch: PayoutBatch, *rows: Mapping[str, object], route: Route = T) -> dict[str, int]:
    """A result file, brought and taken over."""
    return take_over(office, bring(office, batch, *rows, route=route))
