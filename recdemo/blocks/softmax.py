"""The loss of telling one film from all others: cross-entropy of a softmax over the whole catalogue.

Jean et al., "On Using Very Large Target Vocabulary", 2015, say why one samples instead; with some thousand films there is no
need to. Loss and gradients are worked out together, some rows at a time that fit into the processor's cache, so that
the matrix of all logits is never held.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CELLS = 2**18  # logits made at once


def catalogue_loss(visitors: Tensor, films: Tensor, picked: Tensor) -> Tensor:
    """Mean of −log softmax(visitor · films)[picked].

    Args:
        visitors: [N, d].
        films: [M + 1, d], of which row 0 is no film.
        picked: [N] film indices, 1 to M.

    Returns:
        [], zero where there are no rows.
    """
    found: Tensor = _CatalogueLoss.apply(visitors, films, picked)
    return found


class _CatalogueLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, visitors: Tensor, films: Tensor, picked: Tensor) -> Tensor:
        count = max(1, len(visitors))
        of_visitors, of_films = torch.empty_like(visitors), torch.zeros_like(films)
        real, of_real = films[1:], of_films[1:]
        total = visitors.new_zeros((), dtype=torch.float64)
        at_once = max(1, CELLS // len(real))
        pieces = (visitors, of_visitors, picked - 1)
        for given, slope, target in zip(*(piece.split(at_once) for piece in pieces), strict=True):
            logits = given @ real.T  # [n, M]
            place = target.unsqueeze(1)
            right = logits.gather(1, place).squeeze(1)
            most = logits.amax(1, keepdim=True)
            share = logits.sub_(most).exp_()
            sums = share.sum(1, keepdim=True)
            total += (sums.log() + most).squeeze(1).sub_(right).sum()
            share.mul_(1 / (count * sums))
            share.scatter_add_(1, place, share.new_full(place.shape, -1 / count))
            torch.mm(share, real, out=slope)
            of_real.addmm_(share.T, given)
        ctx.save_for_backward(of_visitors, of_films)
        return (total / count).to(visitors.dtype)

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor, None]:
        of_visitors, of_films = ctx.saved_tensors
        return of_visitors * given[0], of_films * given[0], None
