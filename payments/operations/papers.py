"""Papers that speak for a decision: what is taken in, known by its content and not by its name; and who reads one later."""

import email
import email.policy
import unicodedata
from datetime import datetime
from pathlib import PurePosixPath

from django.db import transaction

from foundation.audit.operations import record_event
from foundation.privacy.encryption import decrypt_bytes
from foundation.privacy.operations import record_access
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import NotInAuthority, PaperTooLarge, PaperUnreadable
from payments.models import Proposal
from payments.operations.proposals import CONTEXT, Paper

MAX_BYTES = 5 * 1024 * 1024
NAME_MAX = 100
PDF, PNG, JPEG, MAIL = "application/pdf", "image/png", "image/jpeg", "message/rfc822"
SUFFIXES = {PDF: ".pdf", PNG: ".png", JPEG: ".jpg", MAIL: ".eml"}
PDF_END = 2_048  # the mark of the end stands within the last bytes; what comes after it may be line ends


def take_paper(*, name: str, content: bytes) -> Paper:
    """A file as it may be kept: of a kind that is known by its content, under a name that harms nobody.

    Raises:
        PaperTooLarge: It has more than five megabytes.
        PaperUnreadable: It is empty, cut off, or neither PDF, PNG, JPEG nor a signed mail.
    """
    if len(content) > MAX_BYTES:
        raise PaperTooLarge
    media_type = _kind_of(content)
    if media_type is None:
        raise PaperUnreadable
    return Paper(_safe_name(name, SUFFIXES[media_type]), media_type, content)


def _kind_of(content: bytes) -> str | None:
    """The kind by first and last bytes, so that a file which is two things at once is neither."""
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-PDF_END:]:
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content.endswith(b"IEND\xaeB`\x82"):
        return PNG
    if content.startswith(b"\xff\xd8\xff") and content.endswith(b"\xff\xd9"):
        return JPEG
    return MAIL if _is_signed_mail(content) else None


def _is_signed_mail(content: bytes) -> bool:
    """S/MIME in either form. Whether the signature is the bank's is for the second person, who opens the mail."""
    if b"\x00" in content:
        return False
    message = email.message_from_bytes(content, policy=email.policy.default)
    if not message["From"] or not message["Date"]:
        return False
    if message.get_content_type() in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return True
    signatures = {"application/pkcs7-signature", "application/x-pkcs7-signature"}
    return message.get_content_type() == "multipart/signed" and message.get_param("protocol") in signatures


def _safe_name(name: str, suffix: str) -> str:
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    stem = "".join(sign for sign in PurePosixPath(last).stem if sign.isalnum() or sign in " -_.()").strip(" .")
    return (stem[:NAME_MAX] or "tai-lieu") + suffix


def may_read(*, proposal: Proposal, by: User, at: datetime) -> str | None:
    """The role under which `by` may read the paper of a proposal: who may decide there, or trace; None: neither."""
    for permission in (Permission.APPROVE_BATCH, Permission.TRACE):
        try:
            return access.require(user=by, permission=permission, unit_code=proposal.unit_id, at=at).role
        except access.NotAllowed:
            continue
    return None


@transaction.atomic(durable=True)
def read_paper(*, proposal_id: int, by: User, at: datetime) -> Paper:
    """The paper of a proposal, opened; that it was read is written down.

    Raises:
        Proposal.DoesNotExist: There is none, or it has no paper.
        NotInAuthority: `by` may neither decide nor trace there.
    """
    proposal = Proposal.objects.select_related("evidence").get(pk=proposal_id, evidence__isnull=False)
    role = may_read(proposal=proposal, by=by, at=at)
    if role is None:
        raise NotInAuthority
    file = proposal.evidence
    assert file is not None
    record_access(
        by=by.actor,
        role=role,
        subject_kind="evidence",
        subject_id=file.pk,
        fields=["content"],
        purpose=f"Đề nghị {proposal.pk}: {proposal.get_kind_display()}",
    )
    record_event(
        kind="proposal.paper_read",
        actor=by.actor,
        subject_kind=proposal.subject_kind,
        subject_id=proposal.subject_id,
        payload={"proposal": proposal.pk, "sha256": bytes(file.sha256).hex()},
    )
    content = decrypt_bytes(file.content_encrypted, context=CONTEXT, row_id=file.pk)
    return Paper(file.name, file.media_type, content)
