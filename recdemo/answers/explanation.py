"""What is said of one score: its terms, the weights behind it, what taking a film away does. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from recdemo.core.wording import FILM, Words

FIELD_NAMES = {
    "gender": "Gender",
    "age": "Age group",
    "occupation": "Occupation",
    "favourite_genre": "Favourite genre",
    "last_five": "Last five films",
    "watched": "Films just watched",
    "disliked": "Films disliked",
    "liked": "Films liked",
    "movie": "This film",
    "genres": "Its genres",
    "year": "Its release year",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of the logit."""

    kind: Literal["bias", "linear", "pair", "deep", "base", "film"]
    label: str
    value: float
    movie_id: int | None = None  # for kind "film"
    visitor_only: bool = False  # reads nothing of the film explained


AVERAGE = "the average film"


@dataclass(frozen=True, slots=True)
class Contrast:
    """What lifts a film over another one, or over the average of the films not watched."""

    movie_id: int | None  # None for the average
    title: str
    films: int  # that the average is over
    logit: float  # of the other film, or their mean
    # What each term is more than the other's; together the difference of the logits.
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a model weighs, with a named axis. `removal[i]` is logit minus the logit without item i."""

    axis: Literal["pair", "film"]
    labels: tuple[str, ...]
    weights: tuple[float, ...]
    removal: tuple[float, ...]
    faithfulness: float | None  # Spearman's rank correlation; None for fewer than three items
    sums_to_one: bool
    rest_to_target: bool = False  # what is missing to one is the target's attention to itself


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything shown about one film for one session."""

    model: str
    objective: str
    movie_id: int
    title: str
    logit: float
    score: float
    terms: tuple[Term, ...]
    contrast: Contrast
    fields: tuple[str, ...]  # names of the fields behind "pair" weights, empty otherwise
    weights: Weights | None
    removal: tuple[tuple[int, float], ...]  # (film id, logit minus the logit without that film)
    films_read: int  # the model reads this many of the latest films
    exact: bool = False  # the terms are the model's own; else it was asked again and again

    @property
    def unit(self) -> str:
        """What the terms are counted in."""
        return "stars" if self.objective == "rating" else "logit"

    @property
    def total(self) -> float:
        """Sum of the terms; equals `logit` up to rounding."""
        return float(sum(term.value for term in self.terms))

    def terms_frame(self) -> pd.DataFrame:
        """Columns ``kind``, ``label``, ``value``, ``visitor_only``, largest effect first."""
        return _frame(self.terms).sort_values("value", key=abs, ascending=False, ignore_index=True)

    def contrast_frame(self) -> pd.DataFrame:
        """Columns of `terms_frame` and ``more``, how much more a term is than the other film's; the largest difference
        first."""
        frame = _frame(self.terms).assign(more=[term.value for term in self.contrast.terms])
        return frame.sort_values("more", key=abs, ascending=False, ignore_index=True)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"total": self.total}


def _frame(terms: tuple[Term, ...]) -> pd.DataFrame:
    names = ("kind", "label", "value", "visitor_only")
    return pd.DataFrame({name: [getattr(term, name) for term in terms] for name in names})


def pair_label(left: str, right: str, w: Words = FILM) -> str:
    """How a pair of fields is called."""
    return w(f"{FIELD_NAMES[left]} × {FIELD_NAMES[right]}")
