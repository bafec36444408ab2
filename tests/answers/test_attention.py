"""Heads, layers and evolving interest as shown are those of the answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from shipped import load

from recdemo import Session, Watched, checkpoints
from recdemo.answers import attention
from recdemo.answers.explain import history_weights
from recdemo.answers.explanation import pair_label
from recdemo.models import CARDS

SESSION = Session(
    "F",
    25,
    12,
    [Watched(1721, False), Watched(1196), *(Watched(m, True) for m in (260, 1214, 541, 589, 2571))],
)
LONG = Session(history=[Watched(movie, True) for movie in range(1, 81)])
TARGETS = [1210, 2571, 1]  # one of them is in the history, and asked about as if it were not


def _showing(kind: str) -> list[tuple[str, str]]:
    return [pair for pair in checkpoints.available() if kind in CARDS[pair[0]].shows]


@pytest.mark.parametrize("pair", _showing("heads"))
@pytest.mark.parametrize("session", [SESSION, LONG], ids=["seven films", "eighty films"])
def test_heads_share_out_one_and_their_mean_is_the_weight_shown(pair, session: Session) -> None:
    model = load(*pair)
    for movie in TARGETS:
        table = attention.head_weights(model, session, movie)
        heads = table.drop(columns=["movie_id", "title"])
        assert heads.shape[1] > 1
        assert heads.sum().to_numpy() == pytest.approx(np.ones(heads.shape[1]), abs=1e-5)
        assert table["movie_id"].iloc[-1] == movie
        explanation = model.explain(session, movie)
        assert table["movie_id"].tolist()[:-1] == [film for film, _ in explanation.removal]
        assert heads.mean(axis=1).tolist()[:-1] == pytest.approx(explanation.weights.weights)


@pytest.mark.parametrize("pair", _showing("layers"))
@pytest.mark.parametrize("session", [SESSION, LONG], ids=["seven films", "eighty films"])
def test_the_latest_film_s_look_in_the_last_layer_is_the_weight_shown(
    pair, session: Session
) -> None:
    model = load(*pair)
    films, weights = attention.layer_weights(model, session)
    assert films == session.movie_ids[-model.checkpoint.schema.history_length :]
    assert weights.shape[2:] == (len(films), len(films))
    if CARDS[pair[0]].weights_sum == "one":
        assert weights.sum(-1) == pytest.approx(np.ones(weights.shape[:3]), abs=1e-5)
    shown = history_weights(model, session, [1210])[1210]
    assert weights[-1, :, -1].mean(0) == pytest.approx(shown.dropna().to_numpy())


@pytest.mark.parametrize("pair", _showing("evolution"))
@pytest.mark.parametrize("session", [SESSION, LONG], ids=["seven films", "eighty films"])
def test_an_interest_ends_at_the_logit_and_a_shorter_history_is_another(
    pair, session: Session
) -> None:
    model = load(*pair)
    table = attention.evolution(model, session, TARGETS)
    for movie in TARGETS:
        mine = table[table["target"] == movie]
        explanation = model.explain(session, movie)
        assert len(mine) == explanation.films_read
        assert [session.movie_ids[step - 1] for step in mine["step"]] == mine["movie_id"].tolist()
        assert mine["attention"].tolist() == pytest.approx(explanation.weights.weights)
        assert mine["logit"].iloc[-1] == pytest.approx(explanation.logit, abs=1e-4)
        assert mine["logit"].nunique() > 1
        assert (mine["gate"] > 0).all()
        assert (mine["gate"] < mine["attention"]).all()  # u' = a_t u with u < 1


def test_a_target_that_was_watched_leaves_a_gap_and_moves_no_film() -> None:
    model = load("dien", "next")
    watched = SESSION.movie_ids[2]
    table = attention.evolution(model, SESSION, [watched, TARGETS[0]])
    assert (table.groupby("step")["movie_id"].nunique() == 1).all()
    mine, other = (
        table[table["target"] == movie]["step"].tolist() for movie in (watched, TARGETS[0])
    )
    assert other == list(range(1, len(SESSION.history) + 1))
    assert mine == [step for step in other if step != 3]


@pytest.mark.parametrize("session", [Session(), SESSION, LONG], ids=["empty", "seven", "eighty"])
def test_layers_of_crosses_add_up_to_the_logit_and_to_the_terms_of_its_explanation(
    session: Session, untrained: Callable
) -> None:
    model = untrained("dcn_v2")
    for movie in TARGETS:
        found, explanation = attention.crosses(model, session, movie), model.explain(session, movie)
        assert explanation.total == pytest.approx(explanation.logit, abs=1e-4, rel=1e-6)
        parts = found.parts.set_index("part")["value"]
        assert parts.sum() == pytest.approx(explanation.logit, abs=1e-4, rel=1e-6)
        sums = found.layers.sum(axis=(1, 2)).tolist()
        assert sums == pytest.approx([parts["Layer 1"], parts["Layer 2"]], abs=1e-5)
        told = {term.label: term.value for term in explanation.terms}
        whole = found.layers.sum(axis=0)
        i, j = (found.fields.index(name) for name in ("age", "movie"))
        assert told[pair_label("age", "movie")] == pytest.approx(
            whole[i, j] + whole[j, i], abs=1e-5
        )
        assert not any(term.visitor_only for term in explanation.terms if term.kind != "bias")
        # An empty list of films adds nothing, and is said to hold nothing.
        empty = dict(zip(found.fields, ~found.held, strict=True))
        assert empty["liked"] == (session == Session())
        assert empty["disliked"] == (session != SESSION)
        assert not empty["movie"]
        assert not empty["gender"]


@pytest.mark.parametrize("session", [Session(), SESSION, LONG], ids=["empty", "seven", "eighty"])
def test_streams_add_up_to_the_logit_and_each_set_of_gates_reads_one_side(
    session: Session, untrained: Callable
) -> None:
    model = untrained("final_mlp")
    found = [attention.streams(model, session, movie) for movie in TARGETS]
    for movie, one in zip(TARGETS, found, strict=True):
        explanation = model.explain(session, movie)
        assert one.parts["value"].sum() == pytest.approx(explanation.logit, abs=1e-4)
        assert explanation.total == pytest.approx(explanation.logit, abs=1e-4, rel=1e-6)
        assert len(one.parts) == 5  # the bias, two streams, two heads
        assert one.gates["field"].tolist()[-3:] == ["This film", "Its genres", "Its release year"]
        assert one.gates[["visitor", "film"]].stack().between(0, 2).all()
    first, other = found[0].gates, found[2].gates  # neither film is in the history
    assert first["visitor"].tolist() == pytest.approx(other["visitor"].tolist())
    assert (first["film"] - other["film"]).abs().max() > 1e-3


def test_models_without_such_an_inside_say_so() -> None:
    model = load("fm", "like")
    for ask in (
        lambda: attention.head_weights(model, SESSION, 1),
        lambda: attention.layer_weights(model, SESSION),
        lambda: attention.evolution(model, SESSION, [1]),
        lambda: attention.crosses(model, SESSION, 1),
        lambda: attention.streams(model, SESSION, 1),
    ):
        with pytest.raises(TypeError, match="fm has no"):
            ask()


def test_the_strongest_pair_is_named_with_what_is_unknown_of_it() -> None:
    values = {pair_label("gender", "movie"): 0.3, pair_label("age", "movie"): 0.7}
    held = {"gender": "Female", "age": "unknown", "movie": "A"}
    said = attention.strongest_pair(values, held, shares=True)
    assert said.startswith(
        "**Age group × This film** gets most attention, 70.0% (age group unknown);"
    )
    assert "an even share of 2 pairs would be 50.0%" in said
    values = {pair_label("gender", "movie"): -0.9, pair_label("age", "movie"): 0.7}
    said = attention.strongest_pair(values, held, shares=False)
    assert said == "**Gender × This film** moves the logit most, -0.900."


def test_the_strongest_cross_is_read_off_its_layer() -> None:
    layers = np.array([[[0.1, 0.2], [-0.9, 0.0]], [[0.0, 0.5], [0.1, 0.2]]])
    parts = pd.DataFrame({"part": [], "value": []})
    found = attention.Crosses(
        fields=("gender", "age"), layers=layers, parts=parts, held=np.ones(2, dtype=bool)
    )
    assert attention.strongest_cross(found, 0) == (
        "Layer 1 adds **-0.600**, most of all **Age group** times what it reads of **Gender** (-0.900)."
    )
    assert "**Gender** times what it reads of **Age group** (+0.500)" in attention.strongest_cross(found, 1)  # fmt: skip


def test_gates_open_and_closed_are_those_of_the_film() -> None:
    gates = pd.DataFrame({"field": ["a", "b", "c"], "visitor": [0, 2, 1], "film": [1.0, 0.2, 1.7]})
    said = attention.widest_gates(gates, "F")
    assert "widest for **c** (1.70)" in said
    assert "furthest for **b** (0.20)" in said


def test_where_the_latest_film_looks_most() -> None:
    looks = np.array([[1.0, 0.0], [0.8, 0.2]])
    said = attention.most_looked_at(looks, ["A", "B"], shares=True)
    assert (
        said
        == "The latest film, **B**, looks most at **A** (80%); an even share of 2 would be 50%."
    )
    looks = np.array([[1.0, 0.0], [0.1, -0.2]])
    said = attention.most_looked_at(looks, ["A", "B"], shares=False)
    assert said == "The latest film, **B**, takes most of **B** (-0.2000)."


def test_the_head_that_tells_what_mattered() -> None:
    removal = [(1, 0.1), (2, -0.5), (3, 0.9)]
    heads = {1: np.array([3, 2, 1]), 2: np.array([1, 2, 3]), 3: np.array([1, 1, 1])}
    said = attention.most_faithful_head(heads, removal)
    assert said == "Head 2 is the most faithful (+1.00), head 1 the least (-1.00)."
    assert attention.most_faithful_head({2: heads[2], 3: heads[3]}, removal) == ""


def test_rollout_multiplies_the_layers_through() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(4), size=(3, 2, 4))  # [layers, H, n, n]
    found = attention.rollout(weights)
    assert found is not None

    def came(layer: int, place: int, film: int) -> float:
        """How much of a film is at a place after so many layers."""
        if layer == 0:
            return float(place == film)
        mean = weights[layer - 1].mean(0)[place]
        passed = sum(mean[other] * came(layer - 1, other, film) for other in range(4))
        return (passed + came(layer - 1, place, film)) / 2

    expected = [[came(3, place, film) for film in range(4)] for place in range(4)]
    assert found == pytest.approx(np.array(expected))
    assert found.sum(1) == pytest.approx(np.ones(4))
    assert attention.rollout(weights[:1]) is None
    assert attention.rollout(3 * weights) is None
