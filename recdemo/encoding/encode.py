"""From a visitor's session to the batch a model reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.core.batch import Batch
from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, JUST_WATCHED, LIKED, OCCUPATIONS
from recdemo.encoding.schema import Schema

TASTE_LENGTH = 5
_GENDER_IDS = {code: i for i, code in enumerate(GENDERS, start=1)}
_AGE_IDS = {code: i for i, code in enumerate(AGES, start=1)}
_OCCUPATION_IDS = {code: i for i, code in enumerate(OCCUPATIONS, start=1)}


def favourite_genre(history: Tensor, feedback: Tensor, genre_flags: Tensor) -> Tensor:
    """The genre most frequent among the films liked; on a tie, or where none is liked, those just watched
    are counted too. A film disliked says nothing for its genres.

    Args:
        history: [U, L] film indices.
        feedback: [U, L].
        genre_flags: [M + 1, G].

    Returns:
        [U] genre id 1 to G, the lower id on a tie; 0 where no film was liked or just watched.
    """
    # All films just watched weigh less than one liked; padding is film 0 and has no genre.
    weights = genre_flags.new_zeros(LIKED + 1)
    weights[JUST_WATCHED], weights[LIKED] = 1 / (2 * history.shape[1]), 1.0
    weight = weights.take(feedback)  # [U, L]
    counts = torch.nn.functional.embedding_bag(
        history, genre_flags, per_sample_weights=weight, mode="sum"
    )  # [U, G]
    top, genre = counts.max(-1)
    return torch.where(top > 0, genre + 1, 0)


def assemble(
    schema: Schema,
    *,
    user: Tensor,
    profile: Tensor,
    history: Tensor,
    feedback: Tensor,
    target_movie: Tensor,
) -> Batch:
    """Add the derived taste to raw ids. The only place where a `Batch` is made.

    Args:
        schema: the vocabularies the ids are from.
        user: [U].
        profile: [U, 3] gender, age and occupation ids.
        history: [U, L] oldest first, padded at the end.
        feedback: [U, L].
        target_movie: [U * C].
    """
    length = (history != 0).sum(1, keepdim=True)  # [U, 1]
    latest = length - 1 - torch.arange(TASTE_LENGTH, device=history.device)  # [U, 5]
    last_five = history.gather(1, latest.clamp(min=0)) * (latest >= 0)
    return Batch(
        user=user,
        gender=profile[:, 0],
        age=profile[:, 1],
        occupation=profile[:, 2],
        history=history,
        feedback=feedback,
        favourite_genre=favourite_genre(history, feedback, schema.genre_flags),
        last_five=last_five,
        target_movie=target_movie,
    )


def encode(schema: Schema, sessions: Sequence[Session], candidates: Tensor) -> Batch:
    """Sessions as a batch.

    Args:
        schema: vocabularies.
        sessions: U visitors. The latest `Schema.history_length` films of each are kept, and the batch is as long
            as the longest of these: no model works through padding that everybody has.
        candidates: [U, C] film indices to score, or [C] for the same films for everybody.

    Raises:
        RequestError: a film of a history is not in the catalogue.
    """
    size = len(sessions)
    watched = [session.latest(schema.history_length).history for session in sessions]
    length = max(1, *map(len, watched)) if watched else 1
    profile = torch.zeros(size, 3, dtype=torch.long)
    history = torch.zeros(size, length, dtype=torch.long)
    feedback = torch.zeros_like(history)
    for row, (session, films) in enumerate(zip(sessions, watched, strict=True)):
        if schema.profiles:
            gender = _GENDER_IDS[session.gender] if session.gender else 0
            age = 0 if session.age is None else _AGE_IDS[session.age]
            occupation = 0 if session.occupation is None else session.occupation + 1
            profile[row] = torch.tensor([gender, age, occupation])
        if films:
            history[row, : len(films)] = torch.tensor([schema.index_of(f.movie_id) for f in films])
            feedback[row, : len(films)] = torch.tensor([f.feedback for f in films])
    if candidates.dim() == 1:
        candidates = candidates.expand(size, -1)
    return assemble(
        schema,
        user=torch.zeros(size, dtype=torch.long),
        profile=profile,
        history=history,
        feedback=feedback,
        target_movie=candidates.reshape(-1),
    )


def profile_of(users: pd.DataFrame) -> Tensor:
    """[users, 3] gender, age and occupation ids of `Dataset.users`; 0 where unknown."""
    ids = {"gender": _GENDER_IDS, "age": _AGE_IDS, "occupation": _OCCUPATION_IDS}
    columns = [users[name].map(known).fillna(0).astype(np.int64) for name, known in ids.items()]
    return torch.as_tensor(np.stack(columns, axis=1))
