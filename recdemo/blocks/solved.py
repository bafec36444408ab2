"""Pieces of the models that are solved instead of trained: how much a watched film counts, weights from film to film of
which the largest are kept, and the scale that makes scores a chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from recdemo.core.batch import Batch, Known
from recdemo.core.errors import RequestError
from recdemo.core.recording import note
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED

MOST_FILMS = 20_000  # a matrix of so many films each way is 1.6 GB
SHORT = torch.iinfo(torch.int16).max  # film indices up to this take two bytes
QUESTIONS = 2000  # picks that a scale is fitted on
CHUNK = 256  # of them answered at once
SHARE = 0.02  # weight of log(a film's share of all picks) in its logit: it orders the films that the history says nothing of


class Recall(nn.Module):
    """How much each film watched counts: the weight of its feedback times (1 + age)^−fade · exp(−age / reach). The latest has
    age 0.

    Args:
        fade: power by which a film counts less the longer ago it was watched; 0 for none.
        reach: films after which one counts e times less, besides; 0 for no such limit.
        watched: weight of a film just watched; one that was liked has 1.
        disliked: of one disliked.
    """

    weight: Tensor

    def __init__(self, *, fade: float, reach: float, watched: float, disliked: float) -> None:
        super().__init__()
        if min(fade, reach) < 0:
            raise ValueError(f"fade {fade} and reach {reach} must not be below 0")
        self.fade, self.reach = fade, reach
        weight = torch.zeros(LIKED + 1)
        weight[JUST_WATCHED], weight[DISLIKED], weight[LIKED] = watched, disliked, 1.0
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, feedback: Tensor) -> Tensor:
        """[U, L], zero at padding, from the feedback [U, L]."""
        length = (feedback != 0).sum(1, keepdim=True)
        age = length - 1 - torch.arange(feedback.shape[1])
        return note("counts", self.weight[feedback] * self._faded(age), "input")

    def past(self, films: int) -> Tensor:
        """[n, n] of a history of n films: row p is what age leaves of those before place p there; zero from p on."""
        place = torch.arange(films)
        age = place.unsqueeze(1) - place - 1
        return self._faded(age) * (age >= 0)

    def _faded(self, age: Tensor) -> Tensor:
        age = age.clamp(min=0).float()
        faded = (1 + age) ** -self.fade
        return faded * torch.exp(-age / self.reach) if self.reach else faded


class FilmToFilm(nn.Module):
    """A weight from each film watched to each film scored. Of a scored film the largest weights are kept, by absolute
    value, and stored in half precision; all others are zero, and so is that of a film to itself.

    Args:
        films: M.
        keep: weights kept for each film scored.
    """

    start: Tensor
    target: Tensor

    def __init__(self, films: int, *, keep: int) -> None:
        super().__init__()
        if keep < 1:
            raise ValueError(f"keep {keep} is below 1; give a number of weights for each film")
        self.films, self.keep = films, min(keep, films - 1)
        count = films * self.keep
        # Ordered by the film watched, whose weights are those from `start` on; where there are none yet, each film has
        # as many, towards those that follow it in the catalogue.
        film = torch.arange(films).repeat_interleave(self.keep)
        following = torch.arange(1, self.keep + 1).repeat(films)
        kind = torch.int16 if films <= SHORT else torch.int32
        self.register_buffer("start", _starts(film + 1, films))
        self.register_buffer("target", (1 + (film + following) % films).to(kind))
        self.weight = nn.Parameter(torch.zeros(count, dtype=torch.half), requires_grad=False)

    def forward(self, watched: Tensor, counts: Tensor, films: Tensor) -> Tensor:
        """What the films watched say for each candidate.

        Args:
            watched: [U, L] films.
            counts: [U, L] how much each counts.
            films: [U, C] candidates.

        Returns:
            [U, C] sums over the films watched.
        """
        width = self.films + 1
        place, target, value = self._entries(watched, counts)
        user = place // watched.shape[1]
        sums = torch.zeros(len(watched) * width).index_add_(0, user * width + target, value)
        return sums.view(-1, width).gather(1, films)

    def terms(self, watched: Tensor, counts: Tensor, films: Tensor) -> Tensor:
        """The same film by film, [U, C, L]."""
        width = self.films + 1
        place, target, value = self._entries(watched, counts)
        spread = torch.zeros(watched.numel() * width).index_add_(0, place * width + target, value)
        spread = spread.view(*watched.shape, width).transpose(1, 2)  # [U, M + 1, L]
        return spread.gather(1, films.unsqueeze(2).expand(-1, -1, watched.shape[1]))

    def _entries(self, watched: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each weight of each film watched, times what it counts: its place in [U * L], the film scored, the value."""
        flat = watched.flatten()
        first = self.start[flat].long()
        length = self.start[flat + 1] - first
        place = torch.arange(len(flat)).repeat_interleave(length)
        earlier = length.cumsum(0) - length
        entry = first[place] + torch.arange(len(place)) - earlier[place]
        value = self.weight[entry].float() * counts.flatten()[place]
        return place, self.target[entry].long(), value

    def keep_largest(self, dense: Tensor, films: Tensor | None = None) -> None:
        """Keep the largest of some films' weights; all others are zero.

        Args:
            dense: [m, m] film watched × film scored; its diagonal is cleared in place.
            films: [m] which films these are, ascending; all, if left out.
        """
        films = torch.arange(1, self.films + 1) if films is None else films
        dense.fill_diagonal_(0.0)
        film = dense.abs().topk(min(self.keep, len(films) - 1), dim=0).indices  # [K, m]
        target = torch.arange(len(films)).expand_as(film)
        order = (film * len(films) + target).flatten().sort().indices
        film, target = film.flatten()[order], target.flatten()[order]
        weight = dense[film, target].half()
        film, target, weight = film[weight != 0], target[weight != 0], weight[weight != 0]
        self.start.copy_(_starts(films[film], self.films))
        self.target = films[target].to(self.target.dtype)
        self.weight = nn.Parameter(weight, requires_grad=False)

    def _load_from_state_dict(self, state: Mapping[str, Any], prefix: str, *others: Any) -> None:
        # As many weights as were kept: films that nothing speaks for have fewer, or none.
        given = state.get(f"{prefix}weight")
        if given is None or len(given) > self.films * self.keep:
            return super()._load_from_state_dict(state, prefix, *others)  # says so
        self.target = self.target.new_zeros(len(given))
        self.weight = nn.Parameter(self.weight.new_zeros(len(given)), requires_grad=False)
        super()._load_from_state_dict(state, prefix, *others)
        begins, target = self.start, self.target
        whole = begins[0] == 0 and begins[-1] <= len(target) and (begins.diff() >= 0).all()
        if not whole or ((target < 0) | (target > self.films)).any():
            raise ValueError("weights from film to film name entries or films that do not exist")


