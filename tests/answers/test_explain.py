"""Explanations from the shipped models: they add up to the score shown, and say what the model did."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from shipped import load

from recdemo import RequestError, Session, Watched, checkpoints
from recdemo.answers.explain import AVERAGED, field_values, film_terms, history_weights
from recdemo.answers.explanation import FIELD_NAMES, Explanation
from recdemo.answers.recommend import Recommender
from recdemo.answers.removal import rank_correlation
from recdemo.answers.summands import _orders
from recdemo.blocks.embedding import FIELDS
from recdemo.checkpoints import open_folder
from recdemo.core.protocols import ShowsFields
from recdemo.core.vocabulary import Objective
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS

SESSION = Session(
    "F",
    25,
    12,
    [Watched(1721, False), Watched(1196), *(Watched(m, True) for m in (260, 1214, 541, 589, 2571))],
)
EVERY_MODEL = checkpoints.available()


@cache
def explained(pair: tuple[str, Objective], session: Session, movie: int) -> Explanation:
    """What several tests look at."""
    return load(*pair).explain(session, movie)


@pytest.mark.parametrize("pair", EVERY_MODEL)
@pytest.mark.parametrize(
    "session",
    [Session(), Session(history=[Watched(1, True)]), SESSION],
    ids=["empty", "one film", "seven films"],
)
def test_terms_add_up_to_the_logit_and_the_logit_gives_the_score(pair, session: Session) -> None:
    model, explanation = load(*pair), explained(pair, session, 1210)
    position = model.catalogue["movie_id"].tolist().index(1210)
    assert explanation.total == pytest.approx(explanation.logit, abs=1e-4)
    assert explanation.logit == pytest.approx(float(model.logits(session)[position]), abs=1e-4)
    assert explanation.score == pytest.approx(model.scores(session)[position], rel=1e-4)
    if pair[1] == "like":
        assert explanation.score == pytest.approx(1 / (1 + math.exp(-explanation.total)), abs=1e-4)
    assert math.fsum(explanation.terms_frame()["value"]) == pytest.approx(explanation.total)
    if "Profile" in explanation.terms[0].label:  # what stands without any film
        assert CARDS[pair[0]].reads_profile
    other = explanation.contrast
    gap = explanation.logit - other.logit
    assert math.fsum(term.value for term in other.terms) == pytest.approx(gap, rel=1e-5, abs=1e-5)
    if explanation.exact:
        everybody = model.logits(session)[model.unseen(session)]
        assert len(everybody) == other.films
        assert other.logit == pytest.approx(everybody.mean(dtype=float), abs=1e-4)


@pytest.mark.parametrize("pair", EVERY_MODEL)
def test_a_film_beside_another_one_differs_by_the_terms_shown(pair) -> None:
    model = load(*pair)
    found, other = model.explain(SESSION, 1210, against=1200), explained(pair, SESSION, 1200)
    gap = found.logit - other.logit
    assert found.contrast.logit == pytest.approx(other.logit, abs=1e-4)
    assert math.fsum(term.value for term in found.contrast.terms) == pytest.approx(gap, abs=1e-4)
    mine, theirs = ({t.label: t.value for t in e.terms} for e in (found, other))
    for term in found.contrast.terms:
        more = mine[term.label] - theirs[term.label]
        assert term.value == pytest.approx(more, abs=1e-4), term.label
        if term.visitor_only and found.weights is None:
            assert term.value == 0


def test_a_film_watched_is_no_candidate_to_be_set_beside() -> None:
    with pytest.raises(RequestError, match=r"Alien \(1979\) is watched"):
        load("fm").explain(SESSION, 1210, against=1214)


def test_the_average_of_a_model_asked_again_is_over_films_spread_over_its_ranking() -> None:
    model = load("din")
    other = model.explain(SESSION, 1210).contrast
    ranked = np.sort(model.logits(SESSION)[model.unseen(SESSION)])[::-1]
    parts = [ranked[int((i + 0.5) * len(ranked) / AVERAGED)] for i in range(AVERAGED)]
    assert other.films == AVERAGED
    assert other.logit == pytest.approx(np.mean(parts), abs=1e-4)


@pytest.mark.parametrize("pair", EVERY_MODEL)
def test_removal_is_what_the_model_says_without_the_film(pair) -> None:
    model = load(*pair)
    position = model.catalogue["movie_id"].tolist().index(1210)
    full = float(model.logits(SESSION)[position])
    explanation = explained(pair, SESSION, 1210)
    assert [movie for movie, _ in explanation.removal] == SESSION.movie_ids
    for i, (_, effect) in enumerate(explanation.removal):
        rest = replace(SESSION, history=[f for j, f in enumerate(SESSION.history) if j != i])
        assert effect == pytest.approx(full - float(model.logits(rest)[position]), abs=1e-4)


def test_afm_ledger_is_attention_times_pair_value() -> None:
    model = load("afm", objective="like")
    network = model.checkpoint.model
    session = replace(SESSION, history=[f for f in SESSION.history if f.liked is not None])
    explanation = model.explain(session, 1210)
    weights = explanation.weights
    assert weights is not None
    assert weights.axis == "pair"
    assert not any("just watched" in label for label in weights.labels)
    assert sum(weights.weights) == pytest.approx(1, abs=1e-5)
    batch = encode(
        model.checkpoint.schema, [session], torch.tensor([model.checkpoint.schema.index[1210]])
    )
    with torch.inference_mode():
        fields = network.embedding(batch)[0]
        names = network.embedding.fields
        pairs, scores = {}, {}
        for i in range(len(names)):
            for j in range(i + 1, len(names)):
                product = fields[i] * fields[j]
                label = f"{FIELD_NAMES[names[i]]} × {FIELD_NAMES[names[j]]}"
                pairs[label] = float(network.projection @ product)
                scores[label] = float(network.outer(torch.relu(network.inner(product))))
    held = {
        label: bool(value) for label, value in pairs.items()
    }  # an empty field has a zero vector
    scores = {label: score for label, score in scores.items() if held[label]}
    pairs = {label: value for label, value in pairs.items() if held[label]}
    shares = np.exp(np.array(list(scores.values())) - max(scores.values()))
    shares /= shares.sum()
    terms = {term.label: term.value for term in explanation.terms if term.kind == "pair"}
    assert dict(zip(weights.labels, weights.weights, strict=True)) == pytest.approx(
        dict(zip(scores, shares, strict=True)), abs=1e-5
    )
    assert terms == pytest.approx(
        {label: share * pairs[label] for label, share in zip(pairs, shares, strict=True)}, abs=1e-4
    )


def test_afm_removal_is_the_sum_without_that_pair() -> None:
    explanation = load("afm", objective="like").explain(SESSION, 1210)
    weights = explanation.weights
    assert weights is not None
    attention = np.array(weights.weights)
    values = np.array([term.value for term in explanation.terms if term.kind == "pair"]) / attention
    for i in (0, 7, len(attention) - 1):
        keep = np.arange(len(attention)) != i
        rest = (attention[keep] / attention[keep].sum()) @ values[keep]
        assert weights.removal[i] == pytest.approx(attention @ values - rest, abs=1e-4)


def test_din_weights_differ_from_target_to_target() -> None:
    model = load("din")
    table = history_weights(model, SESSION, [1210, 1])
    assert table["movie_id"].tolist() == SESSION.movie_ids
    assert not np.allclose(table[1210], table[1])
    weights = model.explain(SESSION, 1210).weights
    assert weights is not None
    assert weights.axis == "film"
    assert list(weights.weights) == pytest.approx(table[1210].tolist(), abs=1e-5)


@pytest.mark.parametrize("key", [key for key, card in CARDS.items() if "films" in card.shows])
def test_the_terms_of_a_sum_over_films_are_its_own(
    key: str, schema: Schema, tmp_path: Path, make_model: Callable, write_checkpoint: Callable
) -> None:
    write_checkpoint(tmp_path / key / "next", key, make_model(key, schema), schema)
    model = Recommender(open_folder(tmp_path / key / "next", schema))
    ids = schema.movie_ids.tolist()
    session = Session(history=[Watched(movie, True) for movie in ids[:8]])  # six are read
    table = film_terms(model, session, [ids[20], ids[5]])
    assert table["movie_id"].tolist() == ids[1:8]  # without the sixth, one more is read
    assert table[ids[5]].isna().tolist() == [movie == ids[5] for movie in ids[1:8]]
    for movie in (ids[20], ids[5]):
        explanation = model.explain(session, movie)
        assert explanation.exact
        assert explanation.total == pytest.approx(explanation.logit, abs=1e-5)
        base, *films = explanation.terms
        assert [term.movie_id for term in films] == [m for m in ids[1:8] if m != movie][-6:]
        shown = table.set_index("movie_id")[movie].dropna()
        assert {term.movie_id: term.value for term in films} == pytest.approx(
            {m: shown[m] for m in (term.movie_id for term in films)}, abs=1e-6
        )
        nobody = model.logits(Session())[ids.index(movie)]
        assert base.value == pytest.approx(float(nobody), abs=1e-5)
    assert not load("din").explain(SESSION, 1210).exact
    with pytest.raises(TypeError, match="din is no sum"):
        film_terms(load("din"), SESSION, [1210])


def test_faithfulness_is_the_rank_correlation_of_sizes() -> None:
    weights = load("din").explain(SESSION, 1210).weights
    assert weights is not None
    ranks = [np.argsort(np.argsort(np.abs(x))) for x in (weights.weights, weights.removal)]
    assert weights.faithfulness == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-6)
    assert rank_correlation([1, 2], [1, 2]) is None
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert rank_correlation([3, 1, 2], [-3, -1, -2]) == pytest.approx(-1)
    tied = np.random.default_rng(0).integers(0, 5, size=(2, 30))
    assert rank_correlation(*tied) == pytest.approx(spearmanr(*tied).statistic)


def test_a_film_already_watched_is_explained_as_not_yet_watched() -> None:
    model = load("din")
    rest = replace(SESSION, history=[f for f in SESSION.history if f.movie_id != 260])
    assert model.explain(SESSION, 260).logit == model.explain(rest, 260).logit


@pytest.mark.parametrize("movie", [260, 1210])
def test_logits_asked_already_change_nothing(movie: int) -> None:
    model = load("din")
    logits = model.logits(SESSION)
    assert model.explain(SESSION, movie, logits=logits) == model.explain(SESSION, movie)
    listed = model.recommend(SESSION, 5, logits=logits)
    assert listed.equals(model.recommend(SESSION, 5))


def test_a_target_in_the_history_is_left_out_of_its_own_weights() -> None:
    model = load("din")
    table = history_weights(model, SESSION, [260, 1210]).set_index("movie_id")
    assert table[260].isna().tolist() == [movie == 260 for movie in SESSION.movie_ids]
    weights = model.explain(SESSION, 260).weights
    assert weights is not None
    assert list(weights.weights) == pytest.approx(table[260].dropna().tolist(), abs=1e-5)
    alone = Session(history=[Watched(260, True)])
    assert history_weights(model, alone, [260]).empty
    assert model.explain(alone, 260).weights.labels == ()


def test_a_long_history_is_explained_by_the_films_the_model_reads() -> None:
    model = load("din")
    films = model.catalogue["movie_id"].tolist()[:200]
    explanation = model.explain(Session(history=[Watched(m, True) for m in films]), 3952)
    read = model.checkpoint.schema.history_length
    assert explanation.films_read == read < 200
    assert [movie for movie, _ in explanation.removal] == films[-read:]
    assert explanation.total == pytest.approx(explanation.logit, abs=1e-3)


def test_field_values_say_what_each_field_holds() -> None:
    held = field_values(load("afm"), SESSION, 1210)
    assert held["gender"] == "Female"
    assert held["liked"] == "5 films"
    assert held["disliked"] == held["watched"] == "1 film"
    assert held["favourite_genre"] == "Sci-Fi"
    assert "The Matrix (1999)" in held["last_five"]
    assert set(held) == set(FIELD_NAMES)


def test_an_unknown_film_is_named() -> None:
    with pytest.raises(RequestError, match="91"):
        load("fm").explain(SESSION, 91)


@pytest.mark.parametrize("pair", EVERY_MODEL)
def test_an_explanation_is_plain_data(pair) -> None:
    explanation = explained(pair, SESSION, 1210)
    again = json.loads(json.dumps(explanation.as_dict(), allow_nan=False))
    assert again["total"] == explanation.total
    fields = isinstance(load(*pair).checkpoint.model, ShowsFields)
    assert bool(explanation.fields) == fields


@pytest.mark.parametrize(("films", "wanted"), [(0, 8), (1, 8), (50, 8), (100, 4), (200, 2)])
def test_long_histories_are_built_up_in_fewer_orders(films: int, wanted: int) -> None:
    places = tuple(range(films))
    orders = _orders(places)
    assert len(orders) == wanted
    for order, reverse in zip(orders[::2], orders[1::2], strict=True):
        assert order == reverse[::-1]
        assert sorted(order) == list(places)


def test_every_field_has_a_name_for_people() -> None:
    assert set(FIELD_NAMES) == set(FIELDS)
