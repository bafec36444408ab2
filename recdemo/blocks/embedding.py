"""Fields and their embeddings: what the FM family, the MLPs and DIN's context read.

A field is one line of the input: a single id (gender), several (genres), or a whole history. A field of
several values is the mean of their vectors, and zero when it has none. This is the multi-valued field of
Rendle (2010), whose own example is "other movies rated". The three fields of a history share one divisor, its whole
length: each is the mean of its films times their share of the history. With `recency` the latest films have larger shares,
with `prior` those of a short history smaller ones (`history_shares`). With `content` a film watched stands there with its
genres and its year as well, so that what is learned of one film says something of others like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from recdemo.blocks.lookup import add_by_feedback, rows
from recdemo.core.batch import Batch
from recdemo.core.recording import note, same
from recdemo.core.vocabulary import JUST_WATCHED, LIKED, PROFILE
from recdemo.encoding.schema import Schema

TASTE_FIELDS = ("favourite_genre", "last_five")
HISTORY_FIELDS = ("watched", "disliked", "liked")  # feedback ids 1, 2 and 3
USER_FIELDS = PROFILE + TASTE_FIELDS + HISTORY_FIELDS
ITEM_FIELDS = ("movie", "genres", "year")
FIELDS = USER_FIELDS + ITEM_FIELDS


class FieldEmbedding(nn.Module):
    """One table per field. With ``embed_dim=1`` it is the linear part of a factorisation machine.

    Args:
        schema: vocabularies.
        embed_dim: k.
        fields: which of `FIELDS`, user fields first.
        init: standard deviation of the initial values.
        recency: τ of the history's shares, in films, see `history_shares`.
        norm: of a history's shares, 0, 1 or 2, see `history_shares`.
        prior: of a history's shares, see `history_shares`.
        content: the vector of a film watched is the sum of its own, of the mean of its genres' and of its year's, each by
            what was thought of it.

    Raises:
        ValueError: `fields` are unknown, out of order, or only some of those of a history; `recency` is not above 0;
            `norm` is none of 0, 1 and 2; or `prior` is below 0.
    """

    genre_flags: Tensor
    year_ids: Tensor

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int,
        fields: Sequence[str] = FIELDS,
        init: float = 0.01,
        recency: float | None = None,
        norm: int = 1,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        if norm not in (0, 1, 2):
            raise ValueError(f"norm {norm!r} is unknown; use 0, 1 or 2")
        if not prior >= 0:
            raise ValueError(
                f"prior {prior} is below 0; 0 lets a single film speak for the whole history"
            )
        sizes = {
            "gender": schema.genders,
            "age": schema.ages,
            "occupation": schema.occupations,
            "favourite_genre": schema.genres,
            "genres": schema.genres,
            "year": schema.years,
        }
        self.user_fields = [name for name in fields if name in USER_FIELDS]
        self.item_fields = [name for name in fields if name in ITEM_FIELDS]
        if [*self.user_fields, *self.item_fields] != list(fields):
            raise ValueError(f"fields {list(fields)} must be of {FIELDS}, user fields first")
        self.fields = tuple(fields)
        self.holds = "weights" if embed_dim == 1 else "fields"
        history = tuple(name for name in fields if name in HISTORY_FIELDS)
        if history and (history != HISTORY_FIELDS or tuple(self.user_fields[-3:]) != history):
            raise ValueError(f"fields {HISTORY_FIELDS} go together, after the other user fields")
        self.has_history = bool(history)
        self.recency, self.norm, self.prior = checked_recency(recency), norm, prior
        self.tables = nn.ModuleDict(
            {n: nn.Embedding(sizes.get(n, schema.size) + 1, embed_dim) for n in fields}
        )
        self.contents = nn.ModuleDict(
            {
                f"{n}_{of}": nn.Embedding(sizes[of] + 1, embed_dim)
                for n in (history if content else ())
                for of in ("genres", "year")
            }
        )
        for table in (*self.tables.values(), *self.contents.values()):
            nn.init.normal_(cast(nn.Embedding, table).weight, std=init)
        self.register_buffer("genre_flags", schema.genre_flags, persistent=False)
        self.register_buffer("year_ids", schema.year_ids, persistent=False)

    @property
    def rows(self) -> int:
        """M + 1, of a table of films."""
        return len(self.genre_flags)

    def forward(self, batch: Batch) -> Tensor:
        """[B, F, k], user fields then item fields."""
        user = self.user(batch).repeat_interleave(batch.candidates, dim=0)  # [B, Fu, k]
        return torch.cat([user, spread(self.films(batch), batch).flatten(0, 1)], dim=1)

    def weight(self, name: str, films: Tensor | None = None) -> Tensor:
        """The table of one field, [V + 1, k], row 0 being unknown; or of some films, [N, k] for [N]. A film watched has what
        stands in the history for it."""
        own = cast(nn.Embedding, self.tables[name]).weight
        own = own if films is None else rows(own, films)
        if f"{name}_genres" not in self.contents:
            return own
        genres, years = (
            cast(nn.Embedding, self.contents[f"{name}_{of}"]).weight for of in ("genres", "year")
        )
        chosen = slice(None) if films is None else films
        flags, year = self.genre_flags[chosen], self.year_ids[chosen]
        shares = flags / flags.sum(1, keepdim=True).clamp(min=1)
        return own + shares @ genres[1:] + nn.functional.embedding(year, years)

    def user(self, batch: Batch, beside: FieldEmbedding | None = None) -> Tensor:
        """[U, Fu, k].

        Args:
            batch: who asks.
            beside: of the same fields; its vectors then stand before this one's, [U, Fu, k' + k], for little more
                than the price of one lookup.
        """
        fields = [
            self._user_field(name, batch, beside)
            for name in self.user_fields
            if name not in HISTORY_FIELDS
        ]
        columns = torch.stack(fields, dim=1)
        if self.has_history:
            columns = torch.cat([columns, self._history(batch, beside)], dim=1)
        return note(f"visitor_{self.holds}", columns, "lookup", labels=self.user_fields)

    def films(self, batch: Batch, beside: FieldEmbedding | None = None) -> Tensor:
        """Item fields of the films a batch asks about, [N, Fi, k], for `spread`; `beside` as in `user`."""
        return self.catalogue(films_of(batch, self.rows), beside)

    def catalogue(
        self, films: Tensor | None = None, beside: FieldEmbedding | None = None
    ) -> Tensor:
        """Item fields of some films [N], or of every film: [N, Fi, k] or [M + 1, Fi, k]."""
        chosen = slice(None) if films is None else films
        columns = []
        for name in self.item_fields:
            weight = self._weight(name, beside)
            if name == "movie":
                columns.append(weight if films is None else rows(weight, films))
            elif name == "year":
                columns.append(nn.functional.embedding(self.year_ids[chosen], weight))
            else:
                flags = self.genre_flags[chosen]
                columns.append((flags / flags.sum(1, keepdim=True).clamp(min=1)) @ weight[1:])
        found = torch.stack(columns, dim=1)
        return note(f"film_{self.holds}", found, "lookup", labels=self.item_fields)

    def user_present(self, batch: Batch) -> Tensor:
        """[U, Fu] False where a field of several values has none, so that its vector is zero."""
        columns = [
            batch.last_five.any(1)
            if name == "last_five"
            else torch.ones(batch.users, dtype=torch.bool)
            for name in self.user_fields
            if name not in HISTORY_FIELDS
        ]
        if self.has_history:
            columns += [(batch.feedback == kind).any(1) for kind in range(JUST_WATCHED, LIKED + 1)]
        return torch.stack(columns, dim=1)

    def films_present(self, batch: Batch) -> Tensor:
        """[N, Fi] False where a film has no genre; the films of `films`."""
        films = films_of(batch, self.rows)
        some = self.genre_flags[slice(None) if films is None else films].any(1)
        everywhere = torch.ones_like(some)
        return torch.stack([some if n == "genres" else everywhere for n in self.item_fields], dim=1)

    def _weight(
        self, name: str, beside: FieldEmbedding | None, films: Tensor | None = None
    ) -> Tensor:
        own = self.weight(name, films)
        return own if beside is None else torch.cat([beside.weight(name, films), own], dim=1)

    def _user_field(self, name: str, batch: Batch, beside: FieldEmbedding | None) -> Tensor:
        weight = self._weight(name, beside)
        if name != "last_five":
            return nn.functional.embedding(getattr(batch, name), weight)
        count = (batch.last_five != 0).sum(1, keepdim=True).clamp(min=1)  # [U, 1]
        real = (batch.last_five != 0).unsqueeze(-1)
        return (rows(weight, batch.last_five) * real).sum(1) / count

    def _history(self, batch: Batch, beside: FieldEmbedding | None) -> Tensor:
        """The three history fields [U, 3, k], which share the history among them: how much of it was liked is not lost."""
        films, chosen = batch.history, None
        if films.numel() < self.rows:  # only these are looked up
            chosen = films.flatten()
            films = torch.arange(len(chosen)).view_as(films)
        tables = torch.cat(
            [self._weight(name, beside, chosen) for name in HISTORY_FIELDS]
        )  # [3(M + 1), k]
        kind = (batch.feedback - JUST_WATCHED).clamp(min=0)  # [U, L]
        films = films + kind * (len(tables) // len(HISTORY_FIELDS))
        shares = history_shares(batch, self.recency, self.norm, self.prior)
        return add_by_feedback(tables, films, batch.feedback, shares)


def checked_recency(recency: float | None) -> float | None:
    """A time constant as given.

    Raises:
        ValueError: it is not above 0.
    """
    if recency is not None and not recency > 0:
        raise ValueError(f"recency {recency} is not above 0; leave it out for a plain mean")
    return recency


def history_shares(
    batch: Batch, recency: float | None, norm: int = 1, prior: float = 0.0
) -> Tensor:
    """How much each film watched counts, [U, L]: zero at padding, and by default one in all where there are films.

    Args:
        batch: who asks.
        recency: τ, in films: one watched a films before the latest counts exp(−a / τ) times as much. None: all alike.
        norm: 1 for shares that add up to one. 2 for squares that do: each of n films that count alike is 1 / √n, as in SVD++
            (Koren, KDD 2008). 0 for a plain sum: the latest film counts one, whatever is beside it. With 2 and 0 a long
            history says more than a short one.
        prior: as if so many films that say nothing had been watched too: with norm 1, each of n films that count alike is
            1 / (n + prior). A visitor of one film is then judged mostly as anybody is.
    """
    mask = batch.history_mask
    weights = mask.to(torch.get_default_dtype())
    if recency is not None:
        weights = torch.exp(-(batch.distance - 1).clamp(min=0) / recency) * mask
    if norm == 0:
        return weights
    whole = weights.norm(p=norm, dim=1, keepdim=True) + prior
    return weights / whole.clamp(min=torch.finfo(weights.dtype).tiny)


@dataclass(frozen=True, slots=True)
class WeighedFields:
    """Each field's weight and vector, of the users and of the films of `films_of`."""

    user_weights: Tensor  # [U, Fu]
    user: Tensor  # [U, Fu, k]
    film_weights: Tensor  # [N, Fi]
    films: Tensor  # [N, Fi, k]

    @classmethod
    def of(
        cls,
        linear: FieldEmbedding,
        embedding: FieldEmbedding,
        batch: Batch,
        *,
        every_film: bool = False,
    ) -> WeighedFields:
        """Weights by `linear` (``embed_dim=1``), vectors by `embedding`; in training looked up together.

        With `every_film`, N is all of them, [M + 1].
        """
        chosen = None if every_film else films_of(batch, linear.rows)
        if embedding.training:
            user, films = embedding.user(batch, linear), embedding.catalogue(chosen, linear)
            return cls(user[..., 0], user[..., 1:], films[..., 0], films[..., 1:])
        return cls(
            linear.user(batch).squeeze(-1),
            embedding.user(batch),
            linear.catalogue(chosen).squeeze(-1),
            embedding.catalogue(chosen),
        )

    def linear(self, batch: Batch) -> Tensor:
        """Σ_i w_i of user and film, [U, C]."""
        both = self.user_weights.sum(1, keepdim=True) + spread(self.film_weights.sum(1), batch)
        return note("linear", both, "sum", self.user_weights, self.film_weights)


