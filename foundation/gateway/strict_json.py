"""JSON from strangers: what two parsers could read differently is refused, not guessed.

Refused: other encodings than UTF-8, a byte order mark, doubled members, NaN, Infinity, numbers beyond a double, whole
numbers of more than 64 bits, nesting that exhausts the stack. The standard parser with its hooks reads the answer to
500 lines in half a millisecond, so a laxer and faster one would save nothing that counts.
"""

import json
import math
from typing import Any, NoReturn

_WHOLE_NUMBER_LIMIT = 2**63


class NotStrict(ValueError):
    """The bytes are not JSON that every reader reads the same; the text never repeats them."""


def loads(data: bytes) -> Any:
    """Parse UTF-8 JSON.

    Raises:
        NotStrict: For any of the reasons above.
    """
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotStrict("not UTF-8") from None
    except json.JSONDecodeError:
        raise NotStrict("not JSON") from None
    except RecursionError:
        raise NotStrict("nested too deeply") from None


def loads_object(data: bytes) -> dict[str, Any]:
    """Parse UTF-8 JSON that must be an object; raises NotStrict as `loads` does."""
    value = loads(data)
    if not isinstance(value, dict):
        raise NotStrict("not an object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotStrict("a member stands twice")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotStrict("a number is too large")
    return value


def _int(text: str) -> int:
    if len(text) > 20:  # before int(), whose time grows with the square of the length
        raise NotStrict("a number is too large")
    value = int(text)
    if not -_WHOLE_NUMBER_LIMIT <= value < _WHOLE_NUMBER_LIMIT:
        raise NotStrict("a number is too large")
    return value


def _constant(text: str) -> NoReturn:
    raise NotStrict(f"{text} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)
