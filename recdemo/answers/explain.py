"""Why a film scores what it scores: only numbers that the model itself computed.

Three views, each exact:

- **Terms** that add up to the logit. A factorisation machine gives its own, field by field and pair by pair; a
  model that is a sum over the films watched, film by film. Any other model is asked again while the history is built up
  film by film: the first term is the logit without any history, each film's term is what adding it changed, averaged
  over several orders of adding (an estimate of its Shapley value). Every order ends at the full logit, so the terms
  always add up.
- **Weights** the model gives to what it reads: AFM to pairs of fields, DIN to watched films.
- **Removal**: how the logit falls when one film (or, for AFM, one pair) is taken away, the model asked again.

The faithfulness of weights is the rank correlation between them and the size of the removal effects: near 1
they tell what mattered, near 0 they do not (Jain and Wallace, "Attention is not Explanation", 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.answers.explanation import FIELD_NAMES, Explanation, Term, Weights, pair_label
from recdemo.answers.removal import pair_removal, rank_correlation
from recdemo.blocks.embedding import USER_FIELDS
from recdemo.core.batch import Batch
from recdemo.core.protocols import ShowsFields, ShowsFilmTerms, ShowsHeads, ShowsHistory
from recdemo.core.session import Session
from recdemo.core.terms import FieldTerms
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS
from recdemo.core.wording import counted
from recdemo.data.catalogue import labels_of
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import year_label

if TYPE_CHECKING:
    from recdemo.answers.score import Scorer

ORDERS = 8  # orders of adding films that a film's term is averaged over, half of them reversed
MOST_ASKED = 400  # films added in all orders: of a history of more than 50 there are fewer orders
Kept = tuple[int, ...]  # places in the history of the films that are not taken away


def explain(
    recommender: Scorer,
    session: Session,
    movie_id: int,
    *,
    logits: np.ndarray | None = None,
) -> Explanation:
    """Explain the score of one film.

    Args:
        recommender: the model.
        session: who asks. A model reads its latest `Schema.history_length` films, and so does this.
        movie_id: any film of the catalogue; if it is in the history, it is explained as if not yet watched.
        logits: what `Scorer.logits` gives for this session, if it has been asked already.

    Raises:
        RequestError: a film is not in the catalogue.
    """
    checkpoint = recommender.checkpoint
    target = checkpoint.schema.index_of(movie_id)
    if movie_id in session.movie_ids:
        session, logits = unwatched(session, movie_id), None
    read = replace(session, history=session.history[-checkpoint.schema.history_length :])
    model, everything = checkpoint.model, tuple(range(len(read.history)))
    exact = isinstance(model, ShowsFields | ShowsFilmTerms)
    orders = [] if exact else _orders(everything)
    logit_with = _logits_with(recommender, read, target, orders)
    logit = logit_with[everything]
    removal = logit - np.array([logit_with[_without(everything, i)] for i in everything])
    titles = titles_of(recommender, [film.movie_id for film in read.history])
    fields: tuple[str, ...] = ()
    weights = None
    if isinstance(model, ShowsFields):
        with torch.inference_mode():
            terms_of = model.field_terms(encode(checkpoint.schema, [read], torch.tensor([target])))
        terms, weights = _field_terms(terms_of)
        fields = terms_of.fields
    elif isinstance(model, ShowsFilmTerms):
        with torch.inference_mode():
            alone, added = model.film_terms(
                encode(checkpoint.schema, [read], torch.tensor([target]))
            )
        terms = _film_terms(read, titles, "Film alone", float(alone[0]), added[0, 0].tolist())
    else:
        added_by = _averaged(orders, logit_with, len(read.history))
        terms = _film_terms(read, titles, "Profile and film alone", logit_with[()], added_by)
    if isinstance(model, ShowsHistory):
        weights = _history_weights(recommender, read, target, titles, removal)
    return Explanation(
        model=checkpoint.card.model,
        objective=checkpoint.card.objective,
        movie_id=movie_id,
        title=titles_of(recommender, [movie_id])[0],
        logit=logit,
        score=float(recommender.scores(session, logits)[target - 1]),
        terms=tuple(terms),
        fields=fields,
        weights=weights,
        removal=tuple(zip((f.movie_id for f in read.history), map(float, removal), strict=True)),
        films_read=len(read.history),
        exact=exact,
    )


def history_weights(
    recommender: Scorer, session: Session, movie_ids: Sequence[int]
) -> pd.DataFrame:
    """A model's weight of each watched film for several targets side by side.

    Args:
        recommender: a model with `ShowsHistory`.
        session: who asks.
        movie_ids: targets; one that is in the history is asked about as if it were not.

    Returns:
        One row per film read for any target, oldest first: ``movie_id``, ``title``, then one column per
        target id, NaN where the film is the target itself or is not read for it.
    """
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsHistory):
        raise TypeError(
            f"{recommender.checkpoint.card.model} does not weigh the films of a history"
        )
    return _side_by_side(recommender, session, movie_ids, model.history_weights)


def film_terms(recommender: Scorer, session: Session, movie_ids: Sequence[int]) -> pd.DataFrame:
    """What each watched film adds to the logits of several targets, exactly; as `history_weights`, for a model with
    `ShowsFilmTerms`."""
    model = recommender.checkpoint.model
    if not isinstance(model, ShowsFilmTerms):
        raise TypeError(f"{recommender.checkpoint.card.model} is no sum over the films watched")
    return _side_by_side(recommender, session, movie_ids, lambda batch: model.film_terms(batch)[1])


def _side_by_side(
    recommender: Scorer,
    session: Session,
    movie_ids: Sequence[int],
    ask: Callable[[Batch], Tensor],
) -> pd.DataFrame:
    """What a model has for each target and film watched, [U, C, L], as `history_weights` returns it."""
    checkpoint = recommender.checkpoint
    targets = torch.tensor([[checkpoint.schema.index_of(movie)] for movie in movie_ids])
    length = checkpoint.schema.history_length
    asked = [unwatched(session, movie) for movie in movie_ids]
    with torch.inference_mode():
        weights = ask(encode(checkpoint.schema, asked, targets))
    columns = {
        movie: pd.Series(
            weights[row, 0].tolist()[: len(one.history)], index=one.movie_ids[-length:], dtype=float
        )
        for row, (movie, one) in enumerate(zip(movie_ids, asked, strict=True))
    }
    read = {film for column in columns.values() for film in column.index}
    films = [movie for movie in session.movie_ids if movie in read]
    table = pd.DataFrame({"movie_id": films, "title": titles_of(recommender, films)})
    found = {movie: column.reindex(films).to_numpy() for movie, column in columns.items()}
    return table.join(pd.DataFrame(found, index=table.index))


def unwatched(session: Session, movie_id: int) -> Session:
    """The session without a film, as a model would have seen it before that film."""
    return replace(session, history=[f for f in session.history if f.movie_id != movie_id])


UNKNOWN, NONE_YET = "unknown", "none yet"  # of a field that holds nothing of the visitor's


def field_values(recommender: Scorer, session: Session, movie_id: int) -> dict[str, str]:
    """What each field of the FM family holds for this session and film, in words."""
    schema = recommender.checkpoint.schema
    session = unwatched(session, movie_id)
    read = session.history[-schema.history_length :]
    batch = encode(schema, [session], torch.tensor([schema.index_of(movie_id)]))
    favourite = int(batch.favourite_genre[0])
    film = recommender.catalogue.iloc[schema.index_of(movie_id) - 1]
    liked = sum(f.liked is True for f in read)
    disliked = sum(f.liked is False for f in read)
    return {
        "gender": GENDERS[session.gender] if session.gender else UNKNOWN,
        "age": UNKNOWN if session.age is None else AGES[session.age],
        "occupation": UNKNOWN if session.occupation is None else OCCUPATIONS[session.occupation],
        "favourite_genre": schema.genre_names[favourite - 1] if favourite else NONE_YET,
        "last_five": ", ".join(titles_of(recommender, [f.movie_id for f in read[-5:]])) or "none",
        "watched": counted(len(read) - liked - disliked, "film"),
        "disliked": counted(disliked, "film"),
        "liked": counted(liked, "film"),
        "movie": str(film["title"]),
        "genres": ", ".join(film["genres"]) or "none",
        "year": year_label(int(schema.year_ids[schema.index_of(movie_id)])),
    }


def titles_of(recommender: Scorer, movie_ids: Sequence[int]) -> tuple[str, ...]:
    """Titles with years, told apart from each other."""
    schema = recommender.checkpoint.schema
    rows = recommender.catalogue.iloc[[schema.index_of(movie) - 1 for movie in movie_ids]]
    return tuple(labels_of(rows))


def _logits(recommender: Scorer, sessions: Sequence[Session], target: int) -> np.ndarray:
    """Logit of one film for several sessions: [len(sessions)]."""
    with torch.inference_mode():
        batch = encode(recommender.checkpoint.schema, sessions, torch.tensor([target]))
        return recommender.checkpoint.model(batch).numpy().astype(np.float64)


def _without(kept: Kept, place: int) -> Kept:
    return tuple(i for i in kept if i != place)


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
    recommender: Scorer, session: Session, target: int, orders: Sequence[Sequence[int]]
) -> dict[Kept, float]:
    """The film's logit by which films of the history are kept: all, all but one, and each step of the orders.

    All are asked at once, each of them once: to fold many visitors in takes little longer than one.
    """
    everything = tuple(range(len(session.history)))
    asked = [everything, *(_without(everything, i) for i in everything)]
    asked = list(dict.fromkeys([*asked, *(kept for order in orders for kept in _steps(order))]))
    sessions = [replace(session, history=[session.history[i] for i in kept]) for kept in asked]
    return dict(zip(asked, _logits(recommender, sessions, target).tolist(), strict=True))


def _field_terms(terms: FieldTerms) -> tuple[list[Term], Weights | None]:
    names = [FIELD_NAMES[name] for name in terms.fields]
    of_visitor = [name in USER_FIELDS and not terms.mixed for name in terms.fields]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    pair_names = [pair_label(terms.fields[i], terms.fields[j]) for i, j in pairs]
    out = [Term("bias", "Bias", float(terms.bias), visitor_only=True)]
    out += [
        Term("linear", name, value, visitor_only=visitor)
        for name, value, visitor in zip(names, terms.linear[0].tolist(), of_visitor, strict=True)
    ]
    out += [
        Term("pair", name, value, visitor_only=of_visitor[i] and of_visitor[j])
        for (i, j), name, value in zip(pairs, pair_names, terms.pairs[0].tolist(), strict=True)
        if value != 0.0  # a pair with an empty field, such as "Films disliked" of who disliked none
    ]
    if terms.deep is not None:
        out.append(Term("deep", "Neural network on all fields", float(terms.deep[0])))
    if terms.attention is None:
        return out, None
    held = terms.attention[0].numpy() > 0
    attention = terms.attention[0].double().numpy()[held]
    parts = terms.pairs[0].double().numpy()[held]
    removal = pair_removal(attention, parts)
    weights = Weights(
        axis="pair",
        labels=tuple(name for name, here in zip(pair_names, held, strict=True) if here),
        weights=tuple(attention.tolist()),
        removal=tuple(removal.tolist()),
        faithfulness=rank_correlation(attention, np.abs(removal)),
        sums_to_one=True,
    )
    return out, weights


def _averaged(
    orders: Sequence[Sequence[int]], logit_with: Mapping[Kept, float], films: int
) -> list[float]:
    """What each film adds, averaged over the orders of adding them."""
    added_by = np.zeros(films)
    for order in orders:
        logits = [logit_with[kept] for kept in _steps(order)]
        added_by[list(order)] += np.diff(logits) / len(orders)
    return list(map(float, added_by))


def _film_terms(
    session: Session, titles: Sequence[str], base: str, alone: float, added_by: Sequence[float]
) -> list[Term]:
    """The logit without history, and what each film adds; values beyond the history are padding."""
    films = zip(session.history, titles, added_by, strict=False)
    return [
        Term("base", base, alone),
        *(Term("film", title, value, film.movie_id) for film, title, value in films),
    ]


def _history_weights(
    recommender: Scorer,
    session: Session,
    target: int,
    titles: Sequence[str],
    removal: np.ndarray,
) -> Weights:
    movie_id = int(recommender.checkpoint.schema.movie_ids[target - 1])
    values = history_weights(recommender, session, [movie_id])[movie_id].to_numpy(dtype=float)
    return Weights(
        axis="film",
        labels=tuple(titles),
        weights=tuple(values.tolist()),
        removal=tuple(map(float, removal)),
        faithfulness=rank_correlation(np.abs(values), np.abs(removal)),
        sums_to_one=bool(np.isclose(values.sum(), 1.0, atol=1e-4)),
        rest_to_target=isinstance(recommender.checkpoint.model, ShowsHeads),
    )
