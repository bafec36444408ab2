"""Why a film scores what it scores: only numbers that the model itself computed.

Four views, each exact:

- **Terms** that add up to the logit, see `recdemo.answers.summands`.
- **Contrast**: what each term is more than another film's, or than the average film's. What is the same for all films
  says nothing of their order, and is gone.
- **Weights** the model gives to what it reads: AFM to pairs of fields, DIN to watched films.
- **Removal**: how the logit falls when one film (or, for AFM, one pair) is taken away, the model asked again.

The faithfulness of weights is the rank correlation between them and the size of the removal effects: near 1
they tell what mattered, near 0 they do not (Jain and Wallace, "Attention is not Explanation", 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.answers.explanation import AVERAGE, Contrast, Explanation, Weights, pair_label
from recdemo.answers.reasons import AVERAGED as AVERAGED
from recdemo.answers.reasons import Reasons, reasons
from recdemo.answers.reasons import titles_of as titles_of
from recdemo.answers.removal import pair_removal, rank_correlation
from recdemo.answers.summands import is_exact, logits_without
from recdemo.core.batch import Batch
from recdemo.core.errors import RequestError
from recdemo.core.protocols import ShowsFilmTerms, ShowsHeads, ShowsHistory
from recdemo.core.session import Session
from recdemo.core.terms import FieldTerms
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS
from recdemo.core.wording import Words, counted
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import year_label

if TYPE_CHECKING:
    from recdemo.answers.score import Scorer


def explain(
    recommender: Scorer,
    session: Session,
    movie_id: int,
    *,
    against: int | None = None,
    logits: np.ndarray | None = None,
    shared: Reasons | None = None,
) -> Explanation:
    """Explain the score of one film.

    Args:
        recommender: the model.
        session: who asks. A model reads its latest `Schema.history_length` films, and so does this.
        movie_id: any film of the catalogue; if it is in the history, it is explained as if not yet watched.
        against: the film it is set beside in `Explanation.contrast`: one that is not watched; None for the average of
            all these. For a model without terms of its own the average is over some of them, evenly spread over its ranking.
        logits: what `Scorer.logits` gives for this session, if it has been asked already.
        shared: what `reasons` gives for this session and films among which this one may be, if they have been asked about.

    Raises:
        RequestError: a film is not in the catalogue, or the one set beside it is watched.
    """
    checkpoint, w = recommender.checkpoint, recommender.words
    target = checkpoint.schema.index_of(movie_id)
    if movie_id in session.movie_ids:
        session, logits, shared = unwatched(session, movie_id), None, None
    if against is not None and against in session.movie_ids:
        raise RequestError(
            f"{titles_of(recommender, [against])[0]} is {w.watched}, and no candidate; compare with one that is not"
        )
    logits = recommender.logits(session) if logits is None else logits
    read = session.latest(recommender.checkpoint.schema.history_length)
    if shared is None or not shared.covers(movie_id, against):
        shared = reasons(recommender, session, [movie_id], logits, against)
    found, without = logits_without(recommender, read, torch.tensor([target]))
    logit, without = float(found[0]), without[:, 0]
    removal = logit - without
    weights = _pair_weights(shared.fields, w) if shared.fields else None
    if isinstance(checkpoint.model, ShowsHistory):
        titles = titles_of(recommender, read.movie_ids)
        weights = _history_weights(recommender, read, target, titles, removal)
    return Explanation(
        model=checkpoint.card.model,
        objective=checkpoint.card.objective,
        movie_id=movie_id,
        title=titles_of(recommender, [movie_id])[0],
        logit=logit,
        score=float(recommender.scores(session, logits)[target - 1]),
        terms=shared.terms_of(movie_id),
        contrast=Contrast(
            movie_id=against,
            title=w(AVERAGE) if against is None else titles_of(recommender, [against])[0],
            films=1 if against else shared.films,
            logit=float(shared.other(against).sum()),
            terms=shared.more(movie_id, against),
        ),
        fields=shared.fields.fields if shared.fields else (),
        weights=weights,
        removal=tuple(zip((f.movie_id for f in read.history), map(float, removal), strict=True)),
        films_read=len(read.history),
        exact=is_exact(recommender),
    )


def history_weights(
    recommender: Scorer, session: Session, movie_ids: Sequence[int]
) -> pd.DataFrame:
    """The weight of each watched film for several targets side by side, in a model with `ShowsHistory`.

    A target of the history is asked about as if it were not there.

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
    recommender: Scorer, session: Session, movie_ids: Sequence[int], ask: Callable[[Batch], Tensor]
) -> pd.DataFrame:
    """What a model has for each target and film watched, [U, C, L], as `history_weights` returns it."""
    schema = recommender.checkpoint.schema
    targets = torch.tensor([[schema.index_of(movie)] for movie in movie_ids])
    asked = [unwatched(session, movie).latest(schema.history_length) for movie in movie_ids]
    with torch.inference_mode():
        weights = ask(encode(schema, asked, targets))
    columns = {
        movie: pd.Series(weights[row, 0].tolist()[: len(one.history)], one.movie_ids, dtype=float)
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
    read = session.latest(schema.history_length).history
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


def _pair_weights(terms: FieldTerms, w: Words) -> Weights | None:
    """The attention to the pairs of the first film's fields that hold something, where there is any."""
    if terms.attention is None:
        return None
    held = terms.attention[0].numpy() > 0
    attention = terms.attention[0].double().numpy()[held]
    removal = pair_removal(attention, terms.pairs[0].double().numpy()[held])
    names = [pair_label(left, right, w) for left, right in combinations(terms.fields, 2)]
    return Weights(
        axis="pair",
        labels=tuple(name for name, here in zip(names, held, strict=True) if here),
        weights=tuple(attention.tolist()),
        removal=tuple(removal.tolist()),
        faithfulness=rank_correlation(attention, np.abs(removal)),
        sums_to_one=True,
    )


def _history_weights(
    recommender: Scorer, session: Session, target: int, titles: Sequence[str], removal: np.ndarray
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
