"""Where a payee is paid: versioned accounts, and the consents under which numbers are shared with a bank."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models.people import Payee, Person
from beneficiaries.models.registration import REFERENCE_FORM, REFERENCE_LENGTH
from beneficiaries.models.visible import AccountQuerySet
from beneficiaries.states import (
    ACCOUNT_HOLDS_NUMBER,
    ACCOUNT_MOVES,
    ACCOUNT_TO_JUDGE,
    ACCOUNT_WAITING,
    AccountSource,
    AccountState,
    MatchResult,
)
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from foundation.reference.models import Bank


class Consent(models.Model):
    """A person's yes to one purpose, with the words that were shown; withdrawal is a row of its own kind."""

    class Kind(models.TextChoices):
        GIVEN = "GIVEN", _("Đồng ý")
        WITHDRAWN = "WITHDRAWN", _("Rút lại")

    class Channel(models.TextChoices):
        WEB = "WEB", _("Trên cổng")
        VNEID = "VNEID", _("Trong VNeID")
        ASSISTED = "ASSISTED", _("Cán bộ hỗ trợ")

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.GIVEN)
    purpose = models.CharField(max_length=40)
    text_version = models.CharField(max_length=20)
    text = models.TextField()
    channel = models.CharField(max_length=10, choices=Channel)
    assisted_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_default=PortalNow())
    token = models.CharField(max_length=64, unique=True, help_text="opaque, shown to the bank as proof")

    class Meta:
        db_table = "beneficiaries_consent"
        constraints = [
            models.CheckConstraint(
                name="consent_assisted_by_somebody",
                condition=Q(channel="ASSISTED", assisted_by__isnull=False)
                | (~Q(channel="ASSISTED") & Q(assisted_by=None)),
            ),
        ]
        triggers = append_only("beneficiaries_consent")
        verbose_name = _("sự đồng ý")
        verbose_name_plural = _("sự đồng ý")

    def __str__(self) -> str:
        return f"{self.purpose} {self.text_version}"


