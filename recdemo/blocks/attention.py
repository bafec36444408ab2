"""Attention over a history, with the target film as the query."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import Dice

CHUNK = 128  # candidates weighed at once: keeps the hidden layer in the processor's cache


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
        parts = [self._scores(history, mask, part) for part in query.split(CHUNK, dim=1)]
        scores = torch.cat(parts, dim=1)  # [U, C, L]
        padding = ~mask.unsqueeze(1)
        if not self.softmax:
            return scores.masked_fill(padding, 0.0)
        weights = torch.softmax(scores.masked_fill(padding, float("-inf")), dim=-1)
        return weights.nan_to_num()  # an empty history has no weights

    def _scores(self, history: Tensor, mask: Tensor, query: Tensor) -> Tensor:
        hidden = self._inner(history, query)  # [U, C, L, h]
        if not self.training:
            return self.outer(self.dice(hidden)).squeeze(-1)
        # Padding must not count in the batch statistics that Dice learns from.
        real = mask.unsqueeze(1).expand(hidden.shape[:3])  # [U, C, L]
        packed = self.outer(self.dice(hidden[real])).squeeze(-1)
        return hidden.new_zeros(real.shape).masked_scatter(real, packed)

    def _inner(self, history: Tensor, query: Tensor) -> Tensor:
        """W [x, q, x − q, x ⊙ q] + b for every pair: [U, C, L, h]."""
        w_x, w_q, w_minus, w_times = self.inner.weight.chunk(4, dim=1)  # [h, d] each
        from_x = history @ (w_x + w_minus).T + self.inner.bias  # [U, L, h]
        if query.shape[1] <= 2 * len(w_x):
            both = (history.unsqueeze(1) * query.unsqueeze(2)) @ w_times.T  # [U, C, L, h]
            return both + from_x.unsqueeze(1) + (query @ (w_q - w_minus).T).unsqueeze(2)
        # Many candidates share a history: (W ⊙ x + W_q) q is the same sum, in one product.
        keys = (history.unsqueeze(2) * w_times + (w_q - w_minus)).flatten(1, 2)  # [U, L * h, d]
        hidden = torch.baddbmm(from_x.flatten(1).unsqueeze(1), query, keys.transpose(1, 2))
        return hidden.unflatten(2, from_x.shape[1:])
