"""A paper is what its bytes are, whatever its name says; and it lies encrypted under a name that harms nobody."""

import pytest

from payments.errors import PaperTooLarge, PaperUnreadable
from payments.operations.papers import JPEG, MAIL, MAX_BYTES, PDF, PNG, take_paper
from tests.payments import deciding

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\x00" * 30 + b"\x00\x00\x00\x00IEND\xaeB`\x82"
PHOTO = b"\xff\xd8\xff\xe0" + b"\x00" * 30 + b"\xff\xd9"
SIGNED = (
    b"From: doisoat@nganhang.example\r\nDate: Wed, 25 Nov 2026 10:00:00 +0700\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nDa chi\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nMII=\r\n--b--\r\n"
)
KINDS = {PDF: deciding.PDF, PNG: PICTURE, JPEG: PHOTO, MAIL: SIGNED}


@pytest.mark.parametrize("kind", KINDS)
def test_its_kind_is_that_of_its_bytes(kind: str) -> None:
    assert take_paper(name="bat-ky.exe", content=KINDS[kind]).media_type == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b"MZ\x90\x00" + deciding.PDF,
        b"GIF89a" + b"\x00" * 40,
        b"PK\x03\x04" + b"\x00" * 40,
        deciding.PDF[:-8],  # cut off on its way
        PICTURE[:-4],
        PHOTO[:-2],
        PICTURE + b"<script>alert(1)</script>",  # two things at once
        SIGNED.replace(b"multipart/signed", b"multipart/mixed"),
        SIGNED.replace(b"pkcs7-signature", b"pdf"),
        SIGNED.replace(b"From:", b"X-From:"),
        SIGNED.replace(b"Da chi", b"Da\x00chi"),
        b"\xff\xd8\xff",
    ],
)
def test_what_it_is_not_is_refused(content: bytes) -> None:
    with pytest.raises(PaperUnreadable):
        take_paper(name="cong-van.pdf", content=content)


def test_it_has_five_megabytes_and_no_more() -> None:
    fits = deciding.PDF + b" " * (MAX_BYTES - len(deciding.PDF) - 6) + b"%%EOF\n"
    assert len(fits) == MAX_BYTES
    assert take_paper(name="a.pdf", content=fits).media_type == PDF
    with pytest.raises(PaperTooLarge):
        take_paper(name="a.pdf", content=fits + b"\n")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Công văn 12.pdf", "Công văn 12.pdf"),
        ("Co\u0302ng va\u0306n.pdf", "Công văn.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\an\\giay to.docx", "giay to.pdf"),
        ('a"; filename="b.html', "a filenameb.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"),
        ("\u202efdp.exe", "fdp.pdf"),
        ("", "tai-lieu.pdf"),
        ("...", "tai-lieu.pdf"),
        ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
    ],
)
def test_its_name_harms_nobody(name: str, kept: str) -> None:
    assert take_paper(name=name, content=deciding.PDF).name == kept
