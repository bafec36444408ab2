"""Dense layers and the activation Dice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import spread
from recdemo.core.batch import Batch
from recdemo.core.recording import folded, note, opened
from recdemo.core.steps import Operation

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

    def forward(self, x: Tensor) -> Tensor:
        """[..., channels] → same shape."""
        one_row = x.numel() == x.shape[-1]  # which has no variance to learn from
        blended = self._blended(x, learn=self.training and not one_row)
        return note("dice", blended, "dice", x, by=self, eps=self.norm.eps)

    def scores(self, x: Tensor, counts: Tensor, outer: nn.Linear) -> Tensor:
        """``outer(self(x))`` for an `outer` of one unit, learning from some rows only.

        In training it is a single operation, which goes over the rows half as often: there they are the films of all
        histories, and most of a step.

        Args:
            x: [..., channels].
            counts: [...] False for rows that are padding; they must get no gradient.
            outer: from channels to 1.

        Returns:
            [..., 1]
        """
        size = counts.sum()
        if not self.training or size <= 1:
            blended = self._blended(x, learn=False)
            note("dice", blended, "dice", x, by=self, eps=self.norm.eps)
            return cast(Tensor, note("scores", outer(blended), "layer", blended, by=outer))
        scores, mean, variance = _DiceScores.apply(
            x.reshape(-1, x.shape[-1]),
            counts.flatten().to(x.dtype),
            self.alpha,
            outer.weight[0],
            self.norm.eps,
        )
        with torch.no_grad():
            found = {"running_mean": mean, "running_var": variance * size / (size - 1)}
            for name, value in found.items():
                getattr(self.norm, name).lerp_(value, self.norm.momentum or 0.1)
        return (scores + outer.bias).view(*x.shape[:-1], 1)

    def _blended(self, x: Tensor, *, learn: bool) -> Tensor:
        normed = nn.functional.batch_norm(
            x.reshape(-1, x.shape[-1]),
            self.norm.running_mean,
            self.norm.running_var,
            training=learn,
            momentum=self.norm.momentum or 0.1,
            eps=self.norm.eps,
        )
        p = torch.sigmoid(normed).view_as(x)
        return x * torch.lerp(self.alpha, torch.ones_like(self.alpha), p)


class _DiceScores(torch.autograd.Function):
    """Σ_c w_c Dice(x)_c of each row, with the gradient of all of it worked out by hand.

    With z = (x − mean) s, s = 1 / sqrt(variance + eps) and p = σ(z), a row's score is x · (w a) + (x p) · (w (1 − a)).
    It goes through the rows in pieces that fit into the processor's cache, so that beside x, which is kept for the
    gradient, nothing of its size is held.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, counts: Tensor, alpha: Tensor, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Scores [R], and mean and variance [c] of the rows that count, from x [R, c] and counts [R]."""
        size = counts.sum()
        pieces = _pieces(x)
        mean = counts @ x / size
        sums, squares = torch.zeros_like(mean), torch.zeros_like(mean)
        for part, count in zip(x.split(pieces), counts.split(pieces), strict=True):
            around = part - mean  # the difference of two large sums would be no variance
            sums += count @ around
            squares += count @ around.square_()
        missed = sums / size
        mean, variance = mean + missed, squares / size - missed.square()
        scale = torch.rsqrt(variance + eps)
        straight, gated = weight * alpha, weight * (1 - alpha)
        scores = torch.cat(
            [
                part @ straight + _share(part, mean, scale).mul_(part) @ gated
                for part in x.split(pieces)
            ]
        )
        ctx.save_for_backward(x, counts, alpha, weight, mean, scale)
        ctx.mark_non_differentiable(mean, variance)
        return scores, mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, counts, alpha, weight, mean, scale = ctx.saved_tensors
        given = gradients[0]  # [R]
        straight, gated = weight * alpha, weight * (1 - alpha)  # [c]
        pieces = _pieces(x)
        size, of_straight = counts.sum(), given @ x
        of_gated, slope, along = (torch.zeros_like(mean) for _ in range(3))
        of_x = torch.empty_like(x)  # holds p until its own turn comes
        # Sums over rows of the gradient of z, and of that times z: how mean and variance bend every row.
        for part, p, give in zip(*(t.split(pieces) for t in (x, of_x, given)), strict=True):
            _share(part, mean, scale, out=p)
            bend = torch.ops.aten.sigmoid_backward(part, p)  # x p (1 − p), [R, c]
            slope += give @ bend
            along += give @ bend.mul_(part)
            of_gated += give @ torch.mul(part, p, out=bend)
        along -= mean * slope
        per_x = gated * scale.pow(3) * along / size
        constant = gated * scale * slope / size - mean * per_x
        for part, p, give, count in zip(
            *(t.split(pieces) for t in (x, of_x, given, counts)), strict=True
        ):
            bend = torch.ops.aten.sigmoid_backward(part, p)
            torch.addcmul(straight, p, gated, out=p).addcmul_(bend, gated * scale)
            p.mul_(give.unsqueeze(1))
            p.addcmul_(torch.addcmul(constant, part, per_x), count.unsqueeze(1), value=-1)
        of_alpha = weight * (of_straight - of_gated)
        of_weight = alpha * of_straight + (1 - alpha) * of_gated
        return of_x, None, of_alpha, of_weight, None


def _pieces(x: Tensor) -> int:
    """Rows of x [R, c] that fit into the processor's cache with what is made of them."""
    return max(1, 2**17 // x.shape[1])


def _share(x: Tensor, mean: Tensor, scale: Tensor, out: Tensor | None = None) -> Tensor:
    """p = σ((x − mean) s), [R, c]"""
    return torch.addcmul(-mean * scale, x, scale, out=out).sigmoid_()


class SharedDropout(nn.Module):
    """Dropout that drops the same units at all middle places of a row: for all candidates of a user, all films of a
    history.

    Candidates of one user are compared with each other, and random numbers for each of them would be the
    costliest part of a step. A random byte per unit is enough, which is why the share is rounded to 256ths.

    Args:
        share: of units dropped in training.

    Raises:
        ValueError: `share` is not from 0 to 1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share <= 1:
            raise ValueError(f"dropout {share} is not from 0 to 1")
        self.kept = round(256 * (1 - share))  # of 256 bytes

    def forward(self, x: Tensor) -> Tensor:
        """[N, ..., h] → same shape."""
        if not self.training or self.kept == 256:
            return x
        shape = (x.shape[0], *(1 for _ in x.shape[1:-1]), x.shape[-1])
        eights = torch.empty(-(-math.prod(shape) // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = eights.view(torch.uint8)[: math.prod(shape)].view(shape) < self.kept
        return x * (kept * (256 / max(1, self.kept)))


class PlaceDropout(nn.Module):
    """Dropout that draws for every place, by bytes as `SharedDropout` does: torch's own takes several times as long.

    Args:
        share: of units dropped in training.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.of_rows = SharedDropout(share)

    def forward(self, x: Tensor) -> Tensor:
        """[..., k] → same shape."""
        return self.of_rows(x.flatten(0, -2)).view_as(x)


NOTED: dict[type[nn.Module], Operation] = {
    nn.Linear: "layer",
    nn.BatchNorm1d: "batch_norm",
    nn.ReLU: "relu",
    nn.LeakyReLU: "leaky_relu",
    nn.Tanh: "tanh",
}


def through(layers: Iterable[nn.Module], x: Tensor) -> Tensor:
    """One layer after the other; each is a step of its own."""
    for layer in layers:
        made = layer(x)
        kind = NOTED.get(type(layer))
        x = note(kind, made, kind, x, by=layer) if kind else made
    return x


class MLP(nn.Module):
    """Linear, activation, dropout, for each hidden width; then one linear layer to `out_dim`.

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
        return through(self.layers, x)


def pieces(film: Tensor, made: int, training: bool) -> Sequence[Tensor]:
    """The candidates [..., C, d] in pieces, so that the numbers `made` of each of them remain in the processor's cache; in
    training, where they are kept for the gradient, all at once."""
    return [film] if training else film.split(max(1, CELLS // made), dim=-2)


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
        with folded("deep"):
            logits = self._join(self.of_user(user), spread(self.of_film(films), batch))
        return note("deep", logits, "network", user, films)

    def of_user(self, user: Tensor) -> Tensor:
        """The user's half of the first layer: [..., user_dim] → [..., first]."""
        return note("visitor_half", self.user(user), "layer", user, by=self.user)

    def of_film(self, film: Tensor) -> Tensor:
        """The film's half: [..., film_dim] → [..., first]."""
        return note("film_half", self.film(film), "layer", film, by=self.film)

    def join(self, user: Tensor, film: Tensor) -> Tensor:
        """What follows the first layer: its halves [U, first] and [U, C, first], or [C, first], → [U, C]."""
        return opened("deep", self._join, user, film)

    def _join(self, user: Tensor, film: Tensor) -> Tensor:
        parts = pieces(film, user.numel(), self.training)
        return torch.cat([self._after(user, part) for part in parts], 1)

    def _after(self, user: Tensor, film: Tensor) -> Tensor:
        """[U, C]"""
        both = note("layer", user.unsqueeze(1) + film, "sum", user, film)
        return through(self.rest, both).squeeze(-1)

    @property
    def last(self) -> nn.Linear:
        """The layer that makes the logit."""
        return cast(nn.Linear, cast(MLP, self.rest[-1]).layers[-1])
