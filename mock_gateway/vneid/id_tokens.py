"""Hostile ID tokens, one for each thing that a relying party must check."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

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
            parts = ({"alg": "none", "typ": "JWT"}, claims)
            return ".".join(base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in parts) + "."
        case "hs256_public_key":
            # The classic confusion: the public key, which everyone has, used as a shared secret.
            secret = OctKey.import_key(key.as_pem(private=False))
            return jwt.encode({**header, "alg": "HS256"}, claims, secret, ["HS256"])
        case "unknown_kid":
            foreign = new_key()
            return jwt.encode({**header, "kid": foreign.kid}, claims, foreign)
        case "wrong_signature":
            return jwt.encode(header, claims, new_key())
        case _:
            return encoded  # the fault lies in userinfo
