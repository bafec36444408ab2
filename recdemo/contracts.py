"""The types that pass between the floors of recdemo, and the legend of every tensor shape.

Shapes, everywhere in this package: ``U`` visitors (or training users) in a batch, ``C`` candidate films
for each of them, ``B = U * C`` rows to score, ``F`` fields, ``L`` history length, ``k`` embedding width,
``H`` heads of attention, ``M`` films of the catalogue (tables have ``M + 1`` rows, row 0 is padding or unknown).

Importing this module does not import torch: an app or a command line that only shows its help stays fast.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, get_args, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn

Objective = Literal["like", "next", "rating"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
QUESTIONS: dict[Objective, str] = {
    "next": "What next?",
    "like": "Would they like it?",
    "rating": "How many stars?",
}
SCORE_NAMES: dict[Objective, str] = {
    "next": "Chance to be next",
    "like": "Chance of liking",
    "rating": "Stars",
}

PROFILE = ("gender", "age", "occupation")

Split = Literal["order", "last", "random"]  # which ratings train and test, see `recdemo.data.split`
Optimizer = Literal["adamw", "adam", "sgd"]

Gender = Literal["F", "M"]
GENDERS: dict[str, str] = {"F": "Female", "M": "Male"}

# MovieLens-1M age groups and occupations, keyed by the codes of its own README.
AGES: dict[int, str] = {
    1: "Under 18",
    18: "18–24",
    25: "25–34",
    35: "35–44",
    45: "45–49",
    50: "50–55",
    56: "56 or over",
}
OCCUPATIONS: dict[int, str] = dict(
    enumerate(
        (
            "Other or not specified",
            "Academic or educator",
            "Artist",
            "Clerical or admin",
            "College or grad student",
            "Customer service",
            "Doctor or health care",
            "Executive or managerial",
            "Farmer",
            "Homemaker",
            "K-12 student",
            "Lawyer",
            "Programmer",
            "Retired",
            "Sales or marketing",
            "Scientist",
            "Self-employed",
            "Technician or engineer",
            "Tradesman or craftsman",
            "Unemployed",
            "Writer",
        )
    )
)
GENRES: tuple[str, ...] = (
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)

LIKED_FROM = 4  # stars: a rating of 4 or 5 counts as "liked"
MAX_SESSION_FILMS = 500

# Feedback ids of a history position. 0 pads, as everywhere.
PADDING, JUST_WATCHED, DISLIKED, LIKED = range(4)


class CheckpointError(Exception):
    """A checkpoint or its catalogue cannot be used: the message names the file and the way out."""


class RequestError(ValueError):
    """What was asked for cannot be served as asked: the message names the value and the way out."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One film of a visitor's history.

    Args:
        movie_id: MovieLens-1M id.
        liked: True liked, False disliked, None just watched.
    """

    movie_id: int
    liked: bool | None = None

    def __post_init__(self) -> None:
        try:
            if isinstance(self.movie_id, bool):
                raise TypeError
            object.__setattr__(self, "movie_id", operator.index(self.movie_id))  # numpy's ids too
        except TypeError:
            raise RequestError(f"movie_id must be a whole number, not {self.movie_id!r}") from None
        if self.liked not in (True, False, None):
            raise RequestError(f"liked must be True, False or None, not {self.liked!r}")

    @property
    def feedback(self) -> int:
        """The feedback id of this film: LIKED, DISLIKED or JUST_WATCHED."""
        if self.liked is None:
            return JUST_WATCHED
        return LIKED if self.liked else DISLIKED


@dataclass(frozen=True, slots=True)
class Session:
    """Who a visitor is and what they watched, oldest film first. None means unknown.

    Args:
        gender: "F" or "M".
        age: first year of a MovieLens-1M age group, one of 1 18 25 35 45 50 56.
        occupation: MovieLens-1M code, 0 to 20.
        history: films in the order watched, each at most once.

    Raises:
        RequestError: a value outside these ranges, a film listed twice, or more than 500 films.
    """

    gender: Gender | None = None
    age: int | None = None
    occupation: int | None = None
    history: Sequence[Watched] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "history", tuple(self.history))
        for name in ("age", "occupation"):
            value = getattr(self, name)
            if value is not None and type(value) is not int:
                raise RequestError(f"{name} must be a whole number, not {value!r}")
        if self.gender is not None and self.gender not in tuple(GENDERS):
            raise RequestError(f"gender {self.gender!r} is unknown; use 'F', 'M' or leave it out")
        if self.age is not None and self.age not in AGES:
            known = " ".join(map(str, AGES))
            raise RequestError(f"age {self.age!r} is not an age group; use one of {known}")
        if self.occupation is not None and self.occupation not in OCCUPATIONS:
            raise RequestError(f"occupation {self.occupation!r} is unknown; use 0 to 20")
        if len(self.history) > MAX_SESSION_FILMS:
            raise RequestError(
                f"a history of {len(self.history)} films is too long; keep {MAX_SESSION_FILMS} at most"
            )
        seen: set[int] = set()
        for film in self.history:
            if not isinstance(film, Watched):
                raise RequestError(f"history holds {film!r}; give recdemo.Watched(movie_id, liked)")
            if film.movie_id in seen:
                raise RequestError(f"film {film.movie_id} is in the history twice; keep it once")
            seen.add(film.movie_id)

    @property
    def movie_ids(self) -> list[int]:
        """Ids of the films watched, oldest first."""
        return [film.movie_id for film in self.history]


@dataclass(frozen=True, slots=True)
class Batch:
    """What every model reads: ``U`` users, each with ``C`` candidate films, so ``B = U * C`` rows.

    The rows of one user are adjacent: row ``b`` belongs to user ``b // C``. User-side work is thus done
    once per user, however many films are scored. All ids are vocabulary indices; 0 is padding or unknown.
    """

    user: Tensor  # [U] 1 + row of a training user in `Dataset.users`, 0 for a visitor
    gender: Tensor  # [U]
    age: Tensor  # [U]
    occupation: Tensor  # [U]
    history: Tensor  # [U, L] film indices, oldest first, padded at the end
    feedback: Tensor  # [U, L] PADDING, JUST_WATCHED, DISLIKED or LIKED
    favourite_genre: Tensor  # [U]
    last_five: Tensor  # [U, 5] newest first, padded at the end
    target_movie: Tensor  # [B]

    @property
    def users(self) -> int:
        """U."""
        return self.gender.shape[0]

    @property
    def candidates(self) -> int:
        """C."""
        return self.target_movie.shape[0] // self.users

    @property
    def history_mask(self) -> Tensor:
        """[U, L], True where a film stands."""
        return self.history != 0

    @property
    def liked(self) -> Tensor:
        """[U, L], True where a film liked stands."""
        return self.feedback == LIKED

    @property
    def distance(self) -> Tensor:
        """[U, L], 1 for the latest film watched, 2 for the one before; 0 at padding."""
        mask = self.history_mask
        return mask.flip(1).cumsum(1).flip(1) * mask


@dataclass(frozen=True, slots=True)
class TitleText:
    """The films' titles as vectors, made once at development time (`recdemo.text`)."""

    words: (
        Tensor  # [V + 1, 50] GloVe vectors of `Schema.words`; row 0 pads, zero where GloVe has none
    )
    sentences: Tensor  # [M + 1, d] one vector per film; row 0 is zero


