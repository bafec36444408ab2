"""What can go wrong for reasons that lie outside the code: the messages name the value and the way out."""

from __future__ import annotations


class CheckpointError(Exception):
    """A checkpoint or its catalogue cannot be used: the message names the file and the way out."""


class DataError(Exception):
    """A source cannot be read: the message names the file, the line where there is one, and the way out."""


class RequestError(ValueError):
    """What was asked for cannot be served as asked: the message names the value and the way out."""