class PayoutAccount(models.Model):
    """One version of where a payee is paid. A change is a new version; number, bank and holder never change in place.

    The number is encrypted (context "payout_account.number", row id = pk) and found by its fingerprint over bank and
    number. An account belongs to one holder: while it cools, is in use or is suspended, nobody else can hold it.
    """

    payee = models.ForeignKey(Payee, on_delete=models.PROTECT, related_name="accounts")
    version = models.PositiveIntegerField()
    reference = models.CharField(
        _("mã hồ sơ"), max_length=REFERENCE_LENGTH, null=True, unique=True, help_text="of a registration on the portal"
    )
    source = models.CharField(max_length=6, choices=AccountSource)
    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, verbose_name=_("ngân hàng"))
    number_encrypted = models.BinaryField()
    number_index = models.BinaryField(max_length=32)
    number_masked = models.CharField(_("số tài khoản"), max_length=30)
    holder_name = models.CharField(_("tên chủ tài khoản"), max_length=120, blank=True, help_text="as the bank gave it")
    match_result = models.CharField(max_length=10, choices=MatchResult, blank=True)
    refusal_code = models.CharField(max_length=30, blank=True)
    state = models.CharField(max_length=15, choices=AccountState, default=AccountState.REQUESTED)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True)
    gateway_link_id = models.CharField(max_length=80, blank=True)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    requested_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(db_default=PortalNow())
    checked_at = models.DateTimeField(null=True)
    cooling_until = models.DateTimeField(null=True)
    activated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_default=PortalNow(), help_text="when the portal looks at it next")

    objects = AccountQuerySet.as_manager()

    class Meta:
        db_table = "beneficiaries_payout_account"
        constraints = [
            models.UniqueConstraint(name="payout_account_version", fields=["payee", "version"]),
            models.UniqueConstraint(
                name="payout_account_one_active", fields=["payee"], condition=Q(state=AccountState.ACTIVE)
            ),
            models.UniqueConstraint(
                name="payout_account_one_waiting", fields=["payee"], condition=Q(state__in=ACCOUNT_WAITING)
            ),
            models.UniqueConstraint(
                name="payout_account_one_holder", fields=["number_index"], condition=Q(state__in=ACCOUNT_HOLDS_NUMBER)
            ),
            models.CheckConstraint(
                name="payout_account_active_is_proven",
                condition=~Q(state__in=ACCOUNT_HOLDS_NUMBER)
                | (
                    ~Q(holder_name="")
                    & Q(match_result__in=["MATCH", "MATCH_NOTE", "REVIEW"], checked_at__isnull=False)
                ),
            ),
            # A near match never passes by itself, and a number from a list needs a second person.
            models.CheckConstraint(
                name="payout_account_judged_by_somebody",
                condition=~Q(state__in=ACCOUNT_HOLDS_NUMBER)
                | (~Q(match_result="REVIEW") & ~Q(source="FILE"))
                | Q(confirmed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="payout_account_second_person",
                condition=Q(confirmed_by=None) | Q(requested_by=None) | ~Q(confirmed_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="payout_account_cooling_has_end",
                condition=~Q(state="COOLING") | Q(cooling_until__isnull=False),
            ),
            models.CheckConstraint(
                name="payout_account_activated_at", condition=~Q(state="ACTIVE") | Q(activated_at__isnull=False)
            ),
            models.CheckConstraint(
                name="payout_account_waiting_is_due", condition=~Q(state__in=ACCOUNT_WAITING) | Q(due_at__isnull=False)
            ),
            models.CheckConstraint(
                name="payout_account_reference_form",
                condition=Q(reference=None) | Q(source="SELF", reference__regex=REFERENCE_FORM),
            ),
        ]
        indexes = [
            models.Index(name="payout_account_due", fields=["due_at", "id"], condition=Q(state__in=ACCOUNT_WAITING)),
            models.Index(name="payout_account_number", fields=["number_index"]),
            models.Index(
                name="payout_account_to_judge", fields=["state", "id"], condition=Q(state__in=ACCOUNT_TO_JUDGE)
            ),
        ]
        triggers = [
            *only_allowed_moves("payout_account", ACCOUNT_MOVES, initial=["REQUESTED"]),
            # I-22: what takes the place of another number waits out its safe time, whoever writes, and nobody shortens it.
            pgtrigger.Trigger(
                name="payout_account_cools_off",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.cooling_until IS NOT NULL AND NEW.cooling_until IS DISTINCT FROM OLD.cooling_until) "
                    "OR (NEW.state = 'COOLING' AND OLD.state <> 'COOLING') OR (NEW.state = 'ACTIVE' AND OLD.state <> 'ACTIVE'))"
                ),
                func="""
                    IF (OLD.cooling_until IS NOT NULL AND NEW.cooling_until IS DISTINCT FROM OLD.cooling_until)
                       OR (NEW.state = 'COOLING' AND OLD.state <> 'COOLING'
                           AND NEW.cooling_until < portal_now() + interval '71 hours')
                       OR (NEW.state = 'ACTIVE' AND OLD.state = 'COOLING' AND NEW.cooling_until > portal_now())
                       OR (NEW.state = 'ACTIVE' AND OLD.state NOT IN ('COOLING', 'SUSPENDED', 'ACTIVE') AND EXISTS (
                           SELECT 1 FROM beneficiaries_payout_account earlier
                           WHERE earlier.id = NEW.replaces_id AND earlier.number_index <> NEW.number_index))
                    THEN
                        RAISE EXCEPTION 'payout_account_cools_off: %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # The ciphertext alone may change: key rotation writes it anew.
            frozen_columns(
                "payout_account",
                ["payee_id", "version", "reference", "source", "bank_id", "number_index", "number_masked"],
            ),
        ]
        verbose_name = _("tài khoản hưởng an sinh xã hội")
        verbose_name_plural = _("tài khoản hưởng an sinh xã hội")

    def __str__(self) -> str:
        return f"{self.bank_id} {self.number_masked}"
