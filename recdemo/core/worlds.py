"""Worlds: the sets of films that models are shipped for, each with ratings of its own to learn from.

A model is named by its key alone in the first world, and as ``din@2018`` in another: in links, in the shell and in Python. A
further world is an entry here and a folder under ``checkpoints/worlds/``, which ``recdemo leaderboard --data NAME --train`` fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

AT = "@"  # in the key of a model: before it the model, after it the world


@dataclass(frozen=True, slots=True)
class World:
    """A set of films, and the ratings that its models learned from.

    Args:
        key: what stands behind the ``@``, and its folder's name; empty for the first.
        title: what people call it.
        line: what it is, in a sentence.
        data: name of the source of its ratings, as in `recdemo.data.sources`.
        model: the one that a visit begins with.
        profiles: its ratings tell who gave them, so that its models know gender, age and occupation.
        begins_with_first: its models begin with the weights of the first world's, films by their ids.
    """

    key: str
    title: str
    line: str
    data: str
    model: str
    profiles: bool
    begins_with_first: bool = False

    def learns_from(self, source: str | Path) -> bool:
        """Whether a source, by its name or that of its file, is this world's ratings."""
        return Path(source).name.removesuffix(".zip") == self.data


FIRST = World(
    "",
    "Films to 2000",
    "MovieLens-1M: 3,883 films, rated by 6,040 people of known gender, age and occupation.",
    "ml-1m",
    "din",
    profiles=True,
)
WORLDS = {
    world.key: world
    for world in (
        FIRST,
        World(
            "2018",
            "Films to 2018",
            "MovieLens Latest Small: 9,724 films, rated by 610 people of whom nothing else is known.",
            "ml-latest-small",
            "sasrec",
            profiles=False,
            begins_with_first=True,
        ),
    )
}


def folder_of_world(checkpoints: Path, world: str) -> Path:
    """Where a world's models and catalogue lie in a folder of checkpoints."""
    return checkpoints / "worlds" / world if world else checkpoints


def split_key(key: str) -> tuple[str, str]:
    """The model and the world of a key; the world is empty for the first."""
    model, _, world = key.partition(AT)
    return model, world


def join_key(model: str, world: str) -> str:
    """What `split_key` took apart."""
    return f"{model}{AT}{world}" if world else model


def world_of_data(source: str | Path) -> World:
    """The world whose ratings a source is, by its name or that of its file; the first one for any other."""
    return next((world for world in WORLDS.values() if world.learns_from(source)), FIRST)
