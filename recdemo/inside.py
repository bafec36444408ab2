"""The inside of models that attend in more than one way: heads, layers, and an interest that evolves.

`recdemo.explain` has the one weight per watched film that all attending models share. What is here is theirs
alone, and is computed by the same methods as the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from recdemo.contracts import Batch, Session, ShowsEvolution, ShowsHeads, ShowsHistory, ShowsLayers
from recdemo.explain import titles_of, unwatched
from recdemo.features import encode
from recdemo.recommend import Recommender


def head_weights(recommender: Recommender, session: Session, movie_id: int) -> pd.DataFrame:
    """Where a film looks, head by head.

    Args:
        recommender: a model with `ShowsHeads`.
        session: who asks.
        movie_id: the film; if it is in the history, as if it were not.

    Returns:
        One row per film read, oldest first, and a last one for the film itself: ``movie_id``, ``title``, and
        a column for each head, from 1, which sums to one.
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsHeads):
        raise TypeError(f"{recommender.checkpoint.card.model} has no heads to show")
    batch, films = _asked(recommender, session, movie_id)
    with torch.inference_mode():
        weights = model.head_weights(batch)[0, :, 0].numpy()  # [H, L + 1]
    looked_at = [*films, movie_id]
    heads = np.concatenate([weights[:, : len(films)], weights[:, -1:]], axis=1)
    table = pd.DataFrame({"movie_id": looked_at, "title": titles_of(recommender, looked_at)})
    return table.join(pd.DataFrame(heads.T, columns=range(1, len(heads) + 1)))


def layer_weights(recommender: Recommender, session: Session) -> tuple[list[int], np.ndarray]:
    """Where each film watched looks.

    Args:
        recommender: a model with `ShowsLayers`.
        session: who asks.

    Returns:
        Ids of the n films read, oldest first; and weights [layers, H, n, n], film that looks × film looked
        at; where attention is a softmax, each row sums to one.
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsLayers):
        raise TypeError(f"{recommender.checkpoint.card.model} has no layers to show")
    schema = recommender.checkpoint.schema
    films = session.movie_ids[-schema.history_length :]
    with torch.inference_mode():
        weights = model.encoder_weights(encode(schema, [session], torch.tensor([1])))[0]
    return films, weights[:, :, : len(films), : len(films)].numpy()


def evolution(recommender: Recommender, session: Session, movie_ids: Sequence[int]) -> pd.DataFrame:
    """How the interest evolves from film to film, towards each of several targets.

    Args:
        recommender: a model with `ShowsEvolution`.
        session: who asks.
        movie_ids: targets; one that is in the history is asked about as if it were not.

    Returns:
        One row per target and film read, oldest first: ``target`` and ``movie_id`` (ids), ``step`` (the film's place in
        the visitor's history, from 1, the same for every target),
        ``title``, ``attention``, ``gate`` (how far the film moves the interest, 0 to 1) and ``logit`` (if the
        interest had stopped evolving there, with the weights of the whole history; the last is the model's logit).
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsEvolution) or not isinstance(model, ShowsHistory):
        raise TypeError(f"{recommender.checkpoint.card.model} has no evolving interest to show")
    tables = []
    step = {movie: place for place, movie in enumerate(session.movie_ids, start=1)}
    for target in movie_ids:
        batch, films = _asked(recommender, session, target)
        with torch.inference_mode():
            found = {
                "attention": model.history_weights(batch),
                "gate": model.update_gates(batch),
                "logit": model.logits_over_time(batch),
            }
        table = pd.DataFrame(
            {
                "target": target,
                "step": [step[movie] for movie in films],
                "movie_id": films,
                "title": titles_of(recommender, films),
            }
        )
        values = {name: value[0, 0, : len(films)].numpy() for name, value in found.items()}
        tables.append(table.assign(**values))
    return pd.concat(tables, ignore_index=True)


def _asked(recommender: Recommender, session: Session, movie_id: int) -> tuple[Batch, list[int]]:
    """The session without the film, encoded with the film as its only candidate; and the films read."""
    schema = recommender.checkpoint.schema
    session = unwatched(session, movie_id)
    batch = encode(schema, [session], torch.tensor([schema.index_of(movie_id)]))
    return batch, session.movie_ids[-schema.history_length :]
