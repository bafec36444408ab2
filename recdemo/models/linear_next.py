"""Linear next film: the film picked next, predicted by ridge regression from the films before it.

The sequential half of Choi et al., "Session-aware Linear Item-Item Models for Session-based Recommendation" (SLIST), WWW 2021:
B = (XᵀX + λI)⁻¹ XᵀY, where each film picked in training is a row of Y, and the row of X is what was watched before it,
the latest films most. An answer reads a visitor's films in the same way. Ours weighs by feedback too, takes all rows alike, and
keeps only the largest weights of each film. One number brings the sum to logits, another the share of all picks that a
film has, so that a softmax is a chance; both are fitted on what was picked in training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.solved import FilmSum, add_products, by_row, check_films, rows_of
from recdemo.contracts import Batch, Known, Objective
from recdemo.features import Schema


class LinearNext(nn.Module):
    """b_q + Σ_i x_i B_iq, x_i = exp(−age / reach) times the weight of the feedback.

    Args:
        schema: vocabularies.
        ridge: λ.
        reach: films after which one watched counts e times less; 0 for no difference.
        watched: what a film just watched counts in an answer; one that was liked counts 1.
        disliked: what one disliked counts.
        keep: weights of B kept for each film scored.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        ridge: float = 300.0,
        reach: float = 10.0,
        watched: float = 0.75,
        disliked: float = 0.5,
        keep: int = 200,
    ) -> None:
        super().__init__()
        self.ridge = ridge
        self.sum = FilmSum(
            schema.size,
            length=schema.history_length,
            keep=keep,
            reach=reach,
            watched=watched,
            disliked=disliked,
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
        films = self.sum.weights.films
        check_films(films)
        gram, cross = torch.zeros(films, films), torch.zeros(films, films)  # XᵀX and XᵀY
        columns = (known.movie.long(), known.feedback, known.answer.bool())
        for movie, feedback, picked in by_row(rows_of(known), *columns):
            x = self.sum.recall.before(feedback)[picked]  # [picks, n]
            add_products(gram, movie, movie, x.T @ x)
            add_products(cross, movie, movie[picked], x.T)
        gram.diagonal().add_(self.ridge)
        self.sum.take(torch.cholesky_solve(cross, torch.linalg.cholesky(gram)), known)
