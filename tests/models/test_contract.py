"""Each model against its paper's formula in plain loops, and one contract for every card of the zoo."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import by_hand
import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import close, scores_of
from torch import Tensor, nn

from recdemo.checkpoints import open_folder
from recdemo.core.batch import Batch, Known
from recdemo.core.errors import RequestError
from recdemo.core.protocols import (
    LearnsBesides,
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
    reads_history,
)
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED
from recdemo.data import simulate
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS, card_of
from recdemo.models.popularity import Popularity

KEYS = list(CARDS)
SMALL_USERS = 12  # as in conftest.SMALL
SHOW_FIELDS = [key for key in KEYS if "fields" in CARDS[key].shows]
SHOW_FILMS = [key for key in KEYS if "films" in CARDS[key].shows]
SHOW_HISTORY = [key for key in KEYS if "history" in CARDS[key].shows]

# What a model does not read, and why. It must not react to it, and every model not named here must.
BLIND_TO_HISTORY = {
    "popularity": "knows nothing of the visitor",
    "textcnn_rating": "knows a visitor by profile only",
}
BLIND_TO_PROFILE = {
    "popularity": "knows nothing of the visitor",
    "ease": "a sum over the films watched",
    "linear_next": "a sum over the films watched",
    "ials": "a vector solved from the films watched",
    "pooling": "[pool of the films watched, candidate] and no more",
    "attention_pooling": "[pool of the films watched, candidate] and no more",
    "rnn": "the state is what the films watched left",
    "rnn_als": "the state is what the films watched left",
    "rnn_joint": "the state is what the films watched left",
    "sasrec": "the state is what the films watched left",
    "lightgcn": "a visitor is the sum of their films",
    "hstu": "the state is what the films watched left",
    "dcn_text": "a visitor is the mean of the films they liked",
}
ONLY_WHAT_WAS_LIKED = {"dcn_text": "a visitor is the mean of the films they liked"}
# What of the order of a history a model reads.
NOTHING = "nothing"  # the films are added up
LAST_FIVE = "which films are the last five"  # a field, itself a sum
PLACES = "the place of every film"  # a recurrence, or positions
ORDER = {
    "popularity": NOTHING,
    "ease": PLACES,  # a film counts by its age
    "linear_next": PLACES,
    "ials": PLACES,
    "mf": NOTHING,  # folding in adds up the films' losses
    "two_tower": NOTHING,
    "concat_mlp": NOTHING,
    "rating_mlp": NOTHING,
    "lightgcn": PLACES,
    "fm": LAST_FIVE,
    "embedding_mlp": LAST_FIVE,
    "embedding_cnn": LAST_FIVE,
    "fnn": LAST_FIVE,
    "fnn_plus": LAST_FIVE,
    "wide_deep": LAST_FIVE,
    "wide_deep_poly2": LAST_FIVE,
    "deepfm": LAST_FIVE,
    "dcn": LAST_FIVE,
    "dcn_v2": LAST_FIVE,
    "final_mlp": LAST_FIVE,
    "afm": LAST_FIVE,
    "pooling": NOTHING,
    "rnn": PLACES,
    "rnn_als": PLACES,
    "rnn_joint": PLACES,
    "attention_pooling": NOTHING,
    "din": NOTHING,  # a film's weight knows the film and the candidate, not the place
    "dien": PLACES,
    "bst": PLACES,
    "transformer4rec": PLACES,
    "sasrec": PLACES,
    "hstu": PLACES,
    "dcn_text": NOTHING,
    "textcnn_rating": NOTHING,
    "textcnn_history": NOTHING,
}
# What the weights of a history sum to, where that is known.
SUM_OF_WEIGHTS = {
    "attention_pooling": "one",
    "dien": "one",
    "bst": "less than one",
    "din": "free",
    "transformer4rec": "one",
    "sasrec": "one",
    "hstu": "free",
}
SAME_FOR_ALL = (  # weights that no candidate changes
    "attention_pooling",
    "transformer4rec",
    "sasrec",
    "hstu",
)


def _films(schema: Schema, count: int = 7) -> Tensor:
    return torch.randint(1, schema.size + 1, (count,), generator=torch.Generator().manual_seed(1))


# The formulas, by hand


def _deepfm_by_hand(model: nn.Module, vectors: Callable) -> float:
    embedded = vectors(by_hand.tables_of(model, "machine.embedding."))
    deep = by_hand.two_sided(by_hand.flat(embedded), by_hand.weights_of(model, "deep."), "")
    return by_hand.machine(model, vectors) + deep[0]


def _afm_parts(model: nn.Module, vectors: Callable) -> tuple[float, list[float], list[float]]:
    """w0 + Σ w_i, the attention of each pair, and pᵀ(v_i ⊙ v_j) of each pair.

    A pair with an empty field, so with a vector of zeros, has no attention.
    """
    w = by_hand.weights_of(model)
    products = by_hand.pairs(vectors(by_hand.tables_of(model, "embedding.")))
    scores = []
    for product in products:
        hidden = by_hand.relu(by_hand.linear(product, w["inner.weight"], w["inner.bias"]))
        scores.append(by_hand.dot(w["outer.weight"][0], hidden))
    held = [bool(np.any(p)) for p in products]
    total = sum(math.exp(s) for s, here in zip(scores, held, strict=True) if here)
    attention = [math.exp(s) / total * here for s, here in zip(scores, held, strict=True)]
    linear = sum(v[0] for v in vectors(by_hand.tables_of(model, "linear.")).values())
    values = [by_hand.dot(w["projection"], p) for p in products]
    return float(w["bias"]) + linear, attention, values


def _afm_by_hand(model: nn.Module, vectors: Callable) -> float:
    first, attention, values = _afm_parts(model, vectors)
    return first + by_hand.dot(attention, values)


def _din_parts(
    model: nn.Module, schema: Schema, session: Session, film: int, vectors: Callable
) -> tuple[float, list[float]]:
    """The logit, and the weight of each watched film."""
    w = by_hand.weights_of(model)
    tables = by_hand.tables_of(model, "films.fields.")

    def film_vector(index: int) -> np.ndarray:
        return sum(vectors(tables, film=index).values())

    q = film_vector(film)
    interest = np.zeros(len(q))
    weights = []
    for watched in session.history[-schema.history_length :]:
        kind = {None: JUST_WATCHED, False: DISLIKED, True: LIKED}[watched.liked]
        x = film_vector(schema.movie_ids.tolist().index(watched.movie_id) + 1)
        x = x + w["films.feedback.weight"][kind]
        inputs = [*x, *q, *(x - q), *(x * q)]
        hidden = by_hand.linear(inputs, w["attention.inner.weight"], w["attention.inner.bias"])
        active = by_hand.dice(hidden, w, "attention.dice.")
        outer = by_hand.linear(active, w["attention.outer.weight"], w["attention.outer.bias"])
        weights += outer
        interest = interest + weights[-1] * x
    profile = by_hand.flat(vectors(by_hand.tables_of(model, "head.profile.")))
    x = [*interest, *q, *(interest * q), *profile]
    for layer in (0, 3):
        name = f"head.network.layers.{layer}"
        x = by_hand.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])
        x = by_hand.dice(x, w, f"head.network.layers.{layer + 1}.")
    head = by_hand.linear(x, w["head.network.layers.6.weight"], w["head.network.layers.6.bias"])[0]
    return head + w["head.film_bias.weight"][film, 0], weights


@pytest.mark.parametrize(
    ("key", "formula"),
    [("fm", by_hand.machine), ("deepfm", _deepfm_by_hand), ("afm", _afm_by_hand)],
)
def test_logit_is_the_formula(
    key: str,
    formula: Callable,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
    vectors_by_hand: Callable,
) -> None:
    model = make_model(key, schema)
    films = torch.tensor([4, 29])
    found = scores_of(model, schema, sessions, films)
    for u, session in enumerate(sessions):
        for c, film in enumerate(films.tolist()):

            def vectors(tables: dict, session: Session = session, film: int = film) -> dict:
                return vectors_by_hand(tables, schema.movies, 6, session, film)

            assert float(found[u, c]) == pytest.approx(formula(model, vectors), abs=2e-5, rel=1e-5)
    assert found.std() > 0.1


def test_din_is_the_formula(
    schema: Schema, sessions: list[Session], make_model: Callable, vectors_by_hand: Callable
) -> None:
    model = make_model("din", schema)
    films = torch.tensor([4, 29])
    found = scores_of(model, schema, sessions, films)
    with torch.inference_mode():
        weights = model.history_weights(encode(schema, sessions, films))
    for u, session in enumerate(sessions):
        for c, target in enumerate(films.tolist()):

            def vectors(tables: dict, film: int = target, session: Session = session) -> dict:
                return vectors_by_hand(tables, schema.movies, 6, session, film)

            logit, wanted = _din_parts(model, schema, session, target, vectors)
            assert float(found[u, c]) == pytest.approx(logit, abs=2e-5, rel=1e-5)
            close(weights[u, c, : len(wanted)], wanted)
    assert found.std() > 0.1


@pytest.mark.parametrize("softmax", [False, True])
def test_din_weighs_with_or_without_softmax(
    softmax: bool, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("din", schema, softmax=softmax)
    with torch.inference_mode():
        sums = model.history_weights(encode(schema, sessions[2:], _films(schema))).sum(-1)
    assert torch.allclose(sums, torch.ones(()), atol=1e-5) == softmax


def test_afm_shows_the_attention_of_its_formula(
    schema: Schema, sessions: list[Session], make_model: Callable, vectors_by_hand: Callable
) -> None:
    model = make_model("afm", schema)
    terms = model.field_terms(encode(schema, sessions, torch.tensor([11])))
    for u, session in enumerate(sessions):

        def vectors(tables: dict, session: Session = session) -> dict:
            return vectors_by_hand(tables, schema.movies, 6, session, 11)

        _, attention, values = _afm_parts(model, vectors)
        close(terms.attention[u].detach(), attention)
        wanted = [a * v for a, v in zip(attention, values, strict=True)]
        close(terms.pairs[u].detach(), wanted)


def _known(movie: Tensor, answer: Tensor) -> Known:
    """Ratings of one user."""
    return Known(torch.zeros_like(movie), movie, torch.full_like(movie, LIKED), answer)


def test_popularity_is_a_smoothed_share_of_likes(schema: Schema) -> None:
    movie = torch.tensor([1, 1, 1, 2, 2, 5])
    liked = torch.tensor([True, True, False, False, False, True])
    model = Popularity(schema, prior=4.0)
    model.solve(_known(movie, liked), "like")
    counted = {1: (2, 3), 2: (0, 2), 5: (1, 1)}
    for film in range(1, schema.size + 1):
        likes, ratings = counted.get(film, (0, 0))
        share = (likes + 4 * 3 / 6) / (ratings + 4)
        assert float(model.scores[film]) == pytest.approx(math.log(share / (1 - share)), abs=1e-6)


def test_popularity_for_next_orders_by_the_number_of_likes(schema: Schema) -> None:
    movie = torch.tensor([1, 1, 1, 2, 2, 5])
    liked = torch.tensor([True, True, False, False, False, True])
    model = Popularity(schema)
    model.solve(_known(movie, liked), "next")
    likes = {1: 2, 5: 1}
    for film in range(1, schema.size + 1):
        gap = float(model.scores[film] - model.scores[5])
        wanted = math.log((likes.get(film, 0) + 0.5) / 1.5)
        assert gap == pytest.approx(wanted, abs=1e-6)
    assert float(model.scores.exp().sum()) == pytest.approx(1.0, abs=1e-5)


def test_popularity_of_stars_is_a_smoothed_mean(schema: Schema) -> None:
    movie, stars = torch.tensor([1, 1, 2, 5]), torch.tensor([5.0, 4.5, 1.0, 3.0])
    model = Popularity(schema, prior=4.0)
    model.solve(_known(movie, stars), "rating")
    counted = {1: (9.5, 2), 2: (1.0, 1), 5: (3.0, 1)}
    for film in range(1, schema.size + 1):
        total, ratings = counted.get(film, (0, 0))
        wanted = (total + 4 * 13.5 / 4) / (ratings + 4)
        assert float(model.scores[film]) == pytest.approx(wanted, abs=1e-6)


# The zoo


def test_cards_are_complete() -> None:
    assert KEYS[0] == "popularity"
    for key, card in CARDS.items():
        assert card.key == key
        assert card_of(key) is card
        for text in (card.title, card.family, card.idea, card.source, card.formula):
            assert text.strip()
        assert card.objectives
        assert set(card.training) <= set(card.objectives)


def test_cards_say_what_can_be_shown(key: str, schema: Schema) -> None:
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
    model = CARDS[key].model(schema)
    shown = [name for name, protocol in protocols.items() if isinstance(model, protocol)]
    assert list(CARDS[key].shows) == shown


def test_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match=r"'dinn'.*din"):
        card_of("dinn")


# The contract, for every card


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    return request.param


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
    if isinstance(model, LearnsBesides):
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
    users = 1 + torch.arange(len(visitors)) % SMALL_USERS
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


def test_another_history_is_another_answer(key: str, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3), _history(schema, 1, 2, 9), Session()]
    first, other, none = scores_of(model, schema, visitors, _films(schema))
    assert _differs(first, other) == _differs(first, none) == (key not in BLIND_TO_HISTORY)


def test_every_place_of_the_history_is_read(key: str, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3, 4, 5, 6)]
    for place in range(6):
        films = [1, 2, 3, 4, 5, 6]
        films[place] = 20
        visitors.append(_history(schema, *films))
    before, *after = scores_of(model, schema, visitors, _films(schema))
    read = [_differs(before, scores) for scores in after]
    assert read == [key not in BLIND_TO_HISTORY] * 6


def test_feedback_alone_changes_the_answer(key: str, model: nn.Module, schema: Schema) -> None:
    visitors = [_history(schema, 1, 2, 3, liked=liked) for liked in (True, False, None)]
    liked, disliked, watched = scores_of(model, schema, visitors, _films(schema))
    reads = key not in BLIND_TO_HISTORY
    assert _differs(liked, disliked) == _differs(liked, watched) == reads
    assert _differs(disliked, watched) == (reads and key not in ONLY_WHAT_WAS_LIKED)


def test_profile_changes_the_answer(key: str, model: nn.Module, schema: Schema) -> None:
    history = _history(schema, 1, 2, 3).history
    profiles = [("F", 25, 4), ("M", 25, 4), ("F", 35, 4), ("F", 25, 5), (None, None, None)]
    visitors = [Session(*profile, history) for profile in profiles]
    first, *others = scores_of(model, schema, visitors, _films(schema))
    read = [_differs(first, other) for other in others]
    assert read == [key not in BLIND_TO_PROFILE] * 4


def test_only_models_that_know_users_read_who_asks(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions[-2:], _films(schema))
    visitor, one, other = (
        replace(batch, user=torch.full_like(batch.user, user)) for user in (0, 1, 2)
    )
    with torch.inference_mode():
        answers = [model(asked) for asked in (visitor, one, other)]
    known = CARDS[key].knows_users
    assert _differs(answers[0], answers[1]) == _differs(answers[1], answers[2]) == known


def test_models_that_read_no_history_say_so(
    key: str, model: nn.Module, small_films: pd.DataFrame, schema: Schema
) -> None:
    ratings = Ratings(simulate(small_films, users=SMALL_USERS, seed=1), schema)
    rows = torch.arange(0, len(ratings), 7)
    with torch.inference_mode():
        told, untold = (model(ratings.batch(rows, histories=some)) for some in (True, False))
    assert _differs(told, untold) == reads_history(model)


def test_every_model_says_what_of_the_order_it_reads() -> None:
    assert set(ORDER) == set(KEYS)
    assert set(SUM_OF_WEIGHTS) == set(SHOW_HISTORY)
    for named in (BLIND_TO_HISTORY, BLIND_TO_PROFILE, ONLY_WHAT_WAS_LIKED):
        assert set(named) <= set(KEYS)


def test_order_matters_where_it_is_read(key: str, model: nn.Module, schema: Schema) -> None:
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
    assert _differs(asked, within) == (ORDER[key] == PLACES)
    assert _differs(asked, across) == (ORDER[key] != NOTHING)


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


@pytest.mark.parametrize("key", SHOW_FIELDS)
def test_field_terms_add_up_to_the_logit(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, _films(schema))
    with torch.inference_mode():
        assert isinstance(model, ShowsFields)
        _terms_add_up(model, batch, model(batch))


@pytest.mark.parametrize("key", SHOW_FILMS)
def test_film_terms_add_up_to_the_logit(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session]
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


@pytest.mark.parametrize("key", SHOW_HISTORY)
def test_history_weights_are_zero_at_padding_and_nowhere_else(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, _films(schema))
    with torch.inference_mode():
        assert isinstance(model, ShowsHistory)
        weights = model.history_weights(batch)
    assert weights.shape == (len(sessions), 7, schema.history_length)
    assert weights.isfinite().all()
    real = batch.history_mask.unsqueeze(1).expand_as(weights)
    assert torch.equal(weights != 0, real)


@pytest.mark.parametrize("key", SHOW_HISTORY)
def test_history_weights_depend_on_the_candidate(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    with torch.inference_mode():
        weights = model.history_weights(encode(schema, sessions[-1:], torch.tensor([3, 14])))
    assert _differs(weights[0, 0], weights[0, 1]) == (key not in SAME_FOR_ALL)


@pytest.mark.parametrize("key", SHOW_HISTORY)
def test_history_weights_sum_to_what_they_should(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    visitors = [session for session in sessions if session.history]
    with torch.inference_mode():
        weights = model.history_weights(encode(schema, visitors, _films(schema)))
    sums = weights.sum(-1)
    if SUM_OF_WEIGHTS[key] == "one":
        close(sums, torch.ones(len(visitors), 7))
    elif SUM_OF_WEIGHTS[key] == "less than one":  # the rest is the candidate itself
        assert (weights >= 0).all()
        assert (sums > 0.01).all()
        assert (sums < 0.999).all()
    else:
        assert (sums - 1).abs().max() > 0.01
