"""Moments and spans of time, in words."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def duration(seconds: float) -> str:
    """Seconds as words for people."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def when(moment: datetime.datetime) -> str:
    """Day and time for people, as this machine counts them."""
    here = moment.astimezone()
    return f"{here.day} {here:%b %Y, %H:%M:%S}"
