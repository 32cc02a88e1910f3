"""Hostile ID tokens, one for each thing that a relying party must check."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import RSAKey

from mock_gateway.vneid.keys import new_key

Claims = dict[str, Any]

CHANGES: dict[str, Callable[[Claims], Claims]] = {
    "wrong_nonce": lambda claims: {**claims, "nonce": "another-nonce"},
    "missing_nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "wrong_audience": lambda claims: {**claims, "aud": "another-client"},
    "wrong_issuer": lambda claims: {**claims, "iss": f"{claims['iss']}/"},
    "expired": lambda claims: {**claims, "iat": claims["iat"] - 7_200, "exp": claims["iat"] - 3_600},
}


def spoil(fault: str, encoded: str, key: RSAKey) -> str:
    """Change a good ID token as the fault says: its claims under a good signature, or its signature."""
    token = jwt.decode(encoded, key)
    header, claims = dict(token.header), dict(token.claims)
    if fault in CHANGES:
        return jwt.encode(header, CHANGES[fault](claims), key)
    match fault:
        case "alg_none":
            return f"{_encoded(orjson.dumps({**header, 'alg': 'none'}))}.{_encoded(orjson.dumps(claims))}."
        case "hs256_public_key":
            # The classic confusion: the public key, which everyone has, as a shared secret. By hand: the library refuses.
            signed = f"{_encoded(orjson.dumps({**header, 'alg': 'HS256'}))}.{_encoded(orjson.dumps(claims))}"
            return f"{signed}.{_encoded(hmac.digest(key.as_pem(private=False), signed.encode(), hashlib.sha256))}"
        case "unknown_kid":
            foreign = new_key()
            return jwt.encode({**header, "kid": foreign.kid}, claims, foreign)
        case "wrong_signature":
            return jwt.encode(header, claims, new_key())
        case _:
            return encoded  # the fault lies in userinfo


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
