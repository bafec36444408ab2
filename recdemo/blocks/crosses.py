"""Crossed features: a weight for every pair of values of two fields, found by hashing.

POLY2 of Chang et al., "Training and Testing Low-degree Polynomial Data Mappings via Linear SVM", JMLR 2010;
the cross-product transformations of Cheng et al., "Wide & Deep Learning", 2016. Two pairs of values may share a
weight: that is the price of a table of fixed size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import ITEM_FIELDS, gather
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.vocabulary import PROFILE
from recdemo.encoding.schema import Schema

CROSSED_USER_FIELDS = (*PROFILE, "favourite_genre", "last_five")
CROSSED_FIELDS = CROSSED_USER_FIELDS + ITEM_FIELDS
Values = tuple[Tensor, Tensor]  # ids [N, n] and what each counts [N, n], 0 where there is none


class HashedCrosses(nn.Module):
    """Σ over pairs of fields, over pairs of their values, of one hashed weight each.

    A field of n values counts each 1/n.

    Args:
        schema: vocabularies.
        pairs: pairs of `CROSSED_FIELDS`, each in that order.
        buckets: size of the table.

    Raises:
        ValueError: `pairs` are of other fields, or in another order.
    """

    genre_ids: Tensor
    genre_counts: Tensor
    year_ids: Tensor

    def __init__(
        self, schema: Schema, *, pairs: Sequence[tuple[str, str]], buckets: int = 2**17
    ) -> None:
        super().__init__()
        order = CROSSED_FIELDS.index
        if any(order(left) >= order(right) for left, right in pairs):
            raise ValueError(f"pairs {list(pairs)} must be of {CROSSED_FIELDS}, in this order")
        self.pairs = tuple(pairs)
        self.weight = nn.Parameter(torch.zeros(buckets))
        most = int(schema.genre_flags.sum(1).max().clamp(min=1))
        flags, ids = schema.genre_flags.sort(dim=1, descending=True, stable=True)
        self.register_buffer("genre_ids", ids[:, :most] + 1, persistent=False)
        counts = flags[:, :most] / flags.sum(1, keepdim=True).clamp(min=1)
        self.register_buffer("genre_counts", counts, persistent=False)
        self.register_buffer("year_ids", schema.year_ids.unsqueeze(1), persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        """What each pair of fields adds, [U, C, pairs]."""
        user = {name: self._of_user(name, batch) for name in CROSSED_USER_FIELDS}
        film = {name: self._of_film(name) for name in ITEM_FIELDS}
        targets = batch.target_movie.view(batch.users, -1)
        asked = {name: (ids[targets], counts[targets]) for name, (ids, counts) in film.items()}
        terms = []
        for number, (left, right) in enumerate(self.pairs):
            if right in user:  # within the user
                (a, weight_a), (b, weight_b) = user[left], user[right]
                found = self._sum(number, a, weight_a, b, weight_b)  # [U]
                terms.append(found.unsqueeze(1).expand(-1, batch.candidates))
            elif left in film:  # within the film
                (a, weight_a), (b, weight_b) = film[left], film[right]
                terms.append(gather(self._sum(number, a, weight_a, b, weight_b), batch))
            else:
                terms.append(
                    self._across(number, user[left], asked[right], int(film[right][0].max()))
                )
        return note("crosses", torch.stack(terms, dim=-1), "lookup", labels=self.pairs)

    def _across(self, number: int, user: Values, films: Values, largest: int) -> Tensor:
        """A field of the user, [U, n], crossed with one of the candidates, [U, C, m] of ids to `largest`: [U, C]."""
        (a, weight_a), (b, weight_b) = user, films
        a, weight_a = a.unsqueeze(1), weight_a.unsqueeze(1)
        if largest >= b[0].numel():
            return self._sum(number, a, weight_a, b, weight_b)
        # Fewer values than candidates have: each is crossed with the user once.
        every = torch.arange(largest + 1).unsqueeze(1)
        crossed = self._sum(number, a, weight_a, every, torch.ones(every.shape))  # [U, largest + 1]
        return (crossed.gather(1, b.flatten(1)).view_as(b) * weight_b).sum(-1)

    def _sum(self, number: int, a: Tensor, weight_a: Tensor, b: Tensor, weight_b: Tensor) -> Tensor:
        """Σ weight_a weight_b w(a, b): [..., n], [..., m] → [...]."""
        bucket = self.bucket(number, a.unsqueeze(-1), b.unsqueeze(-2))  # [..., n, m]
        weights = nn.functional.embedding(bucket, self.weight.unsqueeze(1)).squeeze(-1)
        return torch.einsum("...nm,...n,...m->...", weights, weight_a, weight_b)

    def bucket(self, number: int, a: Tensor, b: Tensor) -> Tensor:
        """Where the weight of a pair of values lies: multiplicative hashing, the same on every machine."""
        mixed = ((number + 1) * 1_000_003 + a) * 1_000_033 + b
        mixed = (mixed * 2_654_435_761) & 0x7FFF_FFFF_FFFF
        return (mixed >> 15) % len(self.weight)

    def _of_user(self, name: str, batch: Batch) -> Values:
        value = getattr(batch, name)
        if name != "last_five":
            return value.unsqueeze(1), torch.ones(len(value), 1)
        real = (value != 0).to(self.weight.dtype)
        return value, real / real.sum(1, keepdim=True).clamp(min=1)

    def _of_film(self, name: str) -> Values:
        if name == "genres":
            return self.genre_ids, self.genre_counts
        ids = self.year_ids if name == "year" else torch.arange(len(self.year_ids)).unsqueeze(1)
        return ids, torch.ones(len(ids), 1)
