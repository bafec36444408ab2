"""What adds up to the logits of several films: the same summands for each of them, so that films can be set side by side.

A factorisation machine gives its own, field by field and pair by pair; a model that is a sum over the films watched, film
by film. Any other model is asked again while the history is built up film by film: the first summand is the logit
without any history, each film's is what adding it changed, averaged over several orders of adding (an estimate of its
Shapley value). Every order ends at the full logit, so the summands always add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from recdemo.answers.explanation import FIELD_NAMES, Term, pair_label
from recdemo.blocks.embedding import USER_FIELDS
from recdemo.core.protocols import ShowsFields, ShowsFilmTerms
from recdemo.core.session import Session
from recdemo.core.terms import FieldTerms
from recdemo.core.wording import Words
from recdemo.encoding.encode import encode
from recdemo.models import card_of

if TYPE_CHECKING:
    from recdemo.answers.score import Scorer

ORDERS = 8  # orders of adding films that a film's summand is averaged over, half of them reversed
MOST_ASKED = 400  # films added in all orders: of a history of more than 50 there are fewer orders
Kept = tuple[int, ...]  # places in the history of the films that are not taken away


@dataclass(frozen=True, slots=True)
class Summands:
    """What adds up to the logits of C films."""

    terms: tuple[Term, ...]  # T, those of the first film
    values: np.ndarray  # [C, T]
    fields: FieldTerms | None = None  # of a factorisation machine, as it gives them


def is_exact(recommender: Scorer) -> bool:
    """Whether the summands are the model's own; else it is asked again and again."""
    return isinstance(recommender.checkpoint.model, ShowsFields | ShowsFilmTerms)


def summands(
    recommender: Scorer, session: Session, titles: Sequence[str], films: torch.Tensor
) -> Summands:
    """Take the logits of several films apart.

    Args:
        recommender: the model.
        session: who asks; no more films than the model reads.
        titles: of the films of the history.
        films: [C] their indices.
    """
    model, w = recommender.checkpoint.model, recommender.words
    batch = encode(recommender.checkpoint.schema, [session], films)
    if isinstance(model, ShowsFields):
        with torch.inference_mode():
            return _of_fields(model.field_terms(batch), w)
    if isinstance(model, ShowsFilmTerms):
        with torch.inference_mode():
            alone, added = model.film_terms(batch)
        # What lies beyond the history is padding.
        by_film = added[0, :, : len(titles)].double().numpy()
        return _of_films(session, titles, f"{w.Film} alone", alone.double().numpy(), by_film)
    orders = _orders(tuple(range(len(session.history))))
    logit_with = _logits_with(recommender, session, films, orders)
    added_by = np.zeros((len(films), len(titles)))
    for order in orders:
        logits = np.stack([logit_with[kept] for kept in _steps(order)])  # [L + 1, C]
        added_by[:, list(order)] += np.diff(logits, axis=0).T / len(orders)
    profile = (
        recommender.checkpoint.schema.profiles
        and card_of(recommender.checkpoint.card.model).reads_profile
    )
    base = f"Profile and {w.film} alone" if profile else f"{w.Film} alone"
    return _of_films(session, titles, base, logit_with[()], added_by)


def logits_without(
    recommender: Scorer, session: Session, films: torch.Tensor, last: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The logits [C] of films, and what they are without each film of the history, or each of so many last: [L, C]."""
    everything = tuple(range(len(session.history)))
    tried = everything if last is None else everything[-last:]
    kept = [everything, *(tuple(i for i in everything if i != out) for out in tried)]
    logits = _ask(recommender, session, films, kept)
    return logits[0], logits[1:]


def _of_fields(terms: FieldTerms, w: Words) -> Summands:
    names = [w(FIELD_NAMES[name]) for name in terms.fields]
    of_visitor = [name in USER_FIELDS and not terms.mixed for name in terms.fields]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    linear, added = terms.linear.double().numpy(), terms.pairs.double().numpy()
    films = len(linear)
    columns = [(Term("bias", "Bias", 0.0, visitor_only=True), np.full(films, float(terms.bias)))]
    columns += [
        (Term("linear", name, 0.0, visitor_only=visitor), linear[:, i])
        for i, (name, visitor) in enumerate(zip(names, of_visitor, strict=True))
    ]
    columns += [
        (
            Term(
                "pair",
                pair_label(terms.fields[i], terms.fields[j], w),
                0.0,
                visitor_only=of_visitor[i] and of_visitor[j],
            ),
            added[:, place],
        )
        for place, (i, j) in enumerate(pairs)
        if added[:, place].any()  # else a field is empty, as "Films disliked" of who disliked none
    ]
    if terms.deep is not None:
        deep = terms.deep.double().numpy()
        columns.append((Term("deep", "Neural network on all fields", 0.0), deep))
    return _joined(columns, terms)


def _of_films(
    session: Session, titles: Sequence[str], base: str, alone: np.ndarray, added: np.ndarray
) -> Summands:
    """The logits without history [C], and what each film adds [C, L]."""
    films = zip(session.history, titles, added.T, strict=True)
    return _joined(
        [
            (Term("base", base, 0.0), alone),
            *((Term("film", title, 0.0, film.movie_id), values) for film, title, values in films),
        ]
    )


def _joined(
    columns: Sequence[tuple[Term, np.ndarray]], fields: FieldTerms | None = None
) -> Summands:
    terms = tuple(replace(term, value=float(values[0])) for term, values in columns)
    return Summands(terms, np.stack([values for _, values in columns], axis=1), fields)


def _orders(films: Kept) -> list[tuple[int, ...]]:
    """Orders of adding films: as watched, others drawn by lot, and each of them reversed."""
    rng = np.random.default_rng(0)
    orders = [films]
    ways = min(ORDERS, MOST_ASKED // max(1, len(films)))
    while 2 * len(orders) < ways:
        orders.append(tuple(rng.permutation(films).tolist()))
    return [way for order in orders for way in (order, order[::-1])]


def _steps(order: Sequence[int]) -> list[Kept]:
    """The films there are before the first is added, after it, and so on."""
    return [tuple(sorted(order[:count])) for count in range(len(order) + 1)]


def _logits_with(
    recommender: Scorer, session: Session, films: torch.Tensor, orders: Sequence[Sequence[int]]
) -> dict[Kept, np.ndarray]:
    """The logits [C] by which films of the history are kept, at each step of the orders."""
    asked = list(dict.fromkeys(kept for order in orders for kept in _steps(order)))
    return dict(zip(asked, _ask(recommender, session, films, asked), strict=True))


def _ask(
    recommender: Scorer, session: Session, films: torch.Tensor, kept: Sequence[Kept]
) -> np.ndarray:
    """The logits of films, with only some of the history each time: [len(kept), C].

    All are asked at once: to fold many visitors in takes little longer than one.
    """
    sessions = [replace(session, history=[session.history[i] for i in some]) for some in kept]
    with torch.inference_mode():
        batch = encode(recommender.checkpoint.schema, sessions, films)
        logits = recommender.checkpoint.model(batch).double().numpy()
    return np.asarray(logits.reshape(len(kept), len(films)))
