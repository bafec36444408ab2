"""Users known by id only, and how somebody new is folded in."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from recdemo.contracts import (
    DISLIKED,
    JUST_WATCHED,
    LIKED,
    PROFILE,
    Batch,
    Objective,
)
from recdemo.features import Schema

STEPS = 30
RATE = 0.1  # of Adam at the first step, falling linearly to zero
FLAT = 0.01  # slopes well below this hardly move a vector
ROUNDING = 1e-5  # and smaller ones are no slopes: in `next` a user's bias has none
CHUNK = 64  # visitors fitted at once: what a fit holds in memory does not grow with an explanation
NEGATIVES = 256  # films, evenly spaced over the catalogue, that a film liked is told from
LIKED_STARS, DISLIKED_STARS = 4.39, 2.48  # mean ratings of MovieLens-1M from 4 stars up, and below
GROUP_PRIOR = 20.0  # users whose vectors count as zero in the mean of a demographic group

# Of films [U, N], or [N] for everybody, the scores [U, N] of user vectors [U, d]: what a film alone decides is
# computed once, however many user vectors are tried.
Scorer = Callable[[Tensor], Callable[[Tensor], Tensor]]


class UserTable(nn.Module):
    """The vector of each training user; for anybody else, one fitted to their history.

    Folding in minimises the model's own training loss over the films watched, plus `strength` / 2 times
    the squared distance from the mean vector of the visitor's demographic group, with everything but the
    vector frozen: a fixed number of Adam steps from that mean, so that the answer is always the same.
    Without a history the mean itself is the answer. In ``next`` a film just watched counts half a film
    liked; ``like`` and ``rating`` learn nothing from it.

    Args:
        schema: vocabularies.
        users: number of training users; their ids are 1 to `users`.
        dim: width d of a vector.
        objective: which loss the model was trained with.
        strength: of the pull towards the group's mean.
        init: standard deviation of the initial values.
    """

    mean: Tensor
    negatives: Tensor

    def __init__(
        self,
        schema: Schema,
        *,
        users: int,
        dim: int,
        objective: Objective,
        strength: float,
        init: float = 0.05,
    ) -> None:
        super().__init__()
        self.objective = objective
        self.strength = strength
        self.vectors = nn.Embedding(users + 1, dim, padding_idx=0)
        nn.init.normal_(self.vectors.weight[1:], std=init)
        self.sizes = (schema.genders, schema.ages, schema.occupations)
        self.register_buffer("mean", torch.zeros(dim))
        for name, size in zip(PROFILE, self.sizes, strict=True):
            self.register_buffer(f"mean_{name}", torch.zeros(size + 1, dim))
        negatives = torch.linspace(1, schema.size, min(NEGATIVES, schema.size)).long()
        self.register_buffer("negatives", negatives, persistent=False)

    def forward(self, batch: Batch, scorer: Scorer) -> Tensor:
        """[U, d]: learned for training users, fitted through `scorer` for others."""
        known = (batch.user > 0).unsqueeze(1)
        if known.all():
            return self.vectors(batch.user)
        fitted = self._fit(batch, scorer)
        return torch.where(known, self.vectors(batch.user), fitted) if known.any() else fitted

    def summarise(self, profile: Tensor) -> None:
        """Learn the mean vector of each demographic group from the users' own.

        A group's mean is a sum of one vector per gender, age and occupation, fitted by ridge regression:
        few users share all three.

        Args:
            profile: [users, 3] gender, age and occupation ids.
        """
        flags = [
            nn.functional.one_hot(column, size + 1)[:, 1:].float()
            for column, size in zip(profile.unbind(1), self.sizes, strict=True)
        ]
        x = torch.cat(flags, dim=1)  # [users, groups]
        y = self.vectors.weight[1:].detach()
        self.mean.copy_(y.mean(0))
        ridge = GROUP_PRIOR * torch.eye(x.shape[1])
        found = torch.linalg.solve(x.T @ x + ridge, x.T @ (y - self.mean))  # [groups, d]
        for name, part in zip(PROFILE, found.split(self.sizes), strict=True):
            getattr(self, f"mean_{name}")[1:] = part

    def group_mean(self, batch: Batch) -> Tensor:
        """Mean vector of each visitor's demographic group, [U, d]; what is unknown is left out."""
        parts = [getattr(self, f"mean_{name}")[getattr(batch, name)] for name in PROFILE]
        return self.mean + parts[0] + parts[1] + parts[2]

    def _fit(self, batch: Batch, scorer: Scorer) -> Tensor:
        # Gradients are needed even where a page asks within torch.inference_mode.
        with torch.inference_mode(False), torch.enable_grad():
            start = self.group_mean(batch).detach().clone()
            longest = int(batch.history_mask.sum(1).max())  # padding costs as much as films
            history = batch.history[:, :longest].clone()
            feedback = batch.feedback[:, :longest].clone()
            parts = zip(
                start.split(CHUNK), history.split(CHUNK), feedback.split(CHUNK), strict=True
            )
            return torch.cat([self._descend(scorer, *part) for part in parts])

    def _descend(self, scorer: Scorer, start: Tensor, history: Tensor, feedback: Tensor) -> Tensor:
        """Adam from the mean: [U, d], [U, L], [U, L] → [U, d]."""
        loss_of = self._loss(scorer, history, feedback)
        vector, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
        for step in range(1, STEPS + 1):
            vector.requires_grad_()
            away = 0.5 * self.strength * (vector - start).square().sum()
            loss = loss_of(vector) + away
            (slope,) = torch.autograd.grad(loss, vector)
            slope = torch.where(slope.abs() < ROUNDING, 0.0, slope)
            first = torch.lerp(slope, first, 0.9)
            second = torch.lerp(slope.square(), second, 0.99)
            size = (second / (1 - 0.99**step)).sqrt() + FLAT
            rate = RATE * (1 - (step - 1) / STEPS)
            vector = (vector - rate * first / (1 - 0.9**step) / size).detach()
        return torch.where((history != 0).any(1, keepdim=True), vector, start)

    def _loss(
        self, scorer: Scorer, history: Tensor, feedback: Tensor
    ) -> Callable[[Tensor], Tensor]:
        """The model's loss over the films of each history, summed, as a function of the user vectors."""
        with torch.no_grad():
            score = scorer(history)
        liked, rated = feedback == LIKED, (feedback == LIKED) | (feedback == DISLIKED)
        if self.objective == "next":
            with torch.no_grad():
                score_others = scorer(self.negatives)
            weight = liked + 0.5 * (feedback == JUST_WATCHED)
            picked = torch.where(weight > 0, history, 0)  # what was picked is no negative
            same = (self.negatives.view(1, -1, 1) == picked.unsqueeze(1)).any(-1)  # [U, N]

            def loss(vector: Tensor) -> Tensor:
                watched, others = score(vector), score_others(vector)
                against = others.masked_fill(same, float("-inf")).logsumexp(1, keepdim=True)
                return ((torch.logaddexp(watched, against) - watched) * weight).sum()

        elif self.objective == "like":

            def loss(vector: Tensor) -> Tensor:
                return nn.functional.binary_cross_entropy_with_logits(
                    score(vector), liked.float(), weight=rated.float(), reduction="sum"
                )

        else:
            stars = torch.where(liked, LIKED_STARS, DISLIKED_STARS)

            def loss(vector: Tensor) -> Tensor:
                return ((score(vector) - stars).square() * rated).sum()

        return loss


def rows_of(table: Tensor, layer: nn.Module, films: Tensor) -> Tensor:
    """`layer` of some rows of a table, [..., d], in the cheaper order: of the rows, or of the table first."""
    if films.numel() < len(table):
        return layer(nn.functional.embedding(films, table))
    return nn.functional.embedding(films, layer(table))
