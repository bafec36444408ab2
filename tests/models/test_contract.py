"""One contract for every card of the zoo: what a card declares is how its model behaves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import genre_overlap
import pandas as pd
import pytest
import torch
from by_hand import close, scores_of
from small_models import USERS
from torch import Tensor, nn

from recdemo.checkpoints import open_folder
from recdemo.core.batch import Batch
from recdemo.core.errors import RequestError
from recdemo.core.protocols import (
    AuxiliaryLoss,
    ShowsCrosses,
    ShowsEvolution,
    ShowsFields,
    ShowsFilmTerms,
    ShowsHeads,
    ShowsHistory,
    ShowsLayers,
    ShowsStreams,
    Solved,
    Staged,
    needs_histories,
)
from recdemo.core.session import Session, Watched
from recdemo.data import simulate
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS, card_of
from recdemo.models.cards.card import Card, Shows

KEYS = [*CARDS, genre_overlap.CARD.key]


def _that_show(what: Shows) -> Any:
    """Asks the cards that show something."""
    return pytest.mark.parametrize(
        "key", [card.key for card in (*CARDS.values(), genre_overlap.CARD) if what in card.shows]
    )


def _films(schema: Schema, count: int = 7) -> Tensor:
    return torch.randint(1, schema.size + 1, (count,), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", autouse=True)
def _toy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        genre_overlap.add(patch)
        yield


# The zoo


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


# The contract, for every card


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def card(key: str) -> Card:
    return CARDS[key]


@pytest.fixture
def model(key: str, schema: Schema, make_model: Callable) -> nn.Module:
    return make_model(key, schema)


def test_output_is_one_finite_float_a_row(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    logits = model(encode(schema, sessions, _films(schema)))
    assert logits.shape == (len(sessions) * 7,)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert logits.view(len(sessions), 7)[0].std() > 1e-3  # films are told apart
    one = model(encode(schema, sessions[:1], _films(schema)[:1]))
    assert one.shape == (1,)


def test_many_users_score_as_one_by_one(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = _films(schema)
    alone = torch.cat([scores_of(model, schema, [session], films) for session in sessions])
    close(scores_of(model, schema, sessions, films), alone)


def test_many_candidates_score_as_one_by_one(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = _films(schema, 150)
    together = scores_of(model, schema, sessions[3:8], films)
    some = [*range(0, 150, 13), 127, 128, 149]
    alone = [scores_of(model, schema, sessions[3:8], films[i : i + 1]) for i in some]
    close(together[:, some], torch.cat(alone, dim=1))


def test_each_user_may_have_candidates_of_their_own(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = _films(schema, 3 * len(sessions)).view(-1, 3)
    alone = [scores_of(model, schema, [s], own) for s, own in zip(sessions, films, strict=True)]
    close(scores_of(model, schema, sessions, films), torch.cat(alone))


def test_extra_padding_changes_nothing(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, _films(schema))
    pad = torch.zeros(len(sessions), 4, dtype=torch.long)
    longer = replace(
        batch,
        history=torch.cat([batch.history, pad], dim=1),
        feedback=torch.cat([batch.feedback, pad], dim=1),
    )
    with torch.inference_mode():
        close(model(longer), model(batch))


def test_longer_histories_allowed_give_the_same_logits(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    longer = Schema(schema.movies, history_length=15)
    other = make_model(key, longer, seed=1)
    other.load_state_dict(model.state_dict())
    short = [s for s in sessions if len(s.history) <= schema.history_length]
    films = _films(schema)
    close(scores_of(other, longer, short, films), scores_of(model, schema, short, films))


def test_answers_repeat_whatever_was_asked_between(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = _films(schema)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    kept = {name: set(vars(module)) for name, module in model.named_modules()}
    first = scores_of(model, schema, sessions, films)
    assert torch.equal(scores_of(model, schema, sessions, films), first)
    scores_of(model, schema, sessions[::-1], films.flip(0)[:3])
    torch.manual_seed(99)
    assert torch.equal(scores_of(model, schema, sessions, films), first)
    # A model is shared by all visitors and keeps nothing of them.
    assert {name: set(vars(module)) for name, module in model.named_modules()} == kept
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def _every_value(schema: Schema) -> tuple[list[Session], Tensor]:
    """Visitors and candidates that between them use every id of every vocabulary."""
    ids = [int(i) for i in schema.movie_ids]
    profiles = [("F", 1, 0), (None, None, None), ("M", 56, 20)]
    ages = [1, 18, 25, 35, 45, 50, 56]
    found = []
    for number in range(3 * len(ids)):
        gender, age, occupation = profiles[number % 3]
        if number % 5:
            age, occupation = ages[number % 7], number % 21
        liked = (True, False, None)[(number // len(ids)) % 3]
        # One film alone makes its genre the favourite; others fill the history.
        count = (1, 2, schema.history_length)[number % 3] if number >= len(ids) else 1
        films = [Watched(ids[(number + 5 * i) % len(ids)], liked) for i in range(count)]
        found.append(Session(gender, age, occupation, films))
    films = [
        [(step * number + step) % len(ids) + 1 for step in (1, 3, 7, 9, 11)]
        for number in range(len(found))
    ]
    return found, torch.tensor(films)


def _everything_learned(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Outputs of all stages in one row, and the loss of a second task: what `fit` learns from."""
    besides = torch.zeros(())
    if isinstance(model, AuxiliaryLoss):
        output, besides = model.joint(batch)
    else:
        output = model(batch)
    if isinstance(model, Staged):
        output = torch.cat([output, model.first_stage()(batch)])
    return output, besides


