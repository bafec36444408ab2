"""Users known by id only, and how somebody new is folded in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.core.recording import note, unrecorded
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED, LIKED_FROM, PROFILE, Objective
from recdemo.encoding.schema import Schema

STEPS = 30
RATE = 0.3  # of Adam at the first step, in standard deviations, falling linearly to zero
FLAT = 0.01  # slopes well below this hardly move a vector
ROUNDING = 1e-5  # and smaller ones are no slopes: in `next` a user's bias has none
CHUNK = 64  # visitors fitted at once: what a fit holds in memory does not grow with an explanation
NEGATIVES = 256  # films, evenly spaced over the catalogue, that a film liked is told from
# Stars, half way between those that are liked and those that are not.
LIKED_ABOVE = LIKED_FROM - 0.5
NOISE = 0.85  # standard deviation of the stars that users gave from those predicted
# Users without any difference of group or direction, counted beside the real ones.
GROUP_PRIOR = 20.0

# Of films [U, N], or [N] for everybody, the scores [U, N] of user vectors [U, d]: what a film alone decides is
# computed once, however many user vectors are tried.
Scorer = Callable[[Tensor], Callable[[Tensor], Tensor]]


class UserTable(nn.Module):
    """The vector of each training user; for anybody else, one fitted to their history.

    Folding in finds the vector that is most likely given the films watched, everything but the vector frozen, under
    a normal distribution of vectors: around the mean of the visitor's demographic group, with the covariance S Sᵀ. With
    v = mean + S z this is the least loss plus `strength` / 2 times |z|², reached by a fixed number of Adam steps from
    z = 0: the answer is always the same, near the group's mean after a film or two, and the visitor's own after many.
    The covariance is that of the training users' vectors around the means of their groups; with `recency` it is the same
    in all directions, S = 1: what is picked next moves with a mood in which the users' whole histories hardly differ.

    The loss of a film is, for ``like``, the model's own. For ``next`` too, over a part of the catalogue that stands for
    the whole; a film just watched counts half a film liked, and each counts less the more were picked after it. For
    ``rating`` it is −log of the probability that the stars, normal around those predicted, lie above or below what
    counts as liked: a visitor says no more. ``like`` and ``rating`` learn nothing from a film just watched.

    What somebody picks next depends on what they watched last, which a learned vector does not know: with `recency`,
    training users too are folded in when a model for ``next`` is not in training.

    Args:
        schema: vocabularies.
        users: number of training users; their ids are 1 to `users`.
        dim: width d of a vector.
        objective: which loss the model was trained with.
        strength: of the pull towards the group's mean; at 1 the covariance is taken as it is.
        recency: for ``next``: after how many more films picked a film counts 1/e as much. None: all count alike, and
            training users are answered by their learned vectors, as in the documents.
        init: standard deviation of the initial values.

    Raises:
        ValueError: `recency` is not above 0.
    """

    mean: Tensor
    spread: Tensor
    negatives: Tensor

    def __init__(
        self,
        schema: Schema,
        *,
        users: int,
        dim: int,
        objective: Objective,
        strength: float,
        recency: float | None = None,
        init: float = 0.05,
    ) -> None:
        super().__init__()
        if recency is not None and not recency > 0:
            raise ValueError(f"recency {recency} is not above 0; None lets all films count alike")
        self.objective = objective
        self.strength = strength
        self.recency = recency if objective == "next" else None
        self.vectors = nn.Embedding(users + 1, dim, padding_idx=0)
        nn.init.normal_(self.vectors.weight[1:], std=init)
        self.sizes = (schema.genders, schema.ages, schema.occupations)
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("spread", torch.eye(dim))  # S
        for name, size in zip(PROFILE, self.sizes, strict=True):
            self.register_buffer(f"mean_{name}", torch.zeros(size + 1, dim))
        negatives = torch.linspace(1, schema.size, min(NEGATIVES, schema.size)).long()
        self.register_buffer("negatives", negatives, persistent=False)
        self.stand_for = math.log(schema.size / len(negatives))  # films of the catalogue

    @property
    def folds_everybody(self) -> bool:
        """Whether training users are answered from their histories, now."""
        return self.recency is not None and not self.training

    def forward(self, batch: Batch, scorer: Scorer) -> Tensor:
        """[U, d]: learned for training users, fitted through `scorer` for others."""
        return note("fitted_visitor", self._found(batch, scorer), "lookup")

    def _found(self, batch: Batch, scorer: Scorer) -> Tensor:
        """See `forward`."""
        if self.folds_everybody:
            return self._fit(batch, scorer)
        known = (batch.user > 0).unsqueeze(1)
        if known.all():
            return self.vectors(batch.user)
        fitted = self._fit(batch, scorer)
        return torch.where(known, self.vectors(batch.user), fitted) if known.any() else fitted

    def summarise(self, profile: Tensor) -> None:
        """Learn from the users' own vectors the mean of each demographic group, and how vectors lie around it.

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
        if self.recency is None:
            self.spread.copy_(_spread(y - self.mean - x @ found))

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *others: Any
    ) -> None:
        # Weights that were saved without a spread have the users' vectors to find it from.
        vectors = state_dict.get(f"{prefix}vectors.weight")
        if vectors is not None and f"{prefix}spread" not in state_dict:
            moods = self.recency is not None
            spread = self.spread.clone() if moods else _spread(vectors[1:].float())
            state_dict = {**state_dict, f"{prefix}spread": spread}
        super()._load_from_state_dict(state_dict, prefix, *others)

    def group_mean(self, batch: Batch) -> Tensor:
        """Mean vector of each visitor's demographic group, [U, d]; what is unknown is left out."""
        parts = [getattr(self, f"mean_{name}")[getattr(batch, name)] for name in PROFILE]
        return self.mean + parts[0] + parts[1] + parts[2]

    def _fit(self, batch: Batch, scorer: Scorer) -> Tensor:
        # Gradients are needed even where a page asks within torch.inference_mode.
        with torch.inference_mode(False), torch.enable_grad(), unrecorded():
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
        spread = self.spread.T.clone()  # one made within torch.inference_mode knows no gradients
        z, first, second = (torch.zeros_like(start) for _ in range(3))
        for step in range(1, STEPS + 1):
            z.requires_grad_()
            loss = loss_of(start + z @ spread) + 0.5 * self.strength * z.square().sum()
            (slope,) = torch.autograd.grad(loss, z)
            slope = torch.where(slope.abs() < ROUNDING, 0.0, slope)
            first = torch.lerp(slope, first, 0.9)
            second = torch.lerp(slope.square(), second, 0.99)
            size = (second / (1 - 0.99**step)).sqrt() + FLAT
            rate = RATE * (1 - (step - 1) / STEPS)
            z = (z - rate * first / (1 - 0.9**step) / size).detach()
        return torch.where((history != 0).any(1, keepdim=True), start + z @ spread, start)

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
            weight = (liked + 0.5 * (feedback == JUST_WATCHED)) * self._fading(
                liked | (feedback == JUST_WATCHED)
            )
            picked = torch.where(weight > 0, history, 0)  # what was picked is no negative
            same = (self.negatives.view(1, -1, 1) == picked.unsqueeze(1)).any(-1)  # [U, N]

            def loss(vector: Tensor) -> Tensor:
                watched, others = score(vector), score_others(vector)
                against = others.masked_fill(same, float("-inf")).logsumexp(1, keepdim=True)
                against = against + self.stand_for
                return ((torch.logaddexp(watched, against) - watched) * weight).sum()

        elif self.objective == "like":

            def loss(vector: Tensor) -> Tensor:
                return nn.functional.binary_cross_entropy_with_logits(
                    score(vector), liked.float(), weight=rated.float(), reduction="sum"
                )

        else:
            side = liked.float() * 2 - 1  # of what counts as liked

            def loss(vector: Tensor) -> Tensor:
                beyond = side * (score(vector) - LIKED_ABOVE) / NOISE
                return -(torch.special.log_ndtr(beyond) * rated).sum()

        return loss

    def _fading(self, picked: Tensor) -> Tensor | float:
        """[U, L] how much each film counts for the films picked after it; `picked` [U, L] says which are."""
        if self.recency is None:
            return 1.0
        later = picked.flip(1).cumsum(1).flip(1) - picked.long()
        return torch.exp(-later / self.recency)


def _spread(vectors: Tensor) -> Tensor:
    """S [d, d] with S Sᵀ the covariance of vectors [N, d], shrunk a little to the same in all directions.

    Its columns are the principal directions, each as long as the standard deviation along it.
    """
    count, dim = vectors.shape
    if not count:
        return torch.eye(dim)
    vectors = vectors - vectors.mean(0)
    total = vectors.T @ vectors
    alike = total.trace() / (count * dim) * torch.eye(dim)
    variance, direction = torch.linalg.eigh((total + GROUP_PRIOR * alike) / (count + GROUP_PRIOR))
    return direction * variance.clamp(min=0).sqrt()


def rows_of(table: Tensor, layer: Callable[[Tensor], Tensor], films: Tensor) -> Tensor:
    """`layer` of some rows of a table, [..., d], in the cheaper order: of the rows, or of the table first."""
    if films.numel() < len(table):
        return layer(note("film", nn.functional.embedding(films, table), "lookup"))
    return nn.functional.embedding(films, layer(table))
