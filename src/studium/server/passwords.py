"""Passwords: kept as argon2id hashes with the parameters that argon2-cffi recommends (RFC 9106)."""

import threading
from functools import cache
from typing import TYPE_CHECKING

from studium.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["LONGEST", "SHORTEST", "hashed", "matches"]

SHORTEST, LONGEST = 10, 1000
_ROOM = threading.BoundedSemaphore(2)  # each takes 64 MB while it works


def hashed(password: str) -> str:
    """The hash of a new password.

    Raises:
        InputError: it is too short, or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"a password has {SHORTEST} to {LONGEST} characters, got {len(password)}; a few words in a row are easy"
        )
    with _ROOM:
        return _hasher().hash(password.encode("utf-8", "surrogatepass"))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password of a hash; with no hash it is not, which takes as long to find out."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _ROOM:
        try:
            return _hasher().verify(kept or _nobodys(), password.encode("utf-8", "surrogatepass")) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hasher() -> "PasswordHasher":
    try:
        from argon2 import PasswordHasher
    except ModuleNotFoundError as error:
        raise MissingExtraError("argon2-cffi", "serve") from error
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash(b"a password of nobody")
