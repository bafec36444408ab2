"""What every model reads, and the legend of every tensor shape.

Shapes, everywhere in this package: ``U`` visitors (or training users) in a batch, ``C`` candidate films
for each of them, ``B = U * C`` rows to score, ``F`` fields, ``L`` history length, ``k`` embedding width,
``H`` heads of attention, ``M`` films of the catalogue (tables have ``M + 1`` rows, row 0 is padding or unknown).

Importing this module does not import torch: an app or a command line that only shows its help stays fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recdemo.core.vocabulary import LIKED

if TYPE_CHECKING:
    from torch import Tensor


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
class Pieces:
    """Texts as weighted sums over pieces of their words: n entries of R texts, the squared weights of a text sum to one.

    Row 0 pads and, like a text without a piece, has no entry.
    """

    count: int  # P, how many different pieces there are
    ids: Tensor  # [n] below P
    weights: Tensor  # [n]
    starts: Tensor  # [R] the first entry of each text


@dataclass(frozen=True, slots=True)
class TitleText:
    """The films' titles as vectors, see `recdemo.encoding.text_vectors`; and from which pieces the rest is learned."""

    words: Tensor  # [V + 1, 50] GloVe's, of `Schema.words`; row 0 pads, zero where GloVe has none
    sentences: Tensor  # [M + 1, d] one vector per film; row 0 is zero
    word_pieces: Pieces | None = None  # of the words without a vector; None: nothing is learned
    film_pieces: Pieces | None = None  # of all titles, where some film has no vector


@dataclass(frozen=True, slots=True)
class Known:
    """All ratings that train a model which is solved: a user's are adjacent, and in the order given."""

    user: Tensor  # [N] a number of each user
    movie: Tensor  # [N] film indices
    feedback: Tensor  # [N] DISLIKED or LIKED
    answer: Tensor  # [N] whether liked; for `next`, picked; for `rating`, the stars
