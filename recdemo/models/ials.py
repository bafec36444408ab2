"""iALS: a vector per user and per film, in turn the exact solution given the others.

Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, in the form and with the tuning of
Rendle, Krichene, Zhang and Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks", RecSys 2022: what was
watched should score 1, everything a little (α₀) 0, and who or what has more ratings is held back more (ν).

    Σ_{(u,i) watched} c_ui (u · q_i − 1)² + α₀ Σ_{u,i} (u · q_i)² + λ (Σ_u r_u^ν |u|² + Σ_i r_i^ν |q_i|²)

with r the sum of c of a row plus α₀ times its length. No user is kept: every visitor's vector is solved from the films
watched, A⁻¹ Σ_i c_i q_i with A = Σ_i c_i q_i q_iᵀ + α₀ QᵀQ + λ r^ν I, in which the latest films count most; that is also why the
score is an exact sum over them. One number, fitted on picks that were left out of a first solve, brings it to logits whose softmax is a
chance; a trace of the share of all picks that a film has orders the films for who has watched nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recdemo.blocks.solved import Recall, fit_scale, log_popularity, rows_of, split_known
from recdemo.core.batch import Batch, Known
from recdemo.core.recording import note
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema

CHUNK = 4_000  # films met by the rows solved at once, padding included: their vectors stay in the processor's cache
MOST_ROWS = 2048  # solved at once


class IALS(nn.Module):
    """b_q + s u · q.

    Args:
        schema: vocabularies.
        embed_dim: k.
        unobserved: α₀, the weight of what was not watched.
        pull: λ, of all vectors towards zero.
        balance: ν, how much more those with many ratings are pulled; 0 for all alike.
        window: films of a row in training: a long history is cut into rows of so many, films that follow each other; 0 for
            a row per user, as in the papers.
        rounds: how often both sides are solved.
        fade: a film counts (1 + age)^−fade, the latest having age 0; 0 for all alike.
        reach: and exp(−age / reach) besides; 0 for no such limit.
        watched: what a film just watched counts in an answer; one that was liked counts 1.
        disliked: what one disliked counts, in training too.
    """

    film_meaning = "the film's own vector"
    user_meaning = (
        "the vector that gives the films watched a score nearest to 1 and all others nearest to 0, scaled; its dot product with a "
        "film's vector is the score"
    )

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 64,
        unobserved: float = 0.5,
        pull: float = 0.003,
        balance: float = 1.0,
        window: int = 50,
        rounds: int = 4,
        fade: float = 0.8,
        reach: float = 0.0,
        watched: float = 0.9,
        disliked: float = 0.8,
    ) -> None:
        super().__init__()
        self.unobserved, self.pull, self.balance = unobserved, pull, balance
        self.window, self.rounds = window, rounds
        self.length = schema.history_length
        self.recall = Recall(fade=fade, reach=reach, watched=watched, disliked=disliked)
        self.films = nn.Embedding(schema.size + 1, embed_dim, padding_idx=0)
        self.bias = nn.Parameter(torch.zeros(schema.size + 1))
        self.scale = nn.Parameter(torch.ones(()))
        nn.init.normal_(self.films.weight[1:], std=0.1 / embed_dim**0.5)
        self.requires_grad_(False)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = batch.target_movie.view(batch.users, -1)
        user = self.user_vectors(batch).unsqueeze(2)
        film, bias = note("film", self.films(films), "lookup"), self.bias[films]
        note("film_bias", bias, "lookup")
        logits = (bias + (film @ user).squeeze(2)).flatten()
        return note("logit", logits, "dot", user, film, bias)

    def film_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `ShowsFilmTerms`: b_q, and s q · A⁻¹ c_i q_i of each film watched."""
        films = self.films(batch.target_movie).view(batch.users, batch.candidates, -1)
        system, pulls = self._normal_equations(batch.history, batch.feedback)
        parts = torch.linalg.solve(system, pulls)  # [U, k, L]
        return self.bias[batch.target_movie], self.scale * (films @ parts)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.weight

    def user_vectors(self, batch: Batch) -> Tensor:
        """s u of each visitor, [U, k]."""
        note("watched_films", lambda: self.films(batch.history), "lookup")
        users = self.scale * self._users(batch.history, batch.feedback)
        return note("visitor", users, "solve", "counts", "watched_films", **self._given(batch))

    def _given(self, batch: Batch) -> dict[str, Any]:
        """What a recording says of `_users`."""
        films = self.films.weight
        return {
            "everything": lambda: self._everything(films),
            "pull": lambda: self._pull(self.recall(batch.feedback).sum(1), len(films)),
            "factor": lambda: self.scale,
        }

    def _users(self, history: Tensor, feedback: Tensor) -> Tensor:
        system, pulls = self._normal_equations(history, feedback)
        return torch.linalg.solve(system, pulls.sum(2))

    def _normal_equations(self, history: Tensor, feedback: Tensor) -> tuple[Tensor, Tensor]:
        """A [U, k, k], and c_i q_i of each film watched, [U, k, L]: u = A⁻¹ Σ_i c_i q_i."""
        films, counts = self.films.weight, self.recall(feedback)
        return normal_equations(
            films[history], counts, self._everything(films), self._pull(counts.sum(1), len(films))
        )

    def _everything(self, vectors: Tensor) -> Tensor:
        """[k, k] α₀ QᵀQ, what all scores being a little 0 adds to A."""
        return self.unobserved * vectors.T @ vectors

    def _pull(self, counts: Tensor, others: int) -> Tensor:
        """[R] λ r^ν, of rows or films with these sums of c, against so many vectors, padding included."""
        return self.pull * (counts + self.unobserved * (others - 1)) ** self.balance

    def solve(self, known: Known, objective: Objective) -> None:
        """The films' vectors, and the scale of the logits: as of vectors solved without the last tenth of each user's ratings."""
        films = self.films.weight
        first = films.clone()

        def score(history: Tensor, feedback: Tensor) -> Tensor:
            return self._users(history, feedback) @ films.T

        self.bias.copy_(log_popularity(known, len(films) - 1))
        earlier, later = split_known(known)
        films.copy_(self._solved(earlier, first))
        scale = fit_scale(known, later, self.bias, self.length, score)
        films.copy_(self._solved(known, first))
        self.scale.fill_(scale).copy_(self.scale.half())

    def _solved(self, known: Known, vectors: Tensor) -> Tensor:
        """The films' vectors [M + 1, k], from first ones."""
        row, movie = rows_of(known, self.window), known.movie.long()  # rows from 1
        counts = self.recall.weight[known.feedback.long()]
        rows, films = int(row[-1]) + 1, len(vectors)
        by_row = Side(row, movie, counts, rows)
        by_film = Side(movie, row, counts, films)
        for _ in range(self.rounds):
            vectors = self._solve_side(by_film, self._solve_side(by_row, vectors))
        return vectors.half()

    def _solve_side(self, side: Side, vectors: Tensor) -> Tensor:
        """The vectors of one side, [size, k], given those of the other, whose row 0 is zero: zero for whoever met nobody."""
        pull = self._pull(side.counts, len(vectors))
        everything = self._everything(vectors)
        found = torch.zeros(len(pull), vectors.shape[1])
        for some, others, counts in side.groups:
            met = nn.functional.embedding(others, vectors)
            system, pulls = normal_equations(met, counts, everything, pull[some])
            factor = torch.linalg.cholesky(system)
            found[some] = torch.cholesky_solve(pulls.sum(2, keepdim=True), factor).squeeze(2)
        return found


