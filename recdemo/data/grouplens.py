"""The sets of MovieLens that GroupLens gives out: what they are called, how large they are, and their terms."""

from __future__ import annotations

from dataclasses import dataclass

from recdemo.core.errors import DataError

OFFICIAL_SITE = "https://grouplens.org/datasets/movielens/"


@dataclass(frozen=True, slots=True)
class Source:
    """A set that can be fetched.

    Args:
        title: for people.
        md5: as GroupLens publishes it; None where it publishes none, because the set changes over time.
        megabytes: of the zip; twice as much is refused.
        ratings: how many it holds.
        page: of the set, with a link to its terms.
        passing_on: what its terms say of giving it to others, as a sentence.
    """

    title: str
    md5: str | None
    megabytes: int
    ratings: int
    page: str
    passing_on: str


_NOT = "It may not be passed on without separate permission"
_ALIKE = "It may be passed on, changed or not, under the same terms only."
SOURCES = {
    "ml-1m": Source(
        "MovieLens-1M",
        "c4d9eecfca2ab87c1945afe126590906",
        6,
        1_000_209,
        f"{OFFICIAL_SITE}1m/",
        f"{_NOT}, and GroupLens wants a copy of each publication.",
    ),
    "ml-100k": Source(
        "MovieLens-100K",
        "0e33842e24a9c977be4e0107933c0723",
        5,
        100_000,
        f"{OFFICIAL_SITE}100k/",
        f"{_NOT}.",
    ),
    "ml-latest-small": Source(
        "MovieLens Latest Small",
        None,
        1,
        100_836,
        f"{OFFICIAL_SITE}latest/",
        _ALIKE,
    ),
    "ml-32m": Source(
        "MovieLens-32M",
        "d472be332d4daa821edc399621853b57",
        239,
        32_000_204,
        f"{OFFICIAL_SITE}32m/",
        _ALIKE,
    ),
}


def source_of(name: str) -> Source:
    """The set of a name.

    Raises:
        DataError: unknown name.
    """
    if name not in SOURCES:
        raise DataError(f"{name!r} cannot be fetched; use {' or '.join(SOURCES)}")
    return SOURCES[name]


def licence(name: str) -> tuple[str, ...]:
    """The terms of a set in our words, one sentence each; the last one links to GroupLens' own.

    Raises:
        DataError: unknown name.
    """
    source = source_of(name)
    return (
        f"{source.title} is collected and published by GroupLens Research at the University of Minnesota.",
        "It is for research; whoever publishes results must acknowledge that it was used.",
        source.passing_on,
        "It may not be used commercially without permission, nor in a way that suggests endorsement by the "
        "university or GroupLens.",
        "There is no guarantee that it is correct or fit for any purpose.",
        f"The full terms are in its README file: {source.page}",
    )
