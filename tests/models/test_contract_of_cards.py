"""What a card declares is how its model behaves: what it reads, and what it shows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import genre_overlap
import pandas as pd
import pytest
import torch
from by_hand import close, scores_of, some_films
from genre_overlap import KEYS
from small_models import USERS
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.core.errors import RequestError
from recdemo.core.protocols import (
    ShowsCrosses,
    ShowsEvolution,
    ShowsFields,
    ShowsFilmTerms,
    ShowsHeads,
    ShowsHistory,
    ShowsLayers,
    ShowsStreams,
    Solved,
    needs_histories,
)
from recdemo.core.session import Session, Watched
from recdemo.data import simulate
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS, card_of
from recdemo.models.cards.card import Card, Shows

pytestmark = pytest.mark.usefixtures("toy")


def _that_show(what: Shows) -> Any:
    """Asks the cards that show something."""
    return pytest.mark.parametrize(
        "key", [card.key for card in (*CARDS.values(), genre_overlap.CARD) if what in card.shows]
    )


def test_cards_are_complete() -> None:
    assert list(CARDS) == KEYS
    assert KEYS[0] == "popularity"
    for key, card in CARDS.items():
        assert card.key == key
        assert card_of(key) is card
        for text in (card.title, card.family, card.idea, card.source, card.formula):
            assert text.strip()
        assert card.objectives
        assert set(card.training) <= set(card.objectives)


def test_cards_say_what_can_be_shown(card: Card, schema: Schema) -> None:
    protocols = {
        "fields": ShowsFields,
        "films": ShowsFilmTerms,
        "history": ShowsHistory,
        "heads": ShowsHeads,
        "layers": ShowsLayers,
        "evolution": ShowsEvolution,
        "crosses": ShowsCrosses,
        "streams": ShowsStreams,
    }
    model = card.model(schema)
    shown = [name for name, protocol in protocols.items() if isinstance(model, protocol)]
    assert list(card.shows) == shown


def test_a_baseline_is_solved_not_trained(card: Card, model: nn.Module) -> None:
    assert isinstance(model, Solved) or not card.baseline


def test_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match=r"'dinn'.*din"):
        card_of("dinn")


# What is read, and what is not


def _history(schema: Schema, *films: int, liked: bool | None = True) -> Session:
    ids = [int(schema.movie_ids[film - 1]) for film in films]
    return Session(history=[Watched(i, liked) for i in ids])


def _differs(one: Tensor, other: Tensor) -> bool:
    """Whether two rows of scores differ by more than rounding; one of both must be so."""
    gap = float((one - other).abs().max())
    assert gap > 1e-4 or gap < 1e-5, f"{gap:.1e} is neither a difference nor none"
    return gap > 1e-4


def test_another_history_is_another_answer(card: Card, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3), _history(schema, 1, 2, 9), Session()]
    first, other, none = scores_of(model, schema, visitors, some_films(schema))
    assert _differs(first, other) == _differs(first, none) == card.reads_history


def test_every_place_of_the_history_is_read(card: Card, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3, 4, 5, 6)]
    for place in range(6):
        films = [1, 2, 3, 4, 5, 6]
        films[place] = 20
        visitors.append(_history(schema, *films))
    before, *after = scores_of(model, schema, visitors, some_films(schema))
    read = [_differs(before, scores) for scores in after]
    assert read == [card.reads_history] * 6


def test_feedback_alone_changes_the_answer(card: Card, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3, liked=liked) for liked in (True, False, None)]
    liked, disliked, watched = scores_of(model, schema, visitors, some_films(schema))
    reads = card.reads_history
    assert _differs(liked, disliked) == _differs(liked, watched) == reads
    assert _differs(disliked, watched) == (reads and card.reads_dislikes)


def test_profile_changes_the_answer(card: Card, model: nn.Module, schema: Schema) -> None:
    history = _history(schema, 1, 2, 3).history
    profiles = [("F", 25, 4), ("M", 25, 4), ("F", 35, 4), ("F", 25, 5), (None, None, None)]
    visitors = [Session(*profile, history) for profile in profiles]
    first, *others = scores_of(model, schema, visitors, some_films(schema))
    read = [_differs(first, other) for other in others]
    assert read == [card.reads_profile] * 4


def test_only_models_that_know_users_read_who_asks(
    card: Card, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions[-2:], some_films(schema))
    visitor, one, other = (
        replace(batch, user=torch.full_like(batch.user, user)) for user in (0, 1, 2)
    )
    with torch.inference_mode():
        answers = [model(asked) for asked in (visitor, one, other)]
    assert _differs(answers[0], answers[1]) == _differs(answers[1], answers[2])
    assert _differs(answers[0], answers[1]) == card.knows_users


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame, schema: Schema) -> Ratings:
    return Ratings(simulate(small_films, users=USERS, seed=1), schema)


def test_models_that_read_no_history_say_so(model: nn.Module, ratings: Ratings) -> None:
    rows = torch.arange(0, len(ratings), 7)
    with torch.inference_mode():
        told, untold = (model(ratings.batch(rows, histories=some)) for some in (True, False))
    assert _differs(told, untold) == needs_histories(model)


def test_order_matters_where_it_is_read(card: Card, model: nn.Module, schema: Schema) -> None:
    opinions = [True, False, None, True, None, False]

    def visitor(*films: int) -> Session:
        return Session(
            history=[Watched(int(schema.movie_ids[film - 1]), opinions[film - 1]) for film in films]
        )

    visitors = [
        visitor(1, 2, 3, 4, 5, 6),
        visitor(1, 2, 5, 4, 3, 6),  # the same last five, the same last
        visitor(6, 2, 3, 4, 5, 1),
    ]
    asked, within, across = scores_of(model, schema, visitors, some_films(schema))
    assert _differs(asked, within) == (card.reads_order == "every place")
    assert _differs(asked, across) == (card.reads_order is not None)


# What is shown


def _terms_add_up(model: ShowsFields, batch: Batch, logits: Tensor) -> None:
    terms = model.field_terms(batch)
    count = len(terms.fields)
    assert terms.linear.shape == (len(logits), count)
    assert terms.pairs.shape == (len(logits), count * (count - 1) // 2)
    total = terms.bias + terms.linear.sum(1) + terms.pairs.sum(1)
    close(total if terms.deep is None else total + terms.deep, logits)
    if terms.attention is not None:
        assert terms.attention.shape == terms.pairs.shape
        assert (terms.attention >= 0).all()
        close(terms.attention.sum(1), torch.ones(len(logits)))


@_that_show("fields")
def test_field_terms_add_up_to_the_logit(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, some_films(schema))
    with torch.inference_mode():
        assert isinstance(model, ShowsFields)
        _terms_add_up(model, batch, model(batch))


@_that_show("films")
def test_film_terms_add_up_to_the_logit(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, some_films(schema))
    with torch.inference_mode():
        assert isinstance(model, ShowsFilmTerms)
        alone, added = model.film_terms(batch)
        logits = model(batch)
    assert added.shape == (len(sessions), 7, schema.history_length)
    close(alone + added.sum(2).flatten(), logits)
    nothing = ~batch.history_mask.unsqueeze(1).expand_as(added)
    assert not added[nothing].any()
    assert added.abs().sum() > 0.1
    close(alone[:7], logits[:7])  # of the first, who has watched nothing


@_that_show("history")
def test_history_weights_are_zero_at_padding_and_nowhere_else(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, some_films(schema))
    with torch.inference_mode():
        assert isinstance(model, ShowsHistory)
        weights = model.history_weights(batch)
    assert weights.shape == (len(sessions), 7, schema.history_length)
    assert weights.isfinite().all()
    real = batch.history_mask.unsqueeze(1).expand_as(weights)
    assert torch.equal(weights != 0, real)


@_that_show("history")
def test_history_weights_depend_on_the_candidate(
    card: Card, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    with torch.inference_mode():
        weights = model.history_weights(encode(schema, sessions[-1:], torch.tensor([3, 14])))
    assert _differs(weights[0, 0], weights[0, 1]) == card.weights_by_candidate


@_that_show("history")
def test_history_weights_sum_to_what_they_should(
    card: Card, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    visitors = [session for session in sessions if session.history]
    with torch.inference_mode():
        weights = model.history_weights(encode(schema, visitors, some_films(schema)))
    sums = weights.sum(-1)
    if card.weights_sum == "one":
        close(sums, torch.ones(len(visitors), 7))
    elif card.weights_sum == "less than one":  # the rest is the candidate itself
        assert (weights >= 0).all()
        assert (sums > 0.01).all()
        assert (sums < 0.999).all()
    else:
        assert (sums - 1).abs().max() > 0.01


# What if a card is wrong


@pytest.mark.parametrize(
    ("key", "wrong", "check"),
    [
        ("genre_overlap", {"reads_history": False}, test_another_history_is_another_answer),
        ("genre_overlap", {"reads_history": False}, test_every_place_of_the_history_is_read),
        ("textcnn_rating", {"reads_history": True}, test_another_history_is_another_answer),
        ("genre_overlap", {"reads_dislikes": False}, test_feedback_alone_changes_the_answer),
        ("dcn_text", {"reads_dislikes": True}, test_feedback_alone_changes_the_answer),
        ("genre_overlap", {"reads_profile": True}, test_profile_changes_the_answer),
        ("fm", {"reads_profile": False}, test_profile_changes_the_answer),
        ("genre_overlap", {"reads_order": "last five"}, test_order_matters_where_it_is_read),
        ("fm", {"reads_order": "every place"}, test_order_matters_where_it_is_read),
        ("rnn", {"reads_order": None}, test_order_matters_where_it_is_read),
        ("genre_overlap", {"knows_users": True}, test_only_models_that_know_users_read_who_asks),
        ("genre_overlap", {"shows": ()}, test_cards_say_what_can_be_shown),
        ("genre_overlap", {"baseline": True}, test_a_baseline_is_solved_not_trained),
        ("din", {"weights_sum": "one"}, test_history_weights_sum_to_what_they_should),
        ("dien", {"weights_sum": None}, test_history_weights_sum_to_what_they_should),
        ("bst", {"weights_sum": "one"}, test_history_weights_sum_to_what_they_should),
        ("din", {"weights_by_candidate": False}, test_history_weights_depend_on_the_candidate),
        ("sasrec", {"weights_by_candidate": True}, test_history_weights_depend_on_the_candidate),
    ],
)
def test_a_wrong_card_is_found_out(
    card: Card, wrong: dict[str, Any], check: Callable, request: pytest.FixtureRequest
) -> None:
    names = set(inspect.signature(check).parameters) - {"card"}
    given = {name: request.getfixturevalue(name) for name in names}
    check(card, **given)
    with pytest.raises(AssertionError):
        check(replace(card, **wrong), **given)
