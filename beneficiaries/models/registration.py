"""A citizen's registration of an account as far as it has come, kept on the server; and how often banks were asked."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models.people import Person
from beneficiaries.states import ENQUIRY_MOVES, EnquiryState, MatchResult
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import only_allowed_moves
from foundation.reference.models import Bank

# Without 0, O, 1, I, L and U: what is read out by telephone arrives as it was said.
REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 10
REFERENCE_FORM = rf"^[{REFERENCE_LETTERS}]{{{REFERENCE_LENGTH}}}$"

_NO_ANSWER = Q(holder_name="", match_result="", answered_at=None)


class AccountDraft(models.Model):
    """What a citizen has chosen so far: bank, number, the bank's answer, consent. It ends as an account, or is purged.

    The number is encrypted (context "account_draft.number", row id = pk). Each question to the bank has the next
    `enquiry_number`: an answer to an older one is ignored, so it can never be taken for an answer about another number.
    """

    person = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="account_draft")
    reference = models.CharField(_("mã hồ sơ"), max_length=REFERENCE_LENGTH, unique=True)
    bank = models.ForeignKey(
        Bank, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("ngân hàng, ví điện tử")
    )
    number_encrypted = models.BinaryField(null=True)
    number_index = models.BinaryField(max_length=32, null=True)
    number_masked = models.CharField(_("số tài khoản"), max_length=30, blank=True)
    state = models.CharField(max_length=10, choices=EnquiryState, default=EnquiryState.NONE)
    enquiry_number = models.PositiveIntegerField(default=0)
    holder_name = models.CharField(_("tên chủ tài khoản"), max_length=120, blank=True, help_text="as the bank gave it")
    match_result = models.CharField(max_length=10, choices=MatchResult, blank=True)
    refusal_code = models.CharField(max_length=30, blank=True)
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text="when the bank is asked next")
    consent_version = models.CharField(max_length=20, blank=True)
    consented_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=PortalNow())
    saved_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "beneficiaries_account_draft"
        constraints = [
            models.CheckConstraint(name="account_draft_reference_form", condition=Q(reference__regex=REFERENCE_FORM)),
            # A number that is known is asked about: there is no state between the two.
            models.CheckConstraint(
                name="account_draft_number_is_asked",
                condition=Q(state="NONE", number_encrypted=None, number_index=None, number_masked="", asked_at=None)
                | (
                    ~Q(state="NONE")
                    & ~Q(number_masked="")
                    & Q(
                        bank__isnull=False,
                        number_encrypted__isnull=False,
                        number_index__isnull=False,
                        asked_at__isnull=False,
                        enquiry_number__gte=1,
                    )
                ),
            ),
            models.CheckConstraint(
                name="account_draft_waiting_is_due",
                condition=Q(state="WAITING", due_at__isnull=False) | (~Q(state="WAITING") & Q(due_at=None)),
            ),
            # A name that differs is a refusal and is not kept: it may be a stranger's.
            models.CheckConstraint(
                name="account_draft_answer_whole",
                condition=(Q(state__in=["NONE", "WAITING"], refusal_code="") & _NO_ANSWER)
                | (
                    Q(
                        state="ANSWERED",
                        refusal_code="",
                        match_result__in=["MATCH", "MATCH_NOTE", "REVIEW"],
                        answered_at__isnull=False,
                    )
                    & ~Q(holder_name="")
                )
                | (
                    Q(state="REFUSED", holder_name="", match_result="", answered_at__isnull=False)
                    & ~Q(refusal_code="")
                ),
            ),
            models.CheckConstraint(
                name="account_draft_consent_to_an_answer",
                condition=Q(consent_version="", consented_at=None)
                | (Q(state="ANSWERED", consented_at__isnull=False) & ~Q(consent_version="")),
            ),
        ]
        indexes = [
            models.Index(name="account_draft_due", fields=["due_at", "id"], condition=Q(state=EnquiryState.WAITING)),
            models.Index(name="account_draft_saved", fields=["saved_at"]),
        ]
        triggers = [
            *only_allowed_moves("account_draft", ENQUIRY_MOVES, initial=["NONE"]),
            pgtrigger.Trigger(
                name="account_draft_number_asked_anew",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.enquiry_number < OLD.enquiry_number OR NEW.person_id <> OLD.person_id "
                    "OR NEW.reference <> OLD.reference "
                    "OR (NEW.number_index IS NOT NULL AND NEW.enquiry_number = OLD.enquiry_number "
                    "AND (NEW.number_index, NEW.bank_id) IS DISTINCT FROM (OLD.number_index, OLD.bank_id))"
                ),
                func=(
                    "RAISE EXCEPTION 'account_draft_number_asked_anew: draft %', OLD.id "
                    "USING ERRCODE = 'check_violation';"
                ),
            ),
        ]
        verbose_name = _("hồ sơ đăng ký tài khoản")
        verbose_name_plural = _("hồ sơ đăng ký tài khoản")

    def __str__(self) -> str:
        return self.reference


class EnquiryCount(models.Model):
    """How many questions to banks a person has caused on a day of the city; it outlives the registration."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    enquiries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "beneficiaries_enquiry_count"
        constraints = [models.UniqueConstraint(name="enquiry_count_one_a_day", fields=["person", "day"])]

    def __str__(self) -> str:
        return f"{self.day} {self.enquiries}"
