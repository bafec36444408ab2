"""Dense layers and the activation Dice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import spread
from recdemo.contracts import Batch

CELLS = 500_000  # of a hidden layer made at once when answering: keeps it in the processor's cache


class Dice(nn.Module):
    """Dice(x) = p(x) · x + (1 − p(x)) · a · x, with p = σ(BatchNorm(x)) and a learned per channel.

    Zhou et al., "Deep Interest Network", KDD 2018, section 5.3. BatchNorm has no affine part and keeps
    running statistics, so that an answer does not depend on who else is in the batch.

    Args:
        channels: size of the last dimension.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels, eps=1e-8, affine=False)
        self.alpha = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, counts: Tensor | None = None) -> Tensor:
        """[..., channels] → same shape.

        Args:
            x: any rows.
            counts: [...] False for rows that are padding and must not count in what training learns; None where
                all count.
        """
        rows = x.reshape(-1, x.shape[-1])
        if counts is None or not self.training:
            normed = nn.functional.batch_norm(
                rows,
                self.norm.running_mean,
                self.norm.running_var,
                training=self.training and len(rows) > 1,  # one row has no variance to learn from
                momentum=self.norm.momentum or 0.1,
                eps=self.norm.eps,
            )
        else:
            normed = self._normed(rows, counts.flatten().to(rows.dtype))
        p = torch.sigmoid(normed).view_as(x)
        return x * torch.lerp(self.alpha, torch.ones_like(self.alpha), p)

    def _normed(self, rows: Tensor, counts: Tensor) -> Tensor:
        """What `torch.nn.functional.batch_norm` makes of the rows that count, learning from these alone."""
        mean = cast(Tensor, self.norm.running_mean)
        variance = cast(Tensor, self.norm.running_var)
        size = counts.sum()
        if size <= 1:
            return (rows - mean) * torch.rsqrt(variance + self.norm.eps)
        found = counts @ rows / size
        centred = rows - found
        spread = counts @ centred.square() / size
        with torch.no_grad():
            mean.lerp_(found, self.norm.momentum or 0.1)
            variance.lerp_(spread * size / (size - 1), self.norm.momentum or 0.1)
        return centred * torch.rsqrt(spread + self.norm.eps)


class SharedDropout(nn.Module):
    """Dropout that drops the same units for all candidates of a user.

    Candidates of one user are compared with each other, and random numbers for each of them would be the
    costliest part of a step. A random byte per unit is enough, which is why the share is rounded to 256ths.

    Args:
        share: of units dropped in training.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.kept = round(256 * (1 - share))  # of 256 bytes

    def forward(self, x: Tensor) -> Tensor:
        """[U, C, h] or [N, h] → same shape."""
        if not self.training or self.kept == 256:
            return x
        shape = (x.shape[0], *(1 for _ in x.shape[1:-1]), x.shape[-1])
        eights = torch.empty(-(-math.prod(shape) // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = eights.view(torch.uint8)[: math.prod(shape)].view(shape) < self.kept
        return x * (kept * (256 / max(1, self.kept)))


class MLP(nn.Module):
    """Linear, activation, dropout, for each hidden width; then one linear layer to `out_dim` if given.

    Args:
        in_dim: width of the input.
        hidden: widths of the hidden layers.
        out_dim: width of a last plain linear layer.
        activation: makes the activation from a layer's width.
        dropout: share of hidden units dropped in training.
    """

    def __init__(
        self,
        in_dim: int,
        hidden: Sequence[int],
        out_dim: int = 1,
        *,
        activation: Callable[[int], nn.Module] = lambda _: nn.ReLU(),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(in_dim, width), activation(width), SharedDropout(dropout)]
            in_dim = width
        layers.append(nn.Linear(in_dim, out_dim))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in_dim] → [..., out_dim]."""
        return self.layers(x)


class TwoSidedMLP(nn.Module):
    """An MLP over [user, film], its first layer split: W [u, q] + b = W_u u + (W_q q + b).

    The user's half is computed once per user and the film's half once per film of the catalogue, which is
    where nearly all of the work of a wide first layer goes.

    Args:
        user_dim: width of u.
        film_dim: width of q.
        hidden: widths of the hidden layers, at least one.
        dropout: share of hidden units dropped in training.
    """

    def __init__(
        self, user_dim: int, film_dim: int, hidden: Sequence[int], *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        first, *rest = hidden
        self.user = nn.Linear(user_dim, first, bias=False)
        self.film = nn.Linear(film_dim, first)
        self.rest = nn.Sequential(
            nn.ReLU(), SharedDropout(dropout), MLP(first, rest, dropout=dropout)
        )

    def forward(self, user: Tensor, films: Tensor, batch: Batch) -> Tensor:
        """Logits [U, C].

        Args:
            user: [U, user_dim].
            films: [N, film_dim], of the films of `films_of`.
            batch: says which films are candidates of whom.
        """
        return self.join(self.user(user), spread(self.film(films), batch))

    def join(self, user: Tensor, film: Tensor) -> Tensor:
        """What follows the first layer: its halves [U, first] and [U, C, first], or [C, first], → [U, C]."""
        parts = [film] if self.training else film.split(max(1, CELLS // user.numel()), dim=-2)
        return torch.cat([self.rest(user.unsqueeze(1) + part).squeeze(-1) for part in parts], 1)

    @property
    def last(self) -> nn.Linear:
        """The layer that makes the logit."""
        return cast(nn.Linear, cast(MLP, self.rest[-1]).layers[-1])
