"""AFM: a factorisation machine that learns how much each pair of fields matters, row by row.

Xiao et al., "Attentional Factorization Machines", IJCAI 2017; document eq. 3-10 and 3-11. The softmax
runs over the pairs of fields that hold something, as the paper's runs over non-zero features: a field
without a value (no film disliked, say) takes no attention. The printed listing pools the pairs first, which
leaves the softmax a single element.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, WeighedFields, spread
from recdemo.blocks.interaction import pair_products
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.terms import FieldTerms
from recdemo.encoding.schema import Schema


class AFM(nn.Module):
    """w0 + Σ_i w_i + pᵀ Σ_{i<j} a_ij (v_i ⊙ v_j), a = softmax over pairs of hᵀ ReLU(W (v_i ⊙ v_j) + b).

    A pair enters the sum only as two numbers, its score hᵀ ReLU(…) and its value pᵀ (v_i ⊙ v_j). Those of
    pairs within the user are computed once per user, within the film once per film.

    Args:
        schema: vocabularies.
        embed_dim: k.
        attention_dim: width t of the attention network.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.
    """

    order: Tensor

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        attention_dim: int = 16,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))
        self.linear = FieldEmbedding(
            schema, embed_dim=1, recency=recency, prior=prior, content=content
        )
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, recency=recency, prior=prior, content=content
        )
        self.inner = nn.Linear(embed_dim, attention_dim)
        self.outer = nn.Linear(attention_dim, 1, bias=False)
        self.pairs = self._pairs_made()
        self.register_buffer("order", self._pair_order(), persistent=False)
        # Attention starts near 1/P for each of the P pairs; p = P makes the first step a plain FM's.
        self.projection = nn.Parameter(torch.full((embed_dim,), float(len(self.order))))

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        fields = WeighedFields.of(self.linear, self.embedding, batch)
        linear = fields.linear(batch)
        attention, values = self._attend(fields.user, fields.films, batch)  # [U, C, P] each
        terms = note("pair_terms", attention * values, "product", attention, values)
        logits = (self.bias + linear + terms.sum(-1)).flatten()
        return note("logit", logits, "sum", linear, terms, bias=self.bias)

    def field_terms(self, batch: Batch) -> FieldTerms:
        """What adds up to the logit: attention × pᵀ(v_i ⊙ v_j) for each pair, and the linear terms."""
        user, films = self.embedding.user(batch), self.embedding.films(batch)
        found = self._attend(user, films, batch)
        attention, values = (x.flatten(0, 1)[:, self.order] for x in found)  # [B, P]
        linear = self.linear(batch).squeeze(-1)
        return FieldTerms(
            self.embedding.fields, self.bias, linear, attention * values, attention=attention
        )

    def _attend(self, user: Tensor, films: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Attention and value of each pair, [U, C, P]: user pairs, film pairs, then pairs across."""
        has_user, has_film = self.embedding.user_present(batch), self.embedding.films_present(batch)
        in_user = self._score_and_value(pair_products(user), _pairs(has_user))  # [U, Pu, 2]
        in_film = self._score_and_value(pair_products(films), _pairs(has_film))  # [N, Pi, 2]
        film = spread(films, batch).flatten(1, 2)  # [U, C * Fi, k]
        has_film = spread(has_film, batch).flatten(1)  # [U, C * Fi]
        across = self._across(user, film, has_film.unsqueeze(2) & has_user.unsqueeze(1))
        across = across.flatten(1, 2).unflatten(1, (batch.candidates, -1))  # [U, C, Fi * Fu, 2]
        in_user = in_user.unsqueeze(1).expand(-1, batch.candidates, -1, -1)
        both = torch.cat([in_user, spread(in_film, batch), across], dim=2)
        score, value = both.unbind(-1)
        attention = torch.softmax(score, dim=-1)
        there = partial(torch.isfinite, score)  # a pair with a field that holds nothing is not
        some = partial(torch.nan_to_num, score, neginf=0.0)
        net: dict[str, Any] = {"outer": self.outer.weight, "there": there}
        pairs = partial(_all_pairs, user, films)
        note("pair_products", pairs, "pair_products", user, films, labels=self.pairs)
        note("pair_scores", some, "relu_net", "pair_products", by=self.inner, **net)
        note("pair_values", value, "layer", "pair_products", weight=self.projection.unsqueeze(0))
        return note("attention", attention, "softmax", "pair_scores", there=there), value

    def _score_and_value(self, products: Tensor, present: Tensor) -> Tensor:
        """[..., k], [...] → [..., 2]; the score of an absent pair is −∞."""
        score = self.outer(torch.relu(self.inner(products))).squeeze(-1)
        score = score.masked_fill(~present, float("-inf"))
        return torch.stack([score, products @ self.projection], dim=-1)

    def _across(self, user: Tensor, film: Tensor, present: Tensor) -> Tensor:
        """The same for all pairs of a user and a film field: [U, Fu, k], [U, N, k] → [U, N, Fu, 2].

        W (v_i ⊙ v_j) = (W ⊙ v_i) v_j: where a user has many candidates, the products are never made.
        """
        weight = torch.cat([self.inner.weight, self.projection.unsqueeze(0)])  # [t + 1, k]
        if film.shape[1] <= len(weight):
            both = (film.unsqueeze(2) * user.unsqueeze(1)) @ weight.T  # [U, N, Fu, t + 1]
        else:
            keys = (user.unsqueeze(2) * weight).flatten(1, 2)  # [U, Fu * (t + 1), k]
            both = (film @ keys.transpose(1, 2)).unflatten(2, (user.shape[1], -1))
        score = self.outer(torch.relu(both[..., :-1] + self.inner.bias)).squeeze(-1)
        score = score.masked_fill(~present, float("-inf"))
        return torch.stack([score, both[..., -1]], dim=-1)

    def _pair_order(self) -> Tensor:
        """Where in `_attend`'s order each pair of `pair_indices` over all fields stands: [P]."""
        return torch.tensor(
            [self.pairs.index(pair) for pair in combinations(self.embedding.fields, 2)]
        )

    def _pairs_made(self) -> list[tuple[str, str]]:
        """The pairs of fields in `_attend`'s order."""
        users, films = self.embedding.user_fields, self.embedding.item_fields
        across = [(user, film) for film in films for user in users]
        return [*combinations(users, 2), *combinations(films, 2), *across]


def _all_pairs(user: Tensor, films: Tensor) -> Tensor:
    """v_i ⊙ v_j of one user and one film, in `_attend`'s order, [P, k]; where candidates are many it is never made."""
    across = (films.unsqueeze(2) * user.unsqueeze(1)).flatten(1, 2)
    return torch.cat([pair_products(user), pair_products(films), across], dim=1)[0]


def _pairs(present: Tensor) -> Tensor:
    """[..., F] → [..., P] True where both fields of a pair hold something."""
    return pair_products(present.unsqueeze(-1)).squeeze(-1)