def test_gradients_reach_every_weight(key: str, schema: Schema, make_model: Callable) -> None:
    model = make_model(key, schema, std=0.2).train()
    named = dict(model.named_parameters())
    if isinstance(model, Solved):
        assert not any(value.requires_grad for value in named.values())
        return
    for name, parameter in named.items():
        if name.endswith("bias"):  # a dead unit passes nothing back
            nn.init.constant_(parameter, 0.5)
    visitors, films = _every_value(schema)
    batch = encode(schema, visitors, films)
    users = 1 + torch.arange(len(visitors)) % USERS
    torch.manual_seed(0)
    logits, besides = _everything_learned(model, replace(batch, user=users))
    truth = (torch.rand(len(logits)) < 0.5).float()
    (nn.functional.binary_cross_entropy_with_logits(logits, truth) + besides).backward()
    assert named
    for name, parameter in named.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):  # row 0 is padding or unknown, not used everywhere
            idle = (module.weight.grad[1:] == 0).all(1).nonzero().flatten() + 1
            assert not len(idle), f"rows {idle.tolist()} of {name} never learn"
            if module.padding_idx is not None:
                assert (module.weight.grad[module.padding_idx] == 0).all(), name


def test_saved_and_loaded_it_scores_the_same(
    key: str,
    model: nn.Module,
    schema: Schema,
    sessions: list[Session],
    tmp_path: Path,
    write_checkpoint: Callable,
) -> None:
    write_checkpoint(tmp_path / key / "like", key, model, schema)
    loaded = open_folder(tmp_path / key / "like", schema)
    films = _films(schema)
    assert not loaded.model.training
    model.requires_grad_(False)  # as the loaded one; torch computes a GRU another way if not
    wanted = scores_of(model, schema, sessions, films)
    assert torch.equal(scores_of(loaded.model, loaded.schema, sessions, films), wanted)


def test_unknown_profile_and_empty_history_get_an_answer(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    nobody, no_history = Session(), Session(gender="M", age=56, occupation=20)
    no_profile = Session(history=sessions[-1].history)
    logits = scores_of(model, schema, [nobody, no_history, no_profile], _films(schema))
    assert logits.isfinite().all()


def test_trains_on_users_without_any_history(
    key: str, schema: Schema, make_model: Callable
) -> None:
    model = make_model(key, schema).train()
    batch = encode(schema, [Session()] * 3, _films(schema))
    logits, besides = _everything_learned(model, replace(batch, user=torch.tensor([1, 2, 3])))
    assert logits.isfinite().all()
    assert besides.isfinite()
    if logits.requires_grad:
        (logits.square().sum() + besides).backward()
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        assert all(grad.isfinite().all() for grad in grads)


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
    first, other, none = scores_of(model, schema, visitors, _films(schema))
    assert _differs(first, other) == _differs(first, none) == card.reads_history


def test_every_place_of_the_history_is_read(card: Card, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3, 4, 5, 6)]
    for place in range(6):
        films = [1, 2, 3, 4, 5, 6]
        films[place] = 20
        visitors.append(_history(schema, *films))
    before, *after = scores_of(model, schema, visitors, _films(schema))
    read = [_differs(before, scores) for scores in after]
    assert read == [card.reads_history] * 6


def test_feedback_alone_changes_the_answer(card: Card, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3, liked=liked) for liked in (True, False, None)]
    liked, disliked, watched = scores_of(model, schema, visitors, _films(schema))
    reads = card.reads_history
    assert _differs(liked, disliked) == _differs(liked, watched) == reads
    assert _differs(disliked, watched) == (reads and card.reads_dislikes)


def test_profile_changes_the_answer(card: Card, model: nn.Module, schema: Schema) -> None:
    history = _history(schema, 1, 2, 3).history
    profiles = [("F", 25, 4), ("M", 25, 4), ("F", 35, 4), ("F", 25, 5), (None, None, None)]
    visitors = [Session(*profile, history) for profile in profiles]
    first, *others = scores_of(model, schema, visitors, _films(schema))
    read = [_differs(first, other) for other in others]
    assert read == [card.reads_profile] * 4


def test_only_models_that_know_users_read_who_asks(
    card: Card, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions[-2:], _films(schema))
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
    asked, within, across = scores_of(model, schema, visitors, _films(schema))
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
    batch = encode(schema, sessions, _films(schema))
    with torch.inference_mode():
        assert isinstance(model, ShowsFields)
        _terms_add_up(model, batch, model(batch))


@_that_show("films")
def test_film_terms_add_up_to_the_logit(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, _films(schema))
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
    batch = encode(schema, sessions, _films(schema))
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
        weights = model.history_weights(encode(schema, visitors, _films(schema)))
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
