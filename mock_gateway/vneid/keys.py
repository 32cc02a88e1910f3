"""The key that signs ID tokens: made once, kept in the data folder, so that a restart ends nobody's sign-in."""

import os
from pathlib import Path

from joserfc.jwk import KeySet, RSAKey

FILE = "vneid-signing-key.pem"
BITS = 2048


def load_key(folder: Path) -> RSAKey:
    """Read the key, or make it where there is none."""
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        key = new_key()
        # Readable by the owner only from the first byte, and never half-written.
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.as_pem(private=True))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    key = RSAKey.import_key(path.read_bytes(), {"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key


def new_key() -> RSAKey:
    """A fresh key, known to nobody."""
    key = RSAKey.generate_key(BITS, {"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key


def public_set(key: RSAKey) -> dict[str, object]:
    """The JWKS document."""
    return dict(KeySet([key]).as_dict(private=False))
