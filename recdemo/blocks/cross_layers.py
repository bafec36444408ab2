"""Cross layers: the input multiplied with itself again and again, as in Deep & Cross and DCN V2."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import spread
from recdemo.blocks.mlp import pieces
from recdemo.core.batch import Batch
from recdemo.core.recording import note, same


class CrossNetwork(nn.Module):
    """wᵀ x_L + w_0 of x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l, with x_0 = [user, film].

    Every x_l is α_l x_0 + β_l, where α_l is a number per row and β_l = b_0 + … + b_{l−1} the same for all rows:
    x_0 enters only through its dot products with each w_l. Those are sums over the user's and the film's
    parts, made once per user and once per film.

    Wang et al., "Deep & Cross Network for Ad Click Predictions", ADKDD 2017; document 002.

    Args:
        dim: width of x_0.
        layers: L.
    """

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(layers, dim))
        self.biases = nn.Parameter(torch.zeros(layers, dim))
        self.head = nn.Linear(dim, 1)
        nn.init.xavier_normal_(self.weights)

    def forward(self, user: Tensor, films: Tensor, batch: Batch) -> Tensor:
        """Logits [U, C].

        Args:
            user: [U, dim of the user's part].
            films: [N, dim of the film's part], of the films of `films_of`.
            batch: says which films are candidates of whom.
        """
        all_weights = torch.cat([self.weights, self.head.weight])  # [L + 1, dim]
        for_user, for_film = all_weights.split([user.shape[1], films.shape[1]], dim=1)
        film = spread(films @ for_film.T, batch)  # [U, C, L + 1]
        dots = ((user @ for_user.T).unsqueeze(1) + film).unbind(-1)
        alpha, beta = torch.ones_like(dots[0]), torch.zeros_like(self.biases[0])
        crossed = partial(_crossed, user, films, batch)
        note("x0", partial(crossed, alpha, beta), "concat", user, films)
        before = "x0"
        for dot, weight, bias in zip(dots[:-1], self.weights, self.biases, strict=True):
            alpha = alpha + alpha * dot + beta @ weight
            beta = beta + bias
            after = partial(crossed, alpha, beta)
            note("cross_layer", after, "cross", "x0", before, weight=weight, bias=bias)
            before = "cross_layer"
        logits = alpha * dots[-1] + beta @ self.head.weight[0] + self.head.bias
        return note("cross", logits, "layer", before, by=self.head)


def _crossed(user: Tensor, films: Tensor, batch: Batch, alpha: Tensor, beta: Tensor) -> Tensor:
    """x_l = α_l x_0 + β_l, [U, C, dim]; no answer needs it."""
    film = spread(films, batch)
    first = torch.cat([user.unsqueeze(1).expand(-1, film.shape[1], -1), film], dim=-1)
    return alpha.unsqueeze(-1) * first + beta


class CrossLayerV2(nn.Module):
    """x_0 ⊙ (W x + b) + x.

    W is a full matrix, or, with a `rank`, a product of two narrow ones, U V. With several experts it is
    Σ_e g_e(x) U_e V_e, where g is a softmax over the experts: each row has a matrix of its own.

    Wang et al., "DCN V2", WWW 2021, eq. 1 to 3; without the non-linear maps of eq. 4 between U_e and V_e, so that a layer
    remains a sum over pairs of fields.

    Args:
        dim: width of x.
        rank: rows of each V_e; None for a full matrix.
        experts: how many low-rank matrices are mixed.

    Raises:
        ValueError: several experts without a rank, or no expert.
    """

    def __init__(self, dim: int, *, rank: int | None = None, experts: int = 1) -> None:
        super().__init__()
        if experts < 1 or (experts > 1 and rank is None):
            raise ValueError(
                f"experts {experts!r} with rank {rank!r}; several experts need a rank, and one is the least"
            )
        self.experts, self.narrow = experts, None if rank is None else experts * rank
        gates = experts if experts > 1 else 0
        self.into = nn.Linear(dim, self.narrow + gates, bias=False) if self.narrow else None
        self.out = nn.Linear(self.narrow or dim, dim)

    @property
    def entry(self) -> nn.Linear:
        """What reads x: V and the gate, or W itself."""
        return self.into or self.out

    def forward(self, first: Tensor, x: Tensor) -> Tensor:
        """The next x, from x_0 and x: [..., dim] each."""
        return self.after_entry(first, x, self.entry(x))

    def after_entry(self, first: Tensor, x: Tensor, read: Tensor) -> Tensor:
        """The same, where the `entry` has read x."""
        return torch.addcmul(x, first, self.out(self._gated(read)) if self.into else read)

    def given(self, x: Tensor) -> dict[str, Any]:
        """W and b of one row x, for a recording."""

        def matrix() -> Tensor:
            if self.into is None:
                return self.out.weight
            gates = self._gates(x).expand(-1, -1, -1, (self.narrow or 0) // self.experts).flatten()
            inner = self.out.weight * gates if self.experts > 1 else self.out.weight
            return inner @ self.into.weight[: self.narrow]

        return {"weight": matrix, "bias": lambda: self.out.bias}

    def summed(self, weight: Tensor, first: Tensor, x: Tensor, film_dim: int) -> Tensor:
        """wᵀ of the next x, which takes only the film's rows of W for each pair.

        The user's part of wᵀ (x_0 ⊙ (W x + b)) is ((w ⊙ x_0)ᵀ W) x, and that vector before x is the same for all
        candidates.

        Args:
            weight: w, [dim].
            first: x_0, [U, C, dim], whose last `film_dim` numbers are the film's, the others the same for all candidates.
            x: [U, C, dim].
            film_dim: width of the film's part.

        Returns:
            [U, C]
        """
        sizes = [len(weight) - film_dim, film_dim]
        inner = self._gated(self.into(x)) if self.into else x
        for_user, for_film = self.out.weight.split(sizes)
        of_user, of_film = self.out.bias.split(sizes)
        user, film = first.split(sizes, dim=-1)
        user_weight, film_weight = weight.split(sizes)
        left = user[:, :1] * user_weight  # [U, 1, user's part]
        read = nn.functional.linear(inner, for_film, of_film)
        along = inner @ (left @ for_user).transpose(-1, -2)  # [U, C, 1]
        return (read * film) @ film_weight + along.squeeze(-1) + left @ of_user + x @ weight

    def pairs(self, left: Tensor, x: Tensor) -> Tensor:
        """left_i · (W_ij x_j) for every two fields: the summands of leftᵀ W x, [B, F, k] each → [B, F, F]."""
        fields = left.shape[1:]
        out = self.out.weight.unflatten(0, fields)  # [F, k, inner]
        left = torch.einsum("bik,ikr->bir", left, out)
        if self.into is None:
            return torch.einsum("bijl,bjl->bij", left.unflatten(-1, fields), x)
        into = self.into.weight[: self.narrow].unflatten(1, fields)  # [inner, F, k]
        inner = torch.einsum("rjl,bjl->bjr", into, x)
        if self.experts > 1:
            inner = (inner.unflatten(-1, (self.experts, -1)) * self._gates(x)).flatten(-2)
        return left @ inner.transpose(1, 2)

    def _gates(self, x: Tensor) -> Tensor:
        """[B, 1, experts, 1] from [B, F, k]"""
        assert self.into
        read = x.flatten(1) @ self.into.weight[self.narrow :].T
        return read.softmax(-1)[:, None, :, None]

    def _gated(self, read: Tensor) -> Tensor:
        """What the experts read, by their gates: [..., inner + gates] → [..., inner]."""
        if self.experts == 1:
            return read
        assert self.narrow
        inner, gates = read.split([self.narrow, self.experts], dim=-1)
        shared = inner.unflatten(-1, (self.experts, -1)) * gates.softmax(-1).unsqueeze(-1)
        return shared.flatten(-2)


class CrossNetworkV2(nn.Module):
    """wᵀ x_L + w_0 of x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l, with x_0 = [user, film].

    What a layer adds to x is a sum over pairs of fields, one that multiplies and one that is read, so the logit is one too.
    Of the first layer W_0 x_0 falls into a part for the user and one for the film, and of the last only the film's
    rows are needed for each pair of user and film.

    Wang et al., "DCN V2", WWW 2021.

    Args:
        user_dim: width of the user's part of x_0.
        film_dim: width of the film's.
        layers: L.
        rank: of each layer's matrix; None for a full one.
        experts: how many matrices of that rank a layer mixes.

    Raises:
        ValueError: there is no layer, or as `CrossLayerV2`.
    """

    def __init__(
        self,
        user_dim: int,
        film_dim: int,
        layers: int,
        *,
        rank: int | None = None,
        experts: int = 1,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers {layers!r} must be one or more")
        self.sizes = [user_dim, film_dim]
        width = user_dim + film_dim
        self.layers = nn.ModuleList(
            CrossLayerV2(width, rank=rank, experts=experts) for _ in range(layers)
        )
        self.head = nn.Linear(width, 1)

    def forward(self, user: Tensor, films: Tensor, batch: Batch) -> Tensor:
        """Logits [U, C].

        Args:
            user: [U, user_dim].
            films: [N, film_dim], of the films of `films_of`.
            batch: says which films are candidates of whom.
        """
        entry = self._layers[0].entry
        for_user, for_film = entry.weight.split(self.sizes, dim=1)
        read = nn.functional.linear(films, for_film, entry.bias)
        film = spread(torch.cat([films, read], dim=1), batch)  # [U, C, film_dim + inner]
        of_user = user @ for_user.T
        made = 4 * len(user) * self.head.in_features  # x_0, x, what is read of it, and the next
        parts = pieces(film, made, self.training)
        logits = torch.cat([self._crossed(user, of_user, part) for part in parts], 1)
        return same(logits, "cross")

    def terms(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """What, with the head's bias, adds up to the logit.

        Args:
            fields: [B, F, k], side by side x_0.

        Returns:
            What each field adds by itself, [B, F]: w ⊙ x_0 ⊙ (1 + Σ_l b_l). What each layer adds, [B, L, F, F]: row i, column j
            is w_i · (x_0,i ⊙ (W_l,ij x_l,j)).
        """
        first = x = fields.flatten(1)
        weighed = first * self.head.weight[0]
        left = weighed.view_as(fields)
        pairs = []
        for layer in self._layers:
            pairs.append(layer.pairs(left, x.view_as(fields)))
            x = layer(first, x)
        biases = torch.stack([layer.out.bias for layer in self._layers]).sum(0)
        return (weighed * (1 + biases)).view_as(fields).sum(-1), torch.stack(pairs, dim=1)

    @property
    def _layers(self) -> list[CrossLayerV2]:
        return cast(list[CrossLayerV2], list(self.layers))

    def _crossed(self, user: Tensor, of_user: Tensor, film: Tensor) -> Tensor:
        """Logits [U, C]; `of_user` [U, inner] is what the first layer reads of the user, and beside the film's vector
        stands what it reads of the film."""
        vector, read = film.split([self.sizes[1], film.shape[-1] - self.sizes[1]], dim=-1)
        first = x = torch.cat(
            [user.unsqueeze(1).expand(-1, vector.shape[1], -1), vector.expand(len(user), -1, -1)],
            -1,
        )
        note("x0", first, "concat", "visitor_fields", "film_fields")
        *before, last = self._layers
        for number, layer in enumerate(before):
            made = (
                layer(first, x)
                if number
                else layer.after_entry(first, x, of_user.unsqueeze(1) + read)
            )
            x = note("cross_layer", made, "cross_v2", first, x, **layer.given(x))
        # What the last layer makes is summed as it is made.
        whole = partial(last, first, x)
        note("cross_layer", whole, "cross_v2", first, x, **last.given(x))
        logits = last.summed(self.head.weight[0], first, x, self.sizes[1]) + self.head.bias
        return note("cross", logits, "layer", "cross_layer", by=self.head)