@dataclass(frozen=True, slots=True)
class FieldTerms:
    """The terms of a factorisation machine; bias + all the others = logit, row by row.

    Pairs are in the order (0, 1), (0, 2), … (F − 2, F − 1) of the fields.
    """

    fields: tuple[str, ...]  # names, F
    bias: Tensor  # []
    linear: Tensor  # [B, F]
    pairs: Tensor  # [B, F(F-1)/2] what each pair adds, attention included
    attention: Tensor | None = None  # [B, F(F-1)/2] weights of the pairs, summing to one
    deep: Tensor | None = None  # [B] what an MLP beside the machine adds
    mixed: bool = (
        False  # terms of the visitor's fields read the film's, too, as deeper cross layers do
    )


@dataclass(frozen=True, slots=True)
class CrossTerms:
    """The terms of a cross network; bias + all the others = logit, row by row."""

    fields: tuple[str, ...]  # names, F
    bias: Tensor  # []
    linear: Tensor  # [B, F] what each field adds by itself
    pairs: Tensor  # [B, layers, F, F] field that multiplies × field that is read
    deep: Tensor  # [B] what an MLP beside the network adds


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """The terms of two streams and their product; bias + streams + heads = logit, row by row.

    The gates of the first stream read the visitor, those of the second the film.
    """

    fields: tuple[str, ...]  # names, F
    gates: Tensor  # [B, 2, F] how much of each field a stream reads, 0 to 2; the mean over the field's numbers
    bias: Tensor  # []
    streams: Tensor  # [B, 2] what each stream adds by itself
    heads: Tensor  # [B, H] what each head of their product adds


@runtime_checkable
class ShowsFields(Protocol):
    """A model that can take its logit apart by fields and pairs of fields."""

    def field_terms(self, batch: Batch) -> FieldTerms: ...


