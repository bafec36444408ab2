"""The inside that few models have: heads, layers, an interest that evolves, crosses layer by layer, two streams.

`recdemo.answers.explain` has the one weight per watched film that all attending models share. What is here is theirs
alone, and is computed by the same methods as the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from recdemo.answers.explain import NONE_YET, UNKNOWN, titles_of, unwatched
from recdemo.answers.explanation import FIELD_NAMES
from recdemo.answers.removal import rank_correlation
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
from recdemo.core.wording import FILM, Words
from recdemo.encoding.encode import encode


def head_weights(recommender: Scorer, session: Session, movie_id: int) -> pd.DataFrame:
    """Where a film looks, head by head, in a model with `ShowsHeads`; one of the history, as if it were not there.

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
    """Where each film watched looks, in a model with `ShowsLayers`.

    Returns:
        Ids of the n films read, oldest first; and weights [layers, H, n, n], film that looks × film looked
        at; where attention is a softmax, each row sums to one.
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsLayers):
        raise TypeError(f"{recommender.checkpoint.card.model} has no layers to show")
    schema = recommender.checkpoint.schema
    films = session.latest(schema.history_length).movie_ids
    with torch.inference_mode():
        weights = model.encoder_weights(encode(schema, [session], torch.tensor([1])))[0]
    return films, weights[:, :, : len(films), : len(films)].numpy()


def rollout(weights: np.ndarray) -> np.ndarray | None:
    """How much of each film is in the last layer's answer at each place: the layers' mean attention multiplied through, with
    half of each place's own vector passed by every layer.

    Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020.

    Args:
        weights: [layers, H, n, n] attention, a row is who looks.

    Returns:
        [n, n], rows add up to one; None for a single layer, or for attention that is no share.
    """
    if len(weights) < 2 or not np.allclose(weights.sum(-1), 1, atol=1e-3):
        return None
    found = np.eye(weights.shape[-1])
    for layer in weights.mean(1):
        found = (layer + np.eye(len(layer))) / 2 @ found
    return found


def evolution(recommender: Scorer, session: Session, movie_ids: Sequence[int]) -> pd.DataFrame:
    """How the interest evolves from film to film, towards each of several targets, in a model with `ShowsEvolution`.

    A target of the history is asked about as if it were not there.

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
        fields=terms.fields, parts=_frame(parts), layers=layers, held=(layers != 0).any(axis=(0, 1))
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
        recommender.words("Stream gated by the film"): float(terms.streams[0, 1]),
        **{f"Both multiplied, head {number}": value for number, value in heads},
    }
    by_visitor, by_film = terms.gates[0].numpy()
    return Streams(
        parts=_frame(parts),
        gates=pd.DataFrame(
            {
                "field": [recommender.words(FIELD_NAMES[name]) for name in terms.fields],
                "visitor": by_visitor,
                "film": by_film,
            }
        ),
    )


def _frame(parts: Mapping[str, float]) -> pd.DataFrame:
    """What adds up to a logit, as columns ``part`` and ``value``."""
    return pd.DataFrame({"part": list(parts), "value": list(parts.values())})


def _asked(recommender: Scorer, session: Session, movie_id: int) -> tuple[Batch, list[int]]:
    """The session without the film, encoded with the film as its only candidate; and the films read."""
    schema = recommender.checkpoint.schema
    session = unwatched(session, movie_id)
    batch = encode(schema, [session], torch.tensor([schema.index_of(movie_id)]))
    return batch, session.latest(schema.history_length).movie_ids


def strongest_pair(
    values: Mapping[str, float], held: Mapping[str, str], *, shares: bool, w: Words = FILM
) -> str:
    """Which pair of fields weighs most, and what of it is unknown.

    Args:
        values: by `recdemo.answers.explanation.pair_label`: shares of attention, or what each pair adds.
        held: as `recdemo.answers.explain.field_values` returns it.
        shares: the values are shares.
    """
    pair = max(values, key=lambda label: abs(values[label]))
    lacking = {
        w(FIELD_NAMES[name]): value for name, value in held.items() if value in (UNKNOWN, NONE_YET)
    }
    said = [f"{name.lower()} {lacking[name]}" for name in pair.split(" × ") if name in lacking]
    unknown = f" ({', '.join(said)})" if said else ""
    if not shares:
        return f"**{pair}** moves the logit most, {values[pair]:+.3f}{unknown}."
    return (
        f"**{pair}** gets most attention, {values[pair]:.1%}{unknown}; an even share of {len(values)} pairs would be "
        f"{1 / len(values):.1%}."
    )


def strongest_cross(found: Crosses, layer: int, w: Words = FILM) -> str:
    """What one layer of crosses adds, and where most of it comes from."""
    adds = found.layers[layer]
    row, column = np.unravel_index(np.abs(adds).argmax(), adds.shape)
    names = [w(FIELD_NAMES[name]) for name in found.fields]
    return (
        f"Layer {layer + 1} adds **{adds.sum():+.3f}**, most of all **{names[row]}** times what it reads of "
        f"**{names[column]}** ({adds[row, column]:+.3f})."
    )


def widest_gates(gates: pd.DataFrame, title: str) -> str:
    """For which field a film's stream opens its gate widest, and closes it furthest; gates as `streams` has them."""
    by_film = gates.set_index("field")["film"]
    return (
        f"**{title}** opens the gate of its stream widest for **{by_film.idxmax()}** ({by_film.max():.2f}), and closes "
        f"it furthest for **{by_film.idxmin()}** ({by_film.min():.2f})."
    )


def most_looked_at(
    looks: np.ndarray, titles: Sequence[str], *, shares: bool, w: Words = FILM
) -> str:
    """Where the latest film looks most.

    Args:
        looks: [n, n] as one head of `layer_weights`, or the mean of several.
        titles: of the n films.
        shares: rows sum to one.
    """
    row = looks[-1]
    most = int(np.abs(row).argmax())
    said = (
        f"looks most at **{titles[most]}** ({row[most]:.0%}); an even share of {len(titles)} would be {1 / len(titles):.0%}"
        if shares
        else f"takes most of **{titles[most]}** ({row[most]:+.4f})"
    )
    return f"The latest {w.film}, **{titles[-1]}**, {said}."


def most_faithful_head(
    weights: Mapping[int, np.ndarray], removal: Sequence[tuple[int, float]]
) -> str:
    """Which head's weights tell most, and least, of what removing a film does; empty where fewer than two tell.

    Args:
        weights: of the films read, by head.
        removal: as `recdemo.answers.explanation.Explanation` has it.
    """
    effects = [abs(effect) for _, effect in removal]
    told = {head: rank_correlation(values, effects) for head, values in weights.items()}
    known = {head: value for head, value in told.items() if value is not None}
    if len(known) < 2:
        return ""
    best, worst = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    return (
        f"Head {best} is the most faithful ({known[best]:+.2f}), head {worst} the least "
        f"({known[worst]:+.2f})."
    )
