"""What came in from the gateway, what travelled, and how each bank's channel stands.

`GatewayMessage` is the inbox: one row a message, changed only by the workers that apply it. `GatewayMessageBody` is
the evidence: encrypted, partitioned by month, never changed. `BankChannel` is shared by all workers, so that one
bank's trouble stops the sending to that bank and to no other.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only


class OctetLength(models.Func):
    """Bytes of a bytea."""

    function = "octet_length"
    output_field = models.IntegerField()


class MessageState(models.TextChoices):
    """Where an incoming message stands."""

    RECEIVED = "RECEIVED", _("Đã nhận")
    APPLIED = "APPLIED", _("Đã xử lý")
    QUARANTINED = "QUARANTINED", _("Chờ người xem xét")


# Out of quarantine only by a person's hand (inbox.requeue), after a mistake of ours was repaired.
MESSAGE_MOVES: dict[str, tuple[str, ...]] = {
    MessageState.RECEIVED: (MessageState.APPLIED, MessageState.QUARANTINED),
    MessageState.QUARANTINED: (MessageState.RECEIVED,),
}


class GatewayMessage(models.Model):
    """One signed message from the gateway, stored before anything is done with it; an id counts once per provider."""

    provider = models.CharField(_("nguồn"), max_length=20)
    message_id = models.CharField(_("mã bản tin"), max_length=64)
    kind = models.CharField(_("loại"), max_length=40)
    payload_hash = models.BinaryField(help_text="SHA-256 of the raw bytes")
    state = models.CharField(_("trạng thái"), max_length=12, choices=MessageState, default=MessageState.RECEIVED)
    received_at = models.DateTimeField(_("nhận lúc"), db_default=PortalNow())
    applied_at = models.DateTimeField(_("xử lý lúc"), null=True)
    due_at = models.DateTimeField(null=True, db_default=PortalNow(), help_text="when a worker takes it up next")
    attempts = models.PositiveIntegerField(default=0, help_text="claims so far; also the fence of the present claim")
    outcome = models.CharField(_("kết quả"), max_length=500, blank=True)

    class Meta:
        db_table = "gateway_message"
        constraints = [
            models.UniqueConstraint(name="gateway_message_once_per_provider", fields=["provider", "message_id"]),
            models.CheckConstraint(
                name="gateway_message_hash_is_sha256", condition=Exact(OctetLength("payload_hash"), 32)
            ),
            models.CheckConstraint(
                name="gateway_message_due_while_received",
                condition=Q(state="RECEIVED", due_at__isnull=False) | (~Q(state="RECEIVED") & Q(due_at=None)),
            ),
            models.CheckConstraint(
                name="gateway_message_applied_has_time",
                condition=Q(state="APPLIED", applied_at__isnull=False) | (~Q(state="APPLIED") & Q(applied_at=None)),
            ),
            models.CheckConstraint(
                name="gateway_message_quarantine_has_reason", condition=~Q(state="QUARANTINED") | ~Q(outcome="")
            ),
        ]
        indexes = [
            models.Index(name="gateway_message_due", fields=["due_at", "id"], condition=Q(state="RECEIVED")),
            models.Index(name="gateway_message_set_aside", fields=["id"], condition=Q(state="QUARANTINED")),
        ]
        triggers = [
            *only_allowed_moves("gateway_message", MESSAGE_MOVES, initial=[MessageState.RECEIVED]),
            frozen_columns("gateway_message", ["provider", "message_id", "kind", "payload_hash", "received_at"]),
        ]
        verbose_name = _("bản tin của cổng")
        verbose_name_plural = _("bản tin của cổng")

    def __str__(self) -> str:
        return f"{self.provider} {self.message_id}"


class RefusedCallbacks(models.Model):
    """How many callbacks of a minute had a signature that was refused; of the messages themselves nothing is kept."""

    minute = models.DateTimeField(primary_key=True)
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "gateway_refused_callbacks"
        constraints = [models.CheckConstraint(name="refused_callbacks_some", condition=Q(count__gte=1))]
        verbose_name = _("bản tin bị từ chối")
        verbose_name_plural = _("bản tin bị từ chối")

    def __str__(self) -> str:
        return f"{self.minute}: {self.count}"


class GatewayMessageBody(models.Model):
    """The raw bytes of one message, encrypted: callbacks that came in, requests that went out and their answers.

    The table is partitioned by month of `at`; the database's primary key is (id, at). `reference` is the provider's
    message id for what came in, ours for what went out. The associated data of `body` is `exchanges.body_row_id`.
    """

    class Part(models.TextChoices):
        CALLBACK = "CALLBACK", _("Gọi lại")
        REQUEST = "REQUEST", _("Yêu cầu")
        ANSWER = "ANSWER", _("Trả lời")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("lúc"), db_default=PortalNow())
    part = models.CharField(max_length=8, choices=Part)
    message = models.ForeignKey(
        GatewayMessage, on_delete=models.PROTECT, null=True, related_name="bodies", db_index=False
    )
    reference = models.CharField(_("mã bản tin"), max_length=64)
    target = models.CharField(max_length=200, blank=True, help_text="method and path of a request")
    http_status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField(null=True)
    body = models.BinaryField(help_text="encrypted")

    class Meta:
        db_table = "gateway_message_body"
        constraints = [
            models.CheckConstraint(
                name="gateway_message_body_callback_has_message",
                condition=Q(part="CALLBACK", message__isnull=False) | (~Q(part="CALLBACK") & Q(message=None)),
            ),
        ]
        indexes = [
            models.Index(name="gateway_message_body_message", fields=["message"], condition=Q(part="CALLBACK")),
            models.Index(name="gateway_message_body_reference", fields=["reference"]),
        ]
        triggers = append_only("gateway_message_body")
        verbose_name = _("nội dung bản tin")
        verbose_name_plural = _("nội dung bản tin")

    def __str__(self) -> str:
        return f"{self.part} {self.reference}"


class BankChannel(models.Model):
    """The way to one bank (or, as `000000`, to the gateway as a whole): circuit, rate and hours.

    Tokens are lines that may be sent now; a chunk larger than the bucket puts it in debt instead of waiting for ever.
    The hours are local to Ho Chi Minh City; after `cut_off` a bank books on the next day, so nothing new is sent.
    """

    class State(models.TextChoices):
        CLOSED = "CLOSED", _("Thông suốt")
        OPEN = "OPEN", _("Tạm ngắt")
        HALF_OPEN = "HALF_OPEN", _("Đang thử lại")

    bank_bin = models.CharField(_("mã ngân hàng"), max_length=6, primary_key=True)
    state = models.CharField(_("trạng thái"), max_length=9, choices=State, default=State.CLOSED)
    failures = models.PositiveIntegerField(_("lỗi liên tiếp"), default=0)
    opened_at = models.DateTimeField(_("ngắt lúc"), null=True)
    retry_at = models.DateTimeField(_("thử lại lúc"), null=True)
    rate = models.FloatField(_("khoản mỗi giây"), default=200, help_text="present rate, between 1 and rate_limit")
    rate_limit = models.FloatField(_("tối đa mỗi giây"), default=200)
    burst = models.PositiveIntegerField(default=1000, help_text="tokens that an idle channel gathers")
    tokens = models.FloatField(default=1000)
    tokens_at = models.DateTimeField(db_default=PortalNow(), help_text="when `tokens` was true; ahead while throttled")
    opens_at = models.TimeField(_("giờ mở"), null=True)
    closes_at = models.TimeField(_("giờ đóng"), null=True)
    cut_off = models.TimeField(_("giờ chốt"), null=True)
    last_answer = models.CharField(
        _("trả lời gần nhất"),
        max_length=40,
        blank=True,
        db_default="",
        help_text="ANSWERED, or a code of what was wrong",
    )
    last_answer_at = models.DateTimeField(null=True, help_text="of answers in a row: to ten seconds")

    class Meta:
        db_table = "gateway_bank_channel"
        constraints = [
            models.CheckConstraint(name="bank_channel_bin_is_six_digits", condition=Q(bank_bin__regex=r"^[0-9]{6}$")),
            models.CheckConstraint(
                name="bank_channel_times_fit_state",
                condition=Q(state="CLOSED", opened_at=None, retry_at=None)
                | Q(state__in=["OPEN", "HALF_OPEN"], opened_at__isnull=False, retry_at__isnull=False),
            ),
            models.CheckConstraint(
                name="bank_channel_rate_within_limit", condition=Q(rate__gte=1, rate__lte=F("rate_limit"))
            ),
            models.CheckConstraint(
                name="bank_channel_tokens_within_burst", condition=Q(burst__gte=1, tokens__lte=F("burst"))
            ),
            models.CheckConstraint(
                name="bank_channel_hours_in_order",
                condition=Q(opens_at=None, closes_at=None) | Q(opens_at__lt=F("closes_at")),
            ),
        ]
        verbose_name = _("kênh ngân hàng")
        verbose_name_plural = _("kênh ngân hàng")

    def __str__(self) -> str:
        return f"{self.bank_bin} {self.get_state_display()}"


class NoticeState(models.TextChoices):
    """Where a notice stands on its way out; in the inbox of the portal it stands from the first moment."""

    WAITING = "WAITING", _("Chờ gửi")
    SENT = "SENT", _("Đã gửi")
    FAILED = "FAILED", _("Chưa gửi được, sẽ gửi lại")
    GIVEN_UP = "GIVEN_UP", _("Không gửi được")


NOTICE_MOVES: dict[str, tuple[str, ...]] = {
    NoticeState.WAITING: (NoticeState.SENT, NoticeState.FAILED, NoticeState.GIVEN_UP),
    NoticeState.FAILED: (NoticeState.SENT, NoticeState.GIVEN_UP),
    NoticeState.SENT: (),
    NoticeState.GIVEN_UP: (),
}


class Notice(models.Model):
    """Something that one person is told, once per event: kept in his inbox here, and sent to him by one more way.

    Words and address are encrypted (contexts "notice.text", "notice.address", row id = pk). A member of staff is known by the
    user's id, a citizen by the fingerprint of the ID number: also one who has never signed in here.
    """

    class Channel(models.TextChoices):
        PORTAL = "PORTAL", _("Chỉ trên cổng")
        EMAIL = "EMAIL", _("Thư điện tử")
        VNEID = "VNEID", _("VNeID")

    event = models.CharField(max_length=80, help_text="what it tells of, such as `alarm:12`")
    user_id = models.BigIntegerField(null=True)
    person_index = models.BinaryField(max_length=32, null=True)
    channel = models.CharField(_("gửi qua"), max_length=6, choices=Channel)
    text_encrypted = models.BinaryField()
    address_encrypted = models.BinaryField(null=True)
    state = models.CharField(_("trạng thái"), max_length=8, choices=NoticeState, default=NoticeState.WAITING)
    created_at = models.DateTimeField(db_default=PortalNow())
    due_at = models.DateTimeField(null=True, db_default=PortalNow(), help_text="when a worker takes it up next")
    attempts = models.PositiveIntegerField(default=0, help_text="claims so far; also the fence of the present claim")
    outcome = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_notice"
        constraints = [
            models.CheckConstraint(
                name="notice_has_one_recipient",
                condition=Q(user_id__isnull=False, person_index=None) | Q(user_id=None, person_index__isnull=False),
            ),
            models.UniqueConstraint(
                name="notice_once_per_user", fields=["event", "user_id"], condition=Q(user_id__isnull=False)
            ),
            models.UniqueConstraint(
                name="notice_once_per_person",
                fields=["event", "person_index"],
                condition=Q(person_index__isnull=False),
            ),
            models.CheckConstraint(
                name="notice_sent_elsewhere_has_address",
                condition=Q(channel="PORTAL", address_encrypted=None)
                | ~Q(channel="PORTAL") & Q(address_encrypted__isnull=False),
            ),
            models.CheckConstraint(
                name="notice_due_until_it_ends",
                condition=Q(state__in=["WAITING", "FAILED"], due_at__isnull=False, ended_at=None)
                | Q(state__in=["SENT", "GIVEN_UP"], due_at=None, ended_at__isnull=False),
            ),
            models.CheckConstraint(name="notice_given_up_has_reason", condition=~Q(state="GIVEN_UP") | ~Q(outcome="")),
        ]
        indexes = [
            models.Index(name="notice_due", fields=["due_at", "id"], condition=Q(state__in=["WAITING", "FAILED"])),
            models.Index(name="notice_given_up", fields=["ended_at"], condition=Q(state="GIVEN_UP")),
            models.Index(
                name="notice_user_unread", fields=["user_id"], condition=Q(user_id__isnull=False, read_at=None)
            ),
            models.Index(
                name="notice_person_unread",
                fields=["person_index"],
                condition=Q(person_index__isnull=False, read_at=None),
            ),
            models.Index(name="notice_of_user", fields=["user_id", "-id"], condition=Q(user_id__isnull=False)),
            models.Index(
                name="notice_of_person", fields=["person_index", "-id"], condition=Q(person_index__isnull=False)
            ),
        ]
        triggers = [
            *only_allowed_moves("notice", NOTICE_MOVES, initial=[NoticeState.WAITING, NoticeState.SENT]),
            frozen_columns("notice", ["event", "user_id", "person_index", "channel", "created_at"]),
        ]
        verbose_name = _("thông báo")
        verbose_name_plural = _("thông báo")

    def __str__(self) -> str:
        return f"{self.event} → {self.user_id or 'citizen'}"
