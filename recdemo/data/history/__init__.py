"""The films a person watched, from whatever they can export: read, matched to a catalogue, made a history."""

from recdemo.data.history.bring import Brought, bring, read_history
from recdemo.data.history.entries import SUPPORTED, Entry, Export
from recdemo.data.history.exports import read_export
from recdemo.data.history.finder import Finder, Match

__all__ = [
    "SUPPORTED",
    "Brought",
    "Entry",
    "Export",
    "Finder",
    "Match",
    "bring",
    "read_export",
    "read_history",
]
