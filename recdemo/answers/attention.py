"""The inside that few models have: heads, layers, an interest that evolves, crosses layer by layer, two streams.

`recdemo.answers.explain` has the one weight per watched film that all attending models share. What is here is theirs
alone, and is computed by the same methods as the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from recdemo.answers.explain import FIELD_NAMES, titles_of, unwatched
from recdemo.answers.score import Scorer
from recdemo.core.batch import Batch
from recdemo.core.protocols import (
    ShowsCrosses,
    ShowsEvolution,
    ShowsHeads,
    ShowsHistory,
    ShowsLayers,
    ShowsStreams,
)
from recdemo.core.session import Session
from recdemo.encoding.encode import encode


def head_weights(recommender: Scorer, session: Session, movie_id: int) -> pd.DataFrame:
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


def layer_weights(recommender: Scorer, session: Session) -> tuple[list[int], np.ndarray]:
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


def evolution(recommender: Scorer, session: Session, movie_ids: Sequence[int]) -> pd.DataFrame:
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


@dataclass(frozen=True, slots=True)
class Crosses:
    """A logit as a sum over layers of crosses.

    Args:
        fields: names, F.
        parts: what adds up to the logit, columns ``part`` and ``value``: the bias, all fields by themselves, each layer, the
            neural network.
        layers: what each layer adds, [layers, F, F]: the field that multiplies × the field that is read, as it has become
            by the layers before. Each layer's sum is its part.
        held: [F] whether a field holds anything; one that does not adds nothing.
    """

    fields: tuple[str, ...]
    parts: pd.DataFrame
    layers: np.ndarray
    held: np.ndarray


def crosses(recommender: Scorer, session: Session, movie_id: int) -> Crosses:
    """What each layer of crosses, and in it each pair of fields, adds to the logit of a film.

    Args:
        recommender: a model with `ShowsCrosses`.
        session: who asks.
        movie_id: the film; if it is in the history, as if it were not.
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsCrosses):
        raise TypeError(f"{recommender.checkpoint.card.model} has no layers of crosses to show")
    batch, _ = _asked(recommender, session, movie_id)
    with torch.inference_mode():
        terms = model.cross_terms(batch)
    layers = terms.pairs[0].numpy()
    parts = {
        "Bias": float(terms.bias),
        "Fields by themselves": float(terms.linear[0].sum()),
        **{f"Layer {number}": float(layer.sum()) for number, layer in enumerate(layers, start=1)},
        "Neural network": float(terms.deep[0]),
    }
    return Crosses(
        fields=terms.fields,
        parts=pd.DataFrame({"part": list(parts), "value": list(parts.values())}),
        layers=layers,
        held=(layers != 0).any(axis=(0, 1)),
    )


@dataclass(frozen=True, slots=True)
class Streams:
    """A logit as a sum over two streams and the heads of their product.

    Args:
        parts: what adds up to the logit, columns ``part`` and ``value``: the bias, both streams, each head.
        gates: how much of each field a stream reads, 0 to 2: columns ``field``, ``visitor`` (the stream whose gates
            the visitor sets) and ``film``.
    """

    parts: pd.DataFrame
    gates: pd.DataFrame


def streams(recommender: Scorer, session: Session, movie_id: int) -> Streams:
    """What each of two streams, and each head of their product, adds to the logit of a film; and their gates.

    Args:
        recommender: a model with `ShowsStreams`.
        session: who asks.
        movie_id: the film; if it is in the history, as if it were not.
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsStreams):
        raise TypeError(f"{recommender.checkpoint.card.model} has no streams to show")
    batch, _ = _asked(recommender, session, movie_id)
    with torch.inference_mode():
        terms = model.stream_terms(batch)
    heads = enumerate(terms.heads[0].tolist(), start=1)
    parts = {
        "Bias": float(terms.bias),
        "Stream gated by the visitor": float(terms.streams[0, 0]),
        "Stream gated by the film": float(terms.streams[0, 1]),
        **{f"Both multiplied, head {number}": value for number, value in heads},
    }
    by_visitor, by_film = terms.gates[0].numpy()
    return Streams(
        parts=pd.DataFrame({"part": list(parts), "value": list(parts.values())}),
        gates=pd.DataFrame(
            {
                "field": [FIELD_NAMES[name] for name in terms.fields],
                "visitor": by_visitor,
                "film": by_film,
            }
        ),
    )


def _asked(recommender: Scorer, session: Session, movie_id: int) -> tuple[Batch, list[int]]:
    """The session without the film, encoded with the film as its only candidate; and the films read."""
    schema = recommender.checkpoint.schema
    session = unwatched(session, movie_id)
    batch = encode(schema, [session], torch.tensor([schema.index_of(movie_id)]))
    return batch, session.movie_ids[-schema.history_length :]
