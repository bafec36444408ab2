"""Attention over a history: DIN's activation unit, and the five basic ways of the document."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import Dice
from recdemo.core.recording import note

Basic = Literal["item", "user", "dot", "bilinear", "elementwise"]

CELLS = 100_000  # of the hidden layer made at once: keeps it in the processor's cache


class ActivationUnit(nn.Module):
    """DIN's activation unit: a(x, q) = wᵀ Dice(W [x, q, x − q, x ⊙ q] + b) + c, one number per film.

    Zhou et al., "Deep Interest Network", KDD 2018, figure 2, with the four inputs of document
    fig. 3-21. W is applied piece by piece: its x and q pieces once per film, not once per pair, which
    is the same sum in another order.

    Args:
        dim: width of x and q.
        hidden: units of the hidden layer.
        softmax: normalise over the films of a history, as the authors' code does; the paper does not.
    """

    def __init__(self, dim: int, *, hidden: int = 36, softmax: bool = False) -> None:
        super().__init__()
        self.inner = nn.Linear(4 * dim, hidden)
        self.dice = Dice(hidden)
        self.outer = nn.Linear(hidden, 1)
        self.softmax = softmax

    def forward(self, history: Tensor, mask: Tensor, query: Tensor) -> Tensor:
        """Weight of every watched film for every candidate.

        Args:
            history: [U, L, d].
            mask: [U, L] True where a film stands.
            query: [U, C, d].

        Returns:
            [U, C, L], zero at padding.
        """
        if query.shape[1] <= history.shape[1]:
            scores = self._by_candidate(history, mask, query)
        elif self.training:  # Dice's batch normalisation has to see all pairs of a step at once
            scores = self._by_film(history, mask, query)
        else:
            at_once = _at_once(history, self.inner.out_features)
            parts = [self._by_film(history, mask, part) for part in query.split(at_once, dim=1)]
            scores = torch.cat(parts, dim=1)
        return normalised(scores, mask, self.softmax)

    def _by_candidate(self, history: Tensor, mask: Tensor, query: Tensor) -> Tensor:
        """Scores [U, C, L] where candidates are few: (W_x + W_- + W_* ⊙ q) x + (W_q − W_-) q + b."""
        w_x, w_q, w_minus, w_times = self.inner.weight.chunk(4, dim=1)  # [h, d] each
        keys = (query.unsqueeze(2) * w_times + (w_x + w_minus)).flatten(1, 2)  # [U, C * h, d]
        from_q = nn.functional.linear(query, w_q - w_minus, self.inner.bias)  # [U, C, h]
        hidden = torch.baddbmm(from_q.flatten(1).unsqueeze(1), history, keys.transpose(1, 2))
        hidden = hidden.unflatten(2, (query.shape[1], -1))  # [U, L, C, h]
        note("attention_hidden", hidden, "pair_layer", history, query, by=self.inner)
        counts = mask.unsqueeze(2).expand(hidden.shape[:3])
        return self.dice.scores(hidden, counts, self.outer).squeeze(-1).transpose(1, 2)

    def _by_film(self, history: Tensor, mask: Tensor, query: Tensor) -> Tensor:
        """Scores [U, C, L] where candidates are many: (W_q − W_- + W_* ⊙ x) q + (W_x + W_-) x + b."""
        w_x, w_q, w_minus, w_times = self.inner.weight.chunk(4, dim=1)  # [h, d] each
        keys = (history.unsqueeze(2) * w_times + (w_q - w_minus)).flatten(1, 2)  # [U, L * h, d]
        from_x = nn.functional.linear(history, w_x + w_minus, self.inner.bias)  # [U, L, h]
        hidden = torch.baddbmm(from_x.flatten(1).unsqueeze(1), query, keys.transpose(1, 2))
        hidden = hidden.unflatten(2, from_x.shape[1:])  # [U, C, L, h]
        counts = mask.unsqueeze(1).expand(hidden.shape[:3])
        return self.dice.scores(hidden, counts, self.outer).squeeze(-1)


class BasicAttention(nn.Module):
    """The basic ways to weigh a watched film x (document eq. 3-12 and 3-16 to 3-18), as a score before any softmax.

    ``item``: hᵀσ(W x + b), of the film alone (eq. 3-12, 3-16). ``user``: MLP(x ⊙ u), the visitor looks at
    their own films. ``dot``: x · q and ``bilinear``: xᵀ W q, the candidate looks (eq. 3-17).
    ``elementwise``: MLP(x ⊙ q) (eq. 3-18). `MLP` is one hidden layer with a sigmoid.

    Args:
        kind: which.
        dim: width of x, q and u.
        hidden: units of the hidden layer.
        softmax: normalise over the films of a history.

    Raises:
        ValueError: `kind` is unknown; on the call, nothing is given to hold films against that are not weighed alone.
    """

    def __init__(self, kind: Basic, dim: int, *, hidden: int = 16, softmax: bool = True) -> None:
        super().__init__()
        if kind not in get_args(Basic):
            raise ValueError(
                f"attention {kind!r} is unknown; use one of {' '.join(get_args(Basic))}"
            )
        self.kind = kind
        self.softmax = softmax
        if kind == "bilinear":
            self.inner = nn.Linear(dim, dim, bias=False)
        elif kind != "dot":
            self.inner = nn.Linear(dim, hidden)
            self.outer = nn.Linear(hidden, 1, bias=False)

    def forward(self, history: Tensor, mask: Tensor, against: Tensor | None = None) -> Tensor:
        """Weight of every watched film.

        Args:
            history: [U, L, d].
            mask: [U, L] True where a film stands.
            against: what each film is held against, [U, N, d]: the candidates q, the visitor's u with
                N = 1, or nothing for ``item``.

        Returns:
            [U, N, L], N = 1 for ``item``; zero at padding.
        """
        return normalised(self._scores(history, against), mask, self.softmax)

    def _scores(self, history: Tensor, against: Tensor | None) -> Tensor:
        """[U, N, L]"""
        if self.kind == "item":
            scores = self._mlp(history)
            return note("scores", scores, "sigmoid_net", history, **self._net()).unsqueeze(1)
        if against is None:
            raise ValueError(
                f"attention {self.kind!r} holds each film against another vector; give it"
            )
        if self.kind in ("dot", "bilinear"):
            keys = history
            if self.kind == "bilinear":
                keys = note("film_keys", self.inner(history), "layer", history, by=self.inner)
            return note("scores", against @ keys.transpose(1, 2), "dot", against, keys)
        at_once = _at_once(history, self.inner.out_features)
        parts = against.split(at_once, dim=1)
        scores = torch.cat([self._mlp(history.unsqueeze(1) * p.unsqueeze(2)) for p in parts], dim=1)
        note("products", lambda: history * against[:, :1], "product", history, against)
        return note("scores", scores, "sigmoid_net", "products", **self._net())

    def _net(self) -> dict[str, Any]:
        """What a recording says of `_mlp`."""
        inner = self.inner
        return {"weight": inner.weight, "bias": inner.bias, "outer": self.outer.weight}

    def _mlp(self, x: Tensor) -> Tensor:
        return self.outer(torch.sigmoid(self.inner(x))).squeeze(-1)


def _at_once(history: Tensor, hidden: int) -> int:
    """Candidates weighed at once against histories [U, L, d], by a hidden layer of so many units."""
    return max(1, CELLS // (history.shape[:2].numel() * hidden))


def normalised(scores: Tensor, mask: Tensor, softmax: bool) -> Tensor:
    """Scores [U, C, L] as weights: zero at padding, and with `softmax` summing to one where there are films."""
    padding = ~mask.unsqueeze(1)
    if not softmax:
        return note("weights", scores.masked_fill(padding, 0.0), "sum", scores)
    weights = torch.softmax(scores.masked_fill(padding, float("-inf")), dim=-1)
    weights = weights.nan_to_num()  # an empty history has no weights
    return note("weights", weights, "softmax", scores)