class Side:
    """Whom each row, or each film, has met on the other side, grouped to be solved some at a time.

    Args:
        mine: [N] which row or film; 0 is none.
        other: [N] which it met on the other side.
        counts: [N] c of the meeting.
        size: of this side, 0 included.

    Attributes:
        counts: [size] sum of c.
        groups: R of about one length, [R]; whom they met, [R, L]; and c, zero at padding.
    """

    def __init__(self, mine: Tensor, other: Tensor, counts: Tensor, size: int) -> None:
        self.counts = torch.zeros(size).index_add_(0, mine, counts)
        order = torch.argsort(mine, stable=True)
        other, counts = other[order].int(), counts[order]
        lengths = torch.bincount(mine, minlength=size)
        begins = lengths.cumsum(0) - lengths
        longest_first = torch.argsort(lengths, descending=True)
        longest_first = longest_first[lengths[longest_first] > 0]
        self.groups: list[tuple[Tensor, Tensor, Tensor]] = []
        done = 0
        while done < len(longest_first):
            length = int(lengths[longest_first[done]])
            some = longest_first[done : done + min(MOST_ROWS, max(1, CHUNK // length))]
            there = torch.arange(length) < lengths[some].unsqueeze(1)
            place = begins[some].unsqueeze(1) + torch.arange(length)
            place = place.clamp(max=len(other) - 1)
            self.groups.append((some, other[place], counts[place] * there))
            done += len(some)


def normal_equations(
    met: Tensor, counts: Tensor, everything: Tensor, pull: Tensor
) -> tuple[Tensor, Tensor]:
    """Those whose solution is the best vector for each row.

    Args:
        met: [R, L, k] vectors that it should score 1 with.
        counts: [R, L] how much each of these matters, c; zero at padding.
        everything: [k, k] what all scores being a little 0 adds.
        pull: [R] towards zero.

    Returns:
        A [R, k, k], and c_i q_i [R, k, L], whose sum is the right-hand side.
    """
    pulls = (met * counts.unsqueeze(2)).transpose(1, 2)
    identity = torch.eye(met.shape[2])
    return pulls @ met + everything + pull.view(-1, 1, 1) * identity, pulls
