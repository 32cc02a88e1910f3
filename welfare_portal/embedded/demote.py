"""Runs PostgreSQL, which refuses to be root, as an unprivileged user when root starts it.

Giving up root alone would not do: a checkout in a folder that only root can enter (`mktemp -d`, `/root`) hides data
and binaries from that user, and the rights of folders above our own are not ours to change. So the server keeps one
right of root's, CAP_DAC_OVERRIDE, as an ambient capability: it may pass where root may pass. Nothing is lost by that,
as only root can reach the server's socket. Docker grants the capability by default, and Linux has had ambient ones
since 4.3. Where there are none, the server runs as `nobody` without it, which is enough when others may enter the
checkout; the message says so when they may not.

Run by path and replaced by the server: `python demote.py BINARY ARGUMENT ...`.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

_PR_GET_SECUREBITS = 27
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_IS_SET = 1
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_SECBIT_NO_CAP_AMBIENT_RAISE = 1 << 6
_CAP_DAC_OVERRIDE = 1
_CAP_SETPCAP = 8
_CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def account() -> tuple[int, int]:
    """Numbers of user and group that the server takes: `nobody`, which initdb must find by name."""
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, second: int, third: int = 0) -> int:
    return int(_libc().prctl(option, *(ctypes.c_ulong(number) for number in (second, third, 0, 0))))


def can_keep_access() -> bool:
    """Whether this process could hand root's right of way on to a server that is not root."""
    if not sys.platform.startswith("linux"):
        return False
    sets = (_Sets * 2)()
    header = _Header(_CAPABILITY_VERSION_3, 0)
    if _libc().capget(ctypes.byref(header), sets) != 0:
        return False
    if not all(sets[0].permitted & (1 << needed) for needed in (_CAP_DAC_OVERRIDE, _CAP_SETPCAP)):
        return False
    known = _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_IS_SET, _CAP_DAC_OVERRIDE) >= 0
    return known and not _prctl(_PR_GET_SECUREBITS, 0) & _SECBIT_NO_CAP_AMBIENT_RAISE


def drop() -> None:
    """Stop being root for good, keeping only the right of way, where that is possible."""
    uid, gid = account()
    keep = can_keep_access()
    # Without this bit the change of user would take every capability, and access(2), with which PostgreSQL looks for
    # its programs, would answer as if there were none.
    if keep and _prctl(_PR_SET_SECUREBITS, _prctl(_PR_GET_SECUREBITS, 0) | _SECBIT_NO_SETUID_FIXUP) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECUREBITS)")
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if not keep:
        return
    bit = 1 << _CAP_DAC_OVERRIDE
    sets = (_Sets * 2)(_Sets(bit, bit, bit), _Sets(0, 0, 0))  # all others are given up here
    header = _Header(_CAPABILITY_VERSION_3, 0)
    if _libc().capset(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    if _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_CAP_AMBIENT_RAISE)")


def main() -> None:
    """Become the program named on the command line, no longer as root."""
    binary = sys.argv[1]
    drop()
    os.umask(0o077)
    try:
        os.execv(binary, sys.argv[1:])  # noqa: S606  no shell is wanted
    except PermissionError:
        sys.exit(
            f"PostgreSQL does not run as root, and the user it runs as cannot enter {Path(binary).parent}.\n"
            "Run as a normal user, or move the checkout to a folder that others may enter, or set DATABASE_URL."
        )


if __name__ == "__main__":
    main()
