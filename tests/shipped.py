"""The models there are, each loaded once: a loaded model is shared by all visitors, and so by all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from recdemo import checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.core.vocabulary import Objective
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.schema import Schema


def load(model: str, objective: Objective | None = None) -> Recommender:
    """As `recdemo.load`, from the folder of checkpoints that a test looks into."""
    return _loaded(checkpoints.place_of(model)[1], model, objective)


@cache
def _loaded(base: Path, model: str, objective: Objective | None) -> Recommender:
    return Recommender.load(model, objective, _schema(base))


@cache
def _schema(base: Path) -> Schema:
    return Schema(read_catalogue(base / checkpoints.CATALOGUE))
