"""All ratings as resident tensors, from which any training batch is a gather.

A history always ends before its target: this is a matter of positions, see `Ratings.batch`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recdemo.core.batch import Batch
from recdemo.core.vocabulary import JUST_WATCHED, LIKED, LIKED_FROM
from recdemo.data.dataset import Dataset
from recdemo.encoding.encode import assemble, profile_of
from recdemo.encoding.schema import Schema


def by_chance(share: float, shape: Sequence[int]) -> Tensor:
    """True at random for a share of all places, above 0 and rounded to 65,536ths.

    Sixteen random bits say as much here as a random float and cost a third.
    """
    size = math.prod(shape)
    drawn = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    most = max(0, round(2**16 * share) - 1) - 2**15
    return drawn.view(torch.int16)[:size].view(*shape) <= most


def _followed(column: Tensor, more: int) -> Tensor:
    """[N] → [N + more], zeros at the end."""
    return torch.nn.functional.pad(column, (0, more))


class Ratings:
    """All ratings of a data set as resident tensors, from which any batch is a gather.

    A row is one rating. Its history is a window over the rows just before it of the same user, so it
    cannot hold the target or anything later; of what was shown in an impression, over what the user clicked before all
    impressions.

    Args:
        dataset: users, films, ratings.
        schema: vocabularies; every film rated must be in them.
        every_film: any film rated counts as picked, not only those liked.
        earlier_users: how many users a model knows besides, with lower ids: those of earlier parts of the data.
        strangers: no model was trained on these users: their id is 0, as a visitor's.

    Raises:
        RequestError: a rated film is not in the schema's catalogue.
    """

    def __init__(
        self,
        dataset: Dataset,
        schema: Schema,
        *,
        every_film: bool = False,
        earlier_users: int = 0,
        strangers: bool = False,
    ) -> None:
        self.schema, self.earlier_users, self.strangers = schema, earlier_users, strangers
        ratings, users = dataset.ratings, dataset.users
        foreign = ~ratings["movie_id"].isin(schema.movie_ids)
        if foreign.any():
            schema.index_of(int(ratings["movie_id"][foreign].iloc[0]))
        # Narrow columns: a gather over many ratings waits for memory.
        lookup = np.zeros(int(schema.movie_ids.max()) + 1, dtype=np.int32)
        lookup[schema.movie_ids] = np.arange(1, schema.size + 1)
        user = np.searchsorted(users["user_id"].to_numpy(), ratings["user_id"].to_numpy())
        user = user.astype(np.int32)
        counts = np.bincount(user, minlength=len(users))
        start = np.concatenate([[0], np.cumsum(counts)[:-1]])

        # Histories are windows over these two, which go on for one window after the last rating.
        beyond = schema.history_length
        self._movie = _followed(torch.as_tensor(lookup[ratings["movie_id"].to_numpy()]), beyond)
        self.movie = self._movie[: len(ratings)]  # [N]
        self.stars = torch.as_tensor(ratings["rating"].to_numpy(dtype=np.float32))  # [N]
        self.liked = self.stars >= LIKED_FROM  # [N]
        # [N] what `next` asks for
        self.picked = torch.ones_like(self.liked) if every_film else self.liked
        self._feedback = _followed(self.liked.to(torch.uint8) + (LIKED - 1), beyond)
        self.feedback = self._feedback[: len(ratings)]  # [N]
        self.user = torch.as_tensor(user)  # [N] row of dataset.users
        self.start = torch.as_tensor(start)  # [users] first row of each user
        self.count = torch.as_tensor(counts)  # [users]
        self.profile = profile_of(users)  # [users, 3]
        # [N] where lists were shown; 0 for what was clicked before
        self.impression: Tensor | None = None
        self._until: Tensor | None = None  # [N] the row that each row's history ends before
        if "impression" in ratings:
            shown = np.array(ratings["impression"], dtype=np.int64)
            before = start + np.bincount(user, weights=shown == 0, minlength=len(users))
            until = np.where(shown > 0, before[user], np.arange(len(user)))
            self.impression = torch.as_tensor(shown)
            self._until = torch.as_tensor(until.astype(np.int64))

    def __len__(self) -> int:
        return len(self.movie)

    def batch(
        self,
        rows: Tensor,
        candidates: Tensor | None = None,
        *,
        mask_profile: float = 0.0,
        truncate_history: float = 0.0,
        histories: bool = True,
    ) -> Batch:
        """The batch that asks about some ratings.

        Args:
            rows: [U] rating rows; user, profile and history of each are taken just before it.
            candidates: [U, C] films to score; None for the film rated (C = 1).
            mask_profile: training only. The share of profile values, of feedbacks and of whole histories'
                feedbacks set to unknown, so that a model learns what "unknown" and "just watched"
                mean; MovieLens itself has neither.
            truncate_history: training only. The share of histories cut to their latest n films, n + 1 drawn evenly on a
                logarithmic scale: MovieLens users have rated many, a visitor of the demo begins with none, then one, two, …
            histories: False leaves them empty, for a model that reads none (`recdemo.core.protocols.needs_histories`): the
                costliest part of a batch. Strangers always have theirs.
        """
        histories = histories or self.strangers
        length = self.schema.history_length if histories else 1  # one place, of padding
        user = self.user[rows].long()
        until = rows if self._until is None else self._until[rows]  # [U]
        reach = torch.full_like(rows, length if histories else 0)
        if histories and truncate_history:
            cut = torch.rand(len(rows)) < truncate_history
            few = (torch.rand(len(rows)) * math.log(length + 2)).exp().long() - 1
            reach = torch.where(cut, few.clamp(max=length), reach)
        first = torch.maximum(self.start[user], until - reach)  # [U]
        before = torch.arange(length) < (until - first).unsqueeze(1)  # [U, L]
        history, feedback = (
            column.unfold(0, length, 1).index_select(0, first) * before
            for column in (self._movie, self._feedback)
        )
        profile = self.profile[user]
        if mask_profile:
            profile = profile * (torch.rand(profile.shape) >= mask_profile)
            unrated = by_chance(mask_profile, feedback.shape) | by_chance(
                mask_profile, (len(rows), 1)
            )
            feedback.masked_fill_(unrated & before, JUST_WATCHED)
        targets = self.movie[rows].long() if candidates is None else candidates.reshape(-1)
        return assemble(
            self.schema,
            user=torch.zeros_like(user) if self.strangers else user + (self.earlier_users + 1),
            profile=profile,
            history=history.long(),
            feedback=feedback.long(),
            target_movie=targets,
        )