@runtime_checkable
class ShowsCrosses(Protocol):
    """A model that can take its logit apart by layers of crosses, and each layer by pairs of fields."""

    def cross_terms(self, batch: Batch) -> CrossTerms: ...


@runtime_checkable
class ShowsStreams(Protocol):
    """A model of two streams, each with gates on its fields, that are multiplied head by head."""

    def stream_terms(self, batch: Batch) -> StreamTerms: ...


@runtime_checkable
class ShowsHistory(Protocol):
    """A model that weighs each watched film for each candidate."""

    def history_weights(self, batch: Batch) -> Tensor:
        """[U, C, L], zero at padding."""
        ...


@runtime_checkable
class ShowsHeads(Protocol):
    """A model whose attention has several heads, in which a candidate looks at itself too."""

    def head_weights(self, batch: Batch) -> Tensor:
        """[U, H, C, L + 1], the candidate itself last."""
        ...


@runtime_checkable
class ShowsLayers(Protocol):
    """A model in which the films watched look at each other, layer by layer and head by head."""

    def encoder_weights(self, batch: Batch) -> Tensor:
        """[U, layers, H, L, L]: a row is a film that looks, zero where it looks at padding.

        Where attention is a softmax, a row sums to one; one without may hold negative weights and sum to anything.
        """
        ...


@runtime_checkable
class ShowsEvolution(Protocol):
    """A model whose interest changes from one watched film to the next, differently for each candidate."""

    def update_gates(self, batch: Batch) -> Tensor:
        """How far each film moves the interest, [U, C, L]; zero at padding."""
        ...

    def logits_over_time(self, batch: Batch) -> Tensor:
        """The logit if the interest had stopped evolving after each film, [U, C, L]; the latest is the model's."""
        ...


@runtime_checkable
class ShowsFilmTerms(Protocol):
    """A model whose logit is a sum over the films watched."""

    def film_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The logit without any film watched [B], and what each film watched adds [U, C, L]; zero at padding."""
        ...


@runtime_checkable
class PlacesFilms(Protocol):
    """A model that has, or makes, one vector per film."""

    film_meaning: ClassVar[str]  # what the vector is, as a phrase

    def film_vectors(self) -> Tensor:
        """[M + 1, k]; row 0 is unknown."""
        ...


@runtime_checkable
class PlacesUsers(PlacesFilms, Protocol):
    """A model with one vector per visitor among its film vectors: it scores by their dot product, or the
    vector is a mean of them."""

    user_meaning: ClassVar[str]  # what the vector is, as a phrase

    def user_vectors(self, batch: Batch) -> Tensor:
        """[U, k]; zero where nothing is known."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """All ratings that train a model which is solved: a user's are adjacent, and in the order given."""

    user: Tensor  # [N] a number of each user
    movie: Tensor  # [N] film indices
    feedback: Tensor  # [N] DISLIKED or LIKED
    answer: Tensor  # [N] whether liked; for `next`, picked; for `rating`, the stars


@runtime_checkable
class Solved(Protocol):
    """A model that is counted, or solved, from all ratings in one go, without gradients."""

    def solve(self, known: Known, objective: Objective) -> None:
        """Learn from what is known."""
        ...


@runtime_checkable
class Settles(Protocol):
    """A model that can compute its films' side once for all answers, when its weights no longer change."""

    def settle(self) -> None: ...


@runtime_checkable
class LearnsBesides(Protocol):
    """A model with a second task that only training knows, as the next film at every step."""

    def joint(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits [B] as `forward` gives them, and the weighted loss [] of the second task."""
        ...


def reads_history(model: object) -> bool:
    """Whether a model looks at what training users watched; one that knows them by id, or only their profile, says
    ``reads_history = False``."""
    return getattr(model, "reads_history", True)


@runtime_checkable
class Staged(Protocol):
    """A model that reads what another one learned before it."""

    def first_stage(self) -> nn.Module:
        """A part of this model, to be fitted on its own first; its weights are then frozen."""
        ...


@runtime_checkable
class ReadsText(Protocol):
    """A model that starts from vectors of the films' titles."""

    def start_from(self, text: TitleText) -> None:
        """Take over the vectors of a catalogue's titles."""
        ...


@runtime_checkable
class TwoSided(Protocol):
    """A model whose logit is a dot product of the visitor's side and the film's, biases included."""

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Visitors [U, d] and films [M + 1, d]; the logits are their dot products."""
        ...


@runtime_checkable
class Causal(TwoSided, Protocol):
    """A two-sided model that reads a history in order and has an answer after each film of it."""

    def sides_by_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The visitor's side after each film watched, [U, L, d], and films [M + 1, d]."""
        ...
