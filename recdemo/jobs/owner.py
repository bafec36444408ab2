"""Who owns which runs and kept models: on a shared host what a visitor made is theirs, and others look only where they share it.

A visitor has keys: random secrets, no account. A run or a kept model holds the digest of its owner's, in a file of its
own; what has no such file was made by the host's own person: in a shell, on the machine itself, or before there were owners.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recdemo.core.errors import RequestError
from recdemo.core.files import write_whole

OWNER = "owner.json"
ADMIN_VARIABLE = "RECDEMO_ADMIN"
MOST_KEYS = 8  # a visitor's own, and those of sessions opened
SHORTEST_SECRET = 12  # letters; a shorter one could be guessed


class Mark(BaseModel):
    """``owner.json``, in the folder of a run or of a kept model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: str = Field(default="", max_length=64)  # digest of a key; "" for the host's own person
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who asks.

    Args:
        digests: of their keys; what they make is marked with the first.
        admin: the host's own person, who may do everything.
    """

    digests: tuple[str, ...] = ()
    admin: bool = False

    def may_change(self, folder: Path) -> bool:
        """Whether a run or a kept model is theirs."""
        return self.admin or read_mark(folder).owner in self.digests

    def may_look(self, folder: Path) -> bool:
        """Whether it is theirs, or shared."""
        return self.may_change(folder) or read_mark(folder).shared

    def check(self, folder: Path, name: str) -> None:
        """Refuse what is not theirs.

        Raises:
            RequestError: it is not.
        """
        if not self.may_change(folder):
            raise RequestError(
                f"{name} is not yours: only the person who made it may do that; open the session you saved then, or ask whoever runs "
                "this host"
            )

    def mark(self, folder: Path) -> None:
        """Note in a new folder that it is theirs.

        Raises:
            RequestError: they are nobody.
        """
        if self.digests:
            _write(folder, Mark(owner=self.digests[0]))
        elif not self.admin:
            raise RequestError("it is not known who asks for this; open the page again")


HOST = Visitor(admin=True)
NOBODY = Visitor()


def visitor_of(keys: Sequence[str], *, admin: bool = False) -> Visitor:
    """Who has these keys."""
    return Visitor(tuple(hashlib.sha256(key.encode()).hexdigest() for key in keys), admin)


def unlocks(given: str) -> bool:
    """Whether a secret is the host's own.

    Raises:
        RequestError: the host has none, or one that could be guessed.
    """
    secret = os.environ.get(ADMIN_VARIABLE, "")
    if len(secret) < SHORTEST_SECRET:
        raise RequestError(
            f"{ADMIN_VARIABLE} has only {len(secret)} characters, so it unlocks nothing; give it {SHORTEST_SECRET} or more"
        )
    return hmac.compare_digest(given.encode(), secret.encode())


def share(folder: Path, shared: bool, by: Visitor, name: str) -> None:
    """Let others look at a run or a kept model, or no longer.

    Raises:
        RequestError: it is not theirs, or that cannot be noted.
    """
    by.check(folder, name)
    try:
        _write(folder, read_mark(folder).model_copy(update={"shared": shared}))
    except OSError as error:
        raise RequestError(f"{name} stays as it was: {error.strerror}") from error


def read_mark(folder: Path) -> Mark:
    """Whose a folder is; the host's own person's where nothing says so."""
    try:
        return Mark.model_validate_json((folder / OWNER).read_bytes())
    except (OSError, ValidationError):
        return Mark()


def _write(folder: Path, mark: Mark) -> None:
    write_whole(folder / OWNER, mark.model_dump_json().encode())
