"""What a citizen is told of the route by which his money comes: where to go, and what to bring."""

from django.utils.translation import gettext as _

from beneficiaries.states import Delivery, Way
from foundation.reference.files import city_texts
from payments.states import Route


def service_name() -> str:
    """Who pays by contract with the city's wards."""
    return str(city_texts()["payment_service"]["name"])


def with_service(delivery: str) -> str:
    """What to do for money that the payment service brings."""
    words = {
        Delivery.CARD: _(
            "Tiền được nạp vào thẻ chi trả. Mời ông, bà mang thẻ và căn cước đến %(service)s để rút tiền."
        ),
        Delivery.PAY_POINT: _("Mời ông, bà mang căn cước đến điểm chi trả của %(service)s ở phường, xã để nhận tiền."),
        Delivery.HOME: _("Nhân viên %(service)s mang tiền đến nhà. Ông, bà chuẩn bị căn cước và ký nhận."),
    }
    return words[Delivery(delivery)] % {"service": service_name()}


def by_route(route: str, delivery: str) -> str:
    """What to do for money that is with somebody who pays by a list: the ward's desk, the Treasury, the payment service."""
    if route == Route.PAYMENT_SERVICE:
        return with_service(delivery)
    if route == Route.TREASURY_FILE:
        return _("Ông, bà không cần làm gì: Kho bạc đang chuyển tiền vào tài khoản của ông, bà.")
    return _("Mời ông, bà mang căn cước đến điểm chi trả của phường, xã để nhận tiền.")


def where_next(way: str | None, delivery: str | None, *, has_account: bool) -> str:
    """Where the next money comes to, in one sentence."""
    if way == Way.PAYMENT_SERVICE and delivery:
        return _("Nhận qua %(service)s: %(how)s") % {
            "service": service_name(),
            "how": str(Delivery(delivery).label).lower(),
        }
    if way == Way.WARD_CASH or not has_account:
        return _("Nhận tiền mặt tại phường, xã; mang theo căn cước.")
    return _("Chuyển vào tài khoản")