class FilmSum(nn.Module):
    """A logit that is a sum over the films watched: b_q + Σ_i x_i B_iq, x what each counts.

    B and b come scaled, so that a softmax of the logits is a chance.

    Args:
        films: M.
        recall: gives x.
        length: films of a history that are read, the latest.
        keep: weights of B kept for each film scored.
        at_least: films rated less often have no weights: there is little to learn them from, and B is solved for fewer films.
    """

    def __init__(
        self, films: int, recall: Recall, *, length: int, keep: int, at_least: int = 0
    ) -> None:
        super().__init__()
        self.length, self.at_least = length, at_least
        self.recall = recall
        self.weights = FilmToFilm(films, keep=keep)
        self.bias = nn.Parameter(torch.zeros(films + 1), requires_grad=False)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = batch.target_movie.view(batch.users, -1)
        counts = self.recall(batch.feedback)
        logits = (self.bias[films] + self.weights(batch.history, counts, films)).flatten()

        def terms(counts: Tensor) -> Tensor:
            return self.weights.terms(batch.history, counts, films)

        note("links", lambda: terms(torch.ones_like(counts)), "lookup")
        note("terms", lambda: terms(counts), "product", counts, "links")
        bias = note("film_bias", self.bias[films], "lookup")
        return note("logit", logits, "sum", "terms", bias)

    def terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """b_q [B] and x_i B_iq [U, C, L]."""
        films = batch.target_movie.view(batch.users, -1)
        terms = self.weights.terms(batch.history, self.recall(batch.feedback), films)
        return self.bias[batch.target_movie], terms

    def solve(self, known: Known, solved: Callable[[Known, int], Tensor]) -> None:
        """Keep the largest weights of B as it is solved from what is known, and bring them to logits.

        The scale is that of the same weights solved without the last tenth of each user's ratings, and asked about these (`split_known`).

        Args:
            known: whose films, in the order rated.
            solved: gives B [m, m] of films 1 to m from what is known; film m + 1 there stands for all that are left out.

        Raises:
            RequestError: there are too many films.
        """
        films = self.weights.films
        check_films(films)

        def take(known: Known) -> None:
            often = torch.bincount(known.movie.long(), minlength=films + 1)[1:] >= self.at_least
            there = 1 + torch.nonzero(often).squeeze(1)
            number = torch.full((films + 1,), len(there) + 1)
            number[there] = torch.arange(1, len(there) + 1)
            numbered = replace(known, movie=number[known.movie.long()])
            self.weights.keep_largest(solved(numbered, len(there)), there)

        everything = torch.arange(films + 1)

        def score(history: Tensor, feedback: Tensor) -> Tensor:
            return self.weights(history, self.recall(feedback), everything.expand(len(history), -1))

        self.bias.copy_(log_popularity(known, films))
        earlier, later = split_known(known)
        take(earlier)
        scale = fit_scale(known, later, self.bias, self.length, score)
        take(known)
        self.weights.weight.mul_(scale)


