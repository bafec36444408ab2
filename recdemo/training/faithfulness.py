"""How far weights tell what mattered: the rank correlation between them and what removing each item does to the logit.

Near 1 they do, near 0 they do not (Jain and Wallace, "Attention is not Explanation", 2019). `recdemo.answers.explain` shows it
for one visitor and film; here it is measured over many, for each attention that a model shows. Each of the users is asked
about the first film of the test part that they liked, whatever the model thinks of it, so that all models are asked the
same; their history is what came before it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from recdemo.answers.removal import MIN_FOR_CORRELATION, pair_removal, rank_correlation
from recdemo.core.batch import Batch
from recdemo.core.protocols import (
    Causal,
    ShowsEvolution,
    ShowsFields,
    ShowsFilmTerms,
    ShowsHeads,
    ShowsHistory,
    ShowsLayers,
)
from recdemo.core.report import Faithfulness
from recdemo.encoding.encode import assemble
from recdemo.encoding.ratings import Ratings
from recdemo.training.metrics import next_targets

MOST_FILMS: Final = 50  # of a history are taken away, each once: the latest


def measure_faithfulness(
    model: nn.Module, ratings: Ratings, test: Tensor, *, users: int = 200, seed: int = 0
) -> dict[str, Faithfulness]:
    """Mean faithfulness of each attention that a model shows.

    Args:
        model: trained.
        ratings: all ratings.
        test: [N] True for the test part.
        users: so many are drawn, all where there are fewer; who has too few films for a correlation does not count.
        seed: of the draw; the same users for every model.

    Returns:
        By kind: ``pairs`` of fields; ``weights`` of the films watched, for several heads their mean; ``terms``, what
        each film adds in a model that adds them up; ``head 1``, …;
        ``layer 1``, … (mean of its heads) and ``layer 1, head 1``, …: how much a film is looked at by all films, or, in
        a model that looks back only, by the latest; ``gates`` of an evolving interest. Empty for a model that shows none.
    """
    model.eval()
    rows = next_targets(ratings, test)
    draw = torch.Generator("cpu").manual_seed(seed)
    rows = rows[torch.randperm(len(rows), generator=draw, device="cpu")[:users].sort().values]
    found: dict[str, list[float | None]] = defaultdict(list)
    with torch.inference_mode():
        for row in rows:
            batch = _cut(ratings, ratings.batch(row.unsqueeze(0)))
            for kind, (weights, effects) in _of_fields(model, batch).items():
                found[kind].append(rank_correlation(np.abs(weights), np.abs(effects)))
            by_film = _weights_of_films(model, batch)
            if not by_film and not found:
                return {}
            effects = _film_removal(model, ratings, batch) if by_film else np.zeros(0)
            for kind, weights in by_film.items():
                latest = np.abs(weights[-len(effects) :]) if len(effects) else weights[:0]
                found[kind].append(rank_correlation(latest, np.abs(effects)))
    return {
        kind: Faithfulness(
            mean=float(np.mean(values)),
            deviation=float(np.std(values, ddof=1)) if len(values) > 1 else None,
            users=len(values),
        )
        for kind, all_values in found.items()
        if (values := [value for value in all_values if value is not None])
    }


def _cut(ratings: Ratings, batch: Batch) -> Batch:
    """One user's batch without the padding behind their films."""
    return _with_history(ratings, batch, torch.arange(max(1, _films(batch))).unsqueeze(0))


def _films(batch: Batch) -> int:
    return int(batch.history_mask.sum())


def _with_history(ratings: Ratings, batch: Batch, kept: Tensor) -> Batch:
    """One user asked about the same film with parts of the history.

    Args:
        ratings: whose schema it is.
        batch: of one user and film.
        kept: [V, n] places in the history that are kept, rising.
    """
    count = len(kept)
    profile = torch.stack([batch.gender, batch.age, batch.occupation], dim=1)
    return assemble(
        ratings.schema,
        user=batch.user.expand(count),
        profile=profile.expand(count, -1),
        history=batch.history[0][kept],
        feedback=batch.feedback[0][kept],
        target_movie=batch.target_movie.expand(count),
    )


def _film_removal(model: nn.Module, ratings: Ratings, batch: Batch) -> np.ndarray:
    """[min(n, `MOST_FILMS`)] logit minus the logit without each of the latest films."""
    count = _films(batch)
    if count < MIN_FOR_CORRELATION:
        return np.zeros(0)
    places = torch.arange(count)
    removed = places[-MOST_FILMS:]
    # Of n places, all but one: those before it as they are, those behind it moved up.
    short = places[:-1].expand(len(removed), -1)
    kept = short + (short >= removed.unsqueeze(1))
    logit = model(batch).double()
    return np.asarray((logit - model(_with_history(ratings, batch, kept)).double()).cpu().numpy())


def _weights_of_films(model: nn.Module, batch: Batch) -> dict[str, np.ndarray]:
    """What a model weighs the n films of one user with, asked about one film: [n] by kind."""
    found: dict[str, Tensor] = {}
    if isinstance(model, ShowsHistory):
        found["weights"] = model.history_weights(batch)[0, 0]
    if isinstance(model, ShowsFilmTerms):
        found["terms"] = model.film_terms(batch)[1][0, 0]
    if isinstance(model, ShowsHeads):
        heads = model.head_weights(batch)[0, :, 0, :-1]
        found |= {f"head {number}": weights for number, weights in enumerate(heads, start=1)}
    if isinstance(model, ShowsLayers):
        for number, layer in enumerate(model.encoder_weights(batch)[0], start=1):  # [H, n, n]
            looked_at = layer[:, -1] if isinstance(model, Causal) else layer.mean(1)  # [H, n]
            found[f"layer {number}"] = looked_at.mean(0)
            if len(looked_at) > 1:
                names = (f"layer {number}, head {head}" for head in range(1, len(looked_at) + 1))
                found |= dict(zip(names, looked_at, strict=True))
    if isinstance(model, ShowsEvolution):
        found["gates"] = model.update_gates(batch)[0, 0]
    count = _films(batch)
    return {kind: weights[:count].double().cpu().numpy() for kind, weights in found.items()}


def _of_fields(model: nn.Module, batch: Batch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Weights of the pairs of fields, and what removing each does, where a model attends to them."""
    if not isinstance(model, ShowsFields):
        return {}
    terms = model.field_terms(batch)
    if terms.attention is None:
        return {}
    attention, parts = terms.attention[0].double().cpu().numpy(), terms.pairs[0].double()
    held = attention > 0
    attention = attention[held]
    return {"pairs": (attention, pair_removal(attention, parts.cpu().numpy()[held]))}