def film_biases(schema: Schema) -> nn.Embedding:
    """One number per film, [M + 1, 1], zero at first."""
    table = nn.Embedding(schema.size + 1, 1)
    nn.init.zeros_(table.weight)
    return table


def films_of(batch: Batch, rows: int) -> Tensor | None:
    """Which films a step encodes: its candidates one by one, or, where they are more than the `rows` of a table
    of all films, every film once (None)."""
    return batch.target_movie if len(batch.target_movie) <= rows else None


def rows_for(batch: Batch, table: Tensor) -> Tensor:
    """The films of `films_of` in a table of all films: [M + 1, ...] → [N, ...]."""
    films = films_of(batch, len(table))
    return table if films is None else same(rows(table, films), table)


def spread(made: Tensor, batch: Batch) -> Tensor:
    """What was made of the films of `films_of`, by candidate: [B, ...] or [M + 1, ...] → [U, C, ...]."""
    if len(made) == len(batch.target_movie):
        return made.unflatten(0, (batch.users, batch.candidates))
    return gather(made, batch)


def dots(visitors: Tensor, films: Tensor, batch: Batch) -> Tensor:
    """Each visitor [U, d] with each of their candidates among all films [M + 1, d]: logits [B]."""
    logits = (gather(films, batch) @ visitors.unsqueeze(-1)).flatten()
    return note("logit", logits, "dot", visitors, films, "film_bias")


def with_bias(visitors: Tensor, films: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The two sides with the films' biases in their dot product: [..., k], [M + 1, k], [M + 1, 1] → [..., k + 1], [M + 1, k + 1]."""
    note("film_bias", bias, "lookup")
    padded = nn.functional.pad(visitors, (0, 1), value=1.0)
    return same(padded, visitors), same(torch.cat([films, bias], dim=1), films)


def gather(catalogue: Tensor, batch: Batch) -> Tensor:
    """Each candidate's row of a table of all films: [M + 1, ...] → [U, C, ...]."""
    return same(rows(catalogue, batch.target_movie.view(batch.users, -1)), catalogue)
