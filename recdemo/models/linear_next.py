"""Linear next film: the film picked next, predicted by ridge regression from the films before it.

The sequential half of Choi et al., "Session-aware Linear Item-Item Models for Session-based Recommendation" (SLIST), WWW 2021:
B = (XᵀX + λI)⁻¹ XᵀY, where each film picked in training is a row of Y, and the row of X is what was watched before it,
the latest films most. An answer reads a visitor's films in the same way. Ours weighs by feedback too, fades by a power of the
age, which did better than the paper's exp(−age / reach), takes all rows alike, and keeps only the largest weights of each film.
One number, fitted on picks that were left out of a first solve, brings the sum to logits whose softmax is a chance; a trace of the share of
all picks that a film has orders the films for who has watched nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.solved import FilmSum, Recall, add_products, by_row, rows_of
from recdemo.core.batch import Batch, Known
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema

PICKS = 128  # of a user at once: what is multiplied then has few zeros


class LinearNext(nn.Module):
    """b_q + Σ_i x_i B_iq, x_i the weight of the feedback, less the longer ago.

    Args:
        schema: vocabularies.
        ridge: λ.
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
        fade: float = 0.8,
        reach: float = 0.0,
        watched: float = 0.9,
        disliked: float = 0.8,
        keep: int = 200,
        at_least: int = 0,
    ) -> None:
        super().__init__()
        self.ridge = ridge
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
        gram, cross = torch.zeros(2, films + 1, films + 1)  # XᵀX and YᵀX
        recall, row = self.sum.recall, rows_of(known)
        past = recall.past(int(row.bincount().max()))
        columns = (known.movie.long(), recall.weight[known.feedback.long()], known.answer.bool())
        for movie, weight, picked in by_row(row, *columns):
            own = torch.zeros(len(movie), len(movie))
            for picks in torch.nonzero(picked).squeeze(1).split(PICKS):
                last = int(picks[-1]) if len(picks) else 0
                x = past[picks, :last] * weight[:last]  # [picks, last]: nothing was watched later
                own[:last, :last].addmm_(x.T, x)
                add_products(cross, movie[picks], movie[:last], x)
            add_products(gram, movie, movie, own)
        gram, cross = gram[:films, :films], cross[:films, :films]
        gram.diagonal().add_(self.ridge)
        return torch.cholesky_solve(cross.T, torch.linalg.cholesky(gram))
