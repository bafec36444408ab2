"""EASE: a linear autoencoder over films, solved in one step.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019. Each film is predicted from all others that the same
people watched: B = I − P diag(1 / diag P) with P = (XᵀX + λI)⁻¹ is the best such matrix with a diagonal of zero. There a row
of X is a user; ours is a stretch of the films that a user watched one after the other, so that B knows what is watched
together, if not in which order. An answer counts the latest films most, and B keeps only the largest weights of each film. One
number, fitted on picks that were left out of a first solve, brings the sum to logits whose softmax is a chance; a trace of the share of all
picks that a film has orders the films for who has watched nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.solved import FilmSum, Recall, add_products, by_row, rows_of
from recdemo.core.batch import Batch, Known
from recdemo.core.vocabulary import LIKED, Objective
from recdemo.encoding.schema import Schema

AT_ONCE = 64  # films of a row whose products with those before them are added at once


class EASE(nn.Module):
    """b_q + Σ_i x_i B_iq.

    Args:
        schema: vocabularies.
        ridge: λ.
        window: films of a row of X: a long history is cut into rows of so many, films that follow each other; 0 for a row per
            user, as in the paper.
        unliked: what a film not liked is in X; one that was liked is 1.
        fade: a film counts (1 + age)^−fade, the latest having age 0; 0 for all alike.
        reach: and exp(−age / reach) besides; 0 for no such limit.
        watched: what a film just watched counts in an answer; one that was liked counts 1.
        disliked: what one disliked counts.
        keep: weights of B kept for each film scored.
        at_least: films rated less often have no weights.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        ridge: float = 300.0,
        window: int = 25,
        unliked: float = 1.0,
        fade: float = 0.8,
        reach: float = 0.0,
        watched: float = 0.9,
        disliked: float = 0.8,
        keep: int = 200,
        at_least: int = 0,
    ) -> None:
        super().__init__()
        self.ridge, self.window, self.unliked = ridge, window, unliked
        recall = Recall(fade=fade, reach=reach, watched=watched, disliked=disliked)
        self.sum = FilmSum(
            schema.size, recall, length=schema.history_length, keep=keep, at_least=at_least
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        logits: Tensor = self.sum(batch)
        return logits

    def film_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `ShowsFilmTerms`."""
        return self.sum.terms(batch)

    def solve(self, known: Known, objective: Objective) -> None:
        """B, and the scale of the logits.

        Raises:
            RequestError: there are too many films.
        """
        self.sum.solve(known, self._solved)

    def _solved(self, known: Known, films: int) -> Tensor:
        """B [M, M]."""
        value = torch.where(known.feedback == LIKED, 1.0, self.unliked)
        gram = torch.zeros(films + 1, films + 1)  # below and on the diagonal; no more is read
        row = rows_of(known, self.window)
        # Neighbours in memory are added one after another.
        order = (row * (films + 2) + known.movie).argsort()
        for movie, x in by_row(row[order], known.movie[order].long(), value[order]):
            for end in range(AT_ONCE, len(movie) + AT_ONCE, AT_ONCE):
                some = slice(end - AT_ONCE, end)
                add_products(gram, movie[some], movie[:end], x[some].unsqueeze(1) * x[:end])
        gram = gram[:films, :films]
        gram.diagonal().add_(self.ridge)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
        return inverse.div_(-inverse.diagonal().clone())
