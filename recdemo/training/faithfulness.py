"""How far weights tell what mattered: the rank correlation between them and what removing each item does to the logit.

Near 1 they do, near 0 they do not (Jain and Wallace, "Attention is not Explanation", 2019). Beside it stand deletion and
insertion (`recdemo.answers.removal.Curves`) and a sanity check: how far a model whose weights are shuffled shows the same.
`recdemo.answers.explain` shows all of it for one visitor and film; here it is measured over many, for each attention that a
model shows, deletion and insertion for whole layers, not for single heads. Each of the users is asked
about the first film of the test part that they liked, whatever the model thinks of it, so that all models are asked the
same; their history is what came before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from recdemo.answers.attention import rollout
from recdemo.answers.removal import (
    MIN_FOR_CORRELATION,
    deletion_and_insertion,
    pair_removal,
    pairs_kept,
    rank_correlation,
    shuffled,
)
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
        By kind; empty for a model that shows none.

        - ``pairs`` of fields.
        - ``weights`` of the films watched, for several heads their mean; ``head 1``, … for each.
        - ``terms``: what each film adds, in a model that adds them up.
        - ``layer 1``, … (mean of its heads) and ``layer 1, head 1``, …: how much all films look at a film, or, in a
          model that looks back only, how much the latest does; ``rollout``: the layers multiplied through.
        - ``gates`` of an evolving interest.
    """
    model.eval()
    # What a sum over films adds is no attention, and which films it has weights for is learned, too.
    nothing_learned = None if isinstance(model, ShowsFilmTerms) else shuffled(model)
    rows = next_targets(ratings, test)
    draw = torch.Generator("cpu").manual_seed(seed)
    rows = rows[torch.randperm(len(rows), generator=draw, device="cpu")[:users].sort().values]
    found: dict[str, list[_Told]] = defaultdict(list)
    with torch.inference_mode():
        for row in rows:
            batch = _cut(ratings, ratings.batch(row.unsqueeze(0)))
            shown = _shown(model, ratings, batch)
            if not shown and not found:
                return {}
            without = _weights(nothing_learned, batch) if nothing_learned else {}
            for kind, (weights, effects, ask) in shown.items():
                correlation = rank_correlation(np.abs(weights), np.abs(effects))
                if correlation is None:
                    continue
                other = without[kind][-len(weights) :] if without else None
                curves = None if "head" in kind else deletion_and_insertion(weights, ask)
                found[kind].append(
                    _Told(
                        correlation,
                        curves.deletion if curves else None,
                        curves.insertion if curves else None,
                        None if other is None else rank_correlation(np.abs(weights), np.abs(other)),
                    )
                )
    return {kind: _mean(told) for kind, told in found.items()}


class _Told(NamedTuple):
    """What is measured of one user."""

    mean: float
    deletion: float | None
    insertion: float | None
    shuffled: float | None


def _mean(told: list[_Told]) -> Faithfulness:
    """Of all users: who has no value of a kind does not count for it."""
    means = {}
    for name, values in zip(_Told._fields, zip(*told, strict=True), strict=True):
        known = [value for value in values if value is not None]
        means[name] = float(np.mean(known)) if known else None
    deviation = float(np.std([one.mean for one in told], ddof=1)) if len(told) > 1 else None
    return Faithfulness.model_validate(means | {"deviation": deviation, "users": len(told)})


Shown = tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], np.ndarray]]


def _shown(model: nn.Module, ratings: Ratings, batch: Batch) -> dict[str, Shown]:
    """By kind: the weights [n] a model shows of one user and film, what removing each does, and what it says while
    some are kept."""
    pairs = _pairs(model, batch)
    found: dict[str, Shown] = {}
    if pairs:
        attention, parts = pairs
        found["pairs"] = (attention, pair_removal(attention, parts), pairs_kept(attention, parts))
    by_film = _weights_of_films(model, batch)
    if not by_film:
        return found
    count = _films(batch)
    latest = min(count, MOST_FILMS)
    always = np.ones(count - latest, dtype=bool)

    def ask(kept: np.ndarray) -> np.ndarray:
        before = np.broadcast_to(always, (len(kept), len(always)))
        masks = torch.from_numpy(np.concatenate([before, kept], axis=1))
        asked = _with_history(ratings, batch, masks.to(batch.history.device))
        return np.asarray(model(asked).double().cpu().numpy())

    everything = np.ones((1, latest), dtype=bool)
    effects = np.zeros(0)
    if latest >= MIN_FOR_CORRELATION:
        effects = ask(everything) - ask(~np.eye(latest, dtype=bool))
    return found | {
        kind: (weights[count - len(effects) :], effects, ask) for kind, weights in by_film.items()
    }


def _weights(model: nn.Module, batch: Batch) -> dict[str, np.ndarray]:
    """By kind, the weights that a model shows of one user and film."""
    pairs = _pairs(model, batch)
    return ({"pairs": pairs[0]} if pairs else {}) | _weights_of_films(model, batch)


def _cut(ratings: Ratings, batch: Batch) -> Batch:
    """One user's batch without the padding behind their films."""
    everything = torch.ones(1, max(1, _films(batch)), dtype=torch.bool, device=batch.history.device)
    return _with_history(ratings, batch, everything)


def _films(batch: Batch) -> int:
    return int(batch.history_mask.sum())


def _with_history(ratings: Ratings, batch: Batch, kept: Tensor) -> Batch:
    """One user asked about the same film with parts of the history.

    Args:
        ratings: whose schema it is.
        batch: of one user and film.
        kept: [V, n] True for the places in the history, of the first n, that are kept.
    """
    count = len(kept)
    profile = torch.stack([batch.gender, batch.age, batch.occupation], dim=1)
    order = (~kept).byte().argsort(dim=1, stable=True)  # what is kept moves up
    there = kept.gather(1, order)
    return assemble(
        ratings.schema,
        user=batch.user.expand(count),
        profile=profile.expand(count, -1),
        history=batch.history[0][order] * there,
        feedback=batch.feedback[0][order] * there,
        target_movie=batch.target_movie.expand(count),
    )


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
        layers = model.encoder_weights(batch)[0]  # [layers, H, n, n]
        flow = rollout(layers[..., : _films(batch), : _films(batch)].cpu().numpy())
        if flow is not None:
            found["rollout"] = torch.from_numpy(
                flow[-1] if isinstance(model, Causal) else flow.mean(0)
            )
        for number, layer in enumerate(layers, start=1):
            looked_at = layer[:, -1] if isinstance(model, Causal) else layer.mean(1)  # [H, n]
            found[f"layer {number}"] = looked_at.mean(0)
            if len(looked_at) > 1:
                names = (f"layer {number}, head {head}" for head in range(1, len(looked_at) + 1))
                found |= dict(zip(names, looked_at, strict=True))
    if isinstance(model, ShowsEvolution):
        found["gates"] = model.update_gates(batch)[0, 0]
    count = _films(batch)
    return {kind: weights[:count].double().cpu().numpy() for kind, weights in found.items()}


def _pairs(model: nn.Module, batch: Batch) -> tuple[np.ndarray, np.ndarray] | None:
    """Attention to the pairs of fields that hold something, and what each adds, where a model attends to them."""
    if not isinstance(model, ShowsFields):
        return None
    terms = model.field_terms(batch)
    if terms.attention is None:
        return None
    attention, parts = terms.attention[0].double().cpu().numpy(), terms.pairs[0].double()
    held = attention > 0
    return attention[held], parts.cpu().numpy()[held]