def _starts(film: Tensor, films: int) -> Tensor:
    """[M + 2] where each film's entries begin, of entries ordered by film, and where the last end."""
    counts = torch.bincount(film, minlength=films + 1)
    return torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)]).int()


def check_films(films: int) -> None:
    """Refuse a catalogue whose matrix of films × films would not fit into memory.

    Raises:
        RequestError: it has too many films.
    """
    if films > MOST_FILMS:
        raise RequestError(
            f"a matrix of {films:,} films each way is too large to be solved; give {MOST_FILMS:,} films at most, or use "
            "another model, such as ials"
        )


def rows_of(known: Known, window: int = 0) -> Tensor:
    """[N] which row a rating belongs to, from 1: one for each user, or, with a window, for each stretch of so many ratings
    of a user."""
    user = torch.unique_consecutive(known.user, return_inverse=True)[1]
    if not window:
        return user + 1
    place = torch.arange(len(user)) - torch.searchsorted(user, user)
    stretch = user * (int(place.max()) // window + 1) + place // window
    return torch.unique_consecutive(stretch, return_inverse=True)[1] + 1


def by_row(row: Tensor, *columns: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The columns [N] row by row."""
    counts = torch.unique_consecutive(row, return_counts=True)[1].tolist()
    return zip(*(column.split(counts) for column in columns), strict=True)


def add_products(total: Tensor, films: Tensor, others: Tensor, values: Tensor) -> None:
    """Add values [n, m] to a matrix of films × films [M, M], at films [n] and others [m]."""
    place = (films - 1).unsqueeze(1) * len(total) + (others - 1)
    total.view(-1).scatter_add_(0, place.flatten(), values.flatten())


def log_popularity(known: Known, films: int) -> Tensor:
    """[M + 1] what a film has before anything was watched: `SHARE` of the logarithm of its share of all that was picked, half
    a pick added to each. A larger `SHARE` raises the likelihood, and worsens the ranking."""
    picks = torch.bincount(known.movie.long(), weights=known.answer.double(), minlength=films + 1)
    return (SHARE * ((picks + 0.5) / (picks + 0.5).sum()).log()).half().float()


def split_known(known: Known) -> tuple[Known, Tensor]:
    """What is known without the last tenth of each user's ratings, and which rows these are. Who has fewer than ten gives none."""
    user = torch.unique_consecutive(known.user, return_inverse=True)[1]
    count = torch.bincount(user)
    place = torch.arange(len(user)) - torch.searchsorted(user, user)
    later = place >= count[user] - count[user] // 10
    columns = (known.user, known.movie, known.feedback, known.answer)
    return Known(*(column[~later] for column in columns)), torch.nonzero(later).squeeze(1)


def fit_scale(
    known: Known,
    asked: Tensor,
    bias: Tensor,
    length: int,
    score: Callable[[Tensor, Tensor], Tensor],
) -> float:
    """The s for which softmax(bias + s · score) over the films not yet watched gives what was picked the highest
    likelihood. Asked about what the scores were solved from, it would be far too sure.

    Args:
        known: whose films, in the order rated.
        asked: [n] rows that the scores were not solved from; some of those picked are asked about. Where there are none, 1.
        bias: [M + 1].
        length: films of a history that are read.
        score: of histories and their feedback [n, L], the scores [n, M + 1].
    """
    rows = asked[known.answer[asked].bool()]
    if not len(rows):
        return 1.0
    draw = torch.Generator("cpu").manual_seed(0)
    rows = rows[torch.randperm(len(rows), generator=draw, device="cpu")[:QUESTIONS]]
    user = torch.unique_consecutive(known.user, return_inverse=True)[1]
    begins = torch.searchsorted(user, user[rows])  # first row of each one's user
    first = torch.maximum(begins, rows - length)
    target = known.movie[rows].long()
    table = torch.empty(len(rows), len(bias))
    closed = torch.zeros(table.shape, dtype=torch.bool)  # films that are no possible answer
    for chunk in torch.arange(len(rows)).split(CHUNK):
        place = first[chunk].unsqueeze(1) + torch.arange(length)
        there = place < rows[chunk].unsqueeze(1)
        place = place.clamp(max=len(known.movie) - 1)
        history = known.movie[place].long() * there
        table[chunk] = score(history, known.feedback[place].long() * there)
        closed[chunk] = closed[chunk].scatter(1, history, True)
    closed[:, 0] = True
    closed[torch.arange(len(rows)), target] = False  # what was picked always is one
    spread = float(table.std().clamp(min=1e-6))
    factor = torch.ones((), requires_grad=True)
    optimizer = torch.optim.LBFGS([factor], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = (bias + factor / spread * table).masked_fill(closed, float("-inf"))
        found = nn.functional.cross_entropy(logits, target)
        found.backward()
        return found

    with torch.enable_grad():
        optimizer.step(loss)
    return float(factor.detach()) / spread
