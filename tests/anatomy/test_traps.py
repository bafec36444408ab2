"""Each trap does to a visitor what the museum says it does, and the right column is the library's own answer."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from app import FILMS, VISITS
from shipped import load
from torch import nn

from recdemo import Session, Watched, checkpoints
from recdemo.anatomy.trap_demos import Demonstration, demonstrate
from recdemo.anatomy.traps import TRAPS, traps_of
from recdemo.answers.explain import history_weights, titles_of
from recdemo.answers.recommend import Recommender
from recdemo.encoding.encode import encode
from recdemo.models import CARDS
from recdemo.ui.personas import PERSONAS

MAYA = PERSONAS[0].session
READY = checkpoints.available()
KNOWN = [
    (trap.key, model, goal)
    for trap in TRAPS.values()
    for model in trap.models
    for key, goal in READY
    if key == model
]


def shown(
    key: str, model: str, objective: str = "like", session: Session = MAYA, count: int = 3
) -> tuple[Demonstration, Recommender, list[int]]:
    asked = load(model, objective)  # type: ignore[arg-type]
    movies = asked.recommend(session, count)["movie_id"].tolist()
    found = demonstrate(key, asked, session, movies)
    assert found is not None
    return found, asked, movies


def percents(cells: list[str]) -> list[float]:
    return [float(cell.rstrip("%")) / 100 for cell in cells]


def test_every_trap_is_of_a_model_and_told_in_full() -> None:
    for trap in TRAPS.values():
        assert set(trap.models) <= set(CARDS)
        assert trap.printed.endswith(".")
        assert trap.right.endswith(".")
        for code in (trap.printed_code, trap.right_code):
            assert 2 <= code.count("\n") + 1 <= 8
            assert max(map(len, code.splitlines())) <= 46
    assert [trap.key for trap in traps_of("deepfm")] == ["two_sigmoids"]
    assert traps_of("dcn") == []


@pytest.mark.parametrize(("key", "model", "objective"), KNOWN)
@pytest.mark.parametrize("visit", VISITS)
def test_any_visitor_can_try_any_trap(key: str, model: str, objective: str, visit: str) -> None:
    session = VISITS[visit]
    asked = load(model, objective)  # type: ignore[arg-type]
    for count in (1, 3):
        movies = asked.recommend(session, count)["movie_id"].tolist()
        found = demonstrate(key, asked, session, movies)
        if found is None:
            assert key == "wrong_name" or len(session.history) < 2
            continue
        assert found.finding.endswith(".")
        assert found.rows
        assert "nan" not in f"{found.finding} {found.rows}"


def test_films_asked_about_count_as_not_yet_watched() -> None:
    found, asked, movies = shown("dropout_on_logit", "din")
    told = Session(MAYA.gender, MAYA.age, MAYA.occupation, [*MAYA.history, Watched(movies[0])])
    assert demonstrate("dropout_on_logit", asked, told, movies) == found


def test_a_softmax_of_one_thing_is_one() -> None:
    found, asked, movies = shown("softmax_of_one", "afm")
    for row, movie in zip(found.rows, movies, strict=True):
        assert row[1] == "1.000 of 1 thing"
        weights = asked.explain(MAYA, movie).weights
        assert weights is not None
        assert row[2] == f"{max(weights.weights):.3f} of {len(weights.weights)} pairs"


def test_blind_attention_gives_every_film_the_same() -> None:
    found, asked, movies = shown("blind_attention", "din")
    table = history_weights(asked, MAYA, movies).set_index("title")
    for title, printed, right in found.rows:
        assert len(set(printed.split(" · "))) == 1
        assert right.split(" · ") == [f"{value:+.2f}" for value in table.loc[title, movies]]
        assert len(set(right.split(" · "))) > 1


def test_dice_on_the_logit_by_hand() -> None:
    found, asked, movies = shown("dice_on_logit", "din")
    logits = asked.logits(MAYA).astype(float)
    p = 1 / (1 + np.exp(-(logits - logits.mean()) / np.sqrt(logits.var(ddof=1) + 1e-8)))
    printed = 1 / (1 + np.exp(-(p * logits + (1 - p) * 0.1 * logits)))
    places = [int(asked.checkpoint.schema.index_of(movie)) - 1 for movie in movies]
    assert percents([row[1] for row in found.rows[:3]]) == pytest.approx(printed[places], abs=6e-4)
    assert found.rows[-1][1:] == (
        f"{(printed < 0.4).sum():,}",
        f"{(asked.scores(MAYA) < 0.4).sum():,}",
    )


def test_a_softmax_over_steps_weighs_every_film_one() -> None:
    found, _, _ = shown("softmax_over_steps", "dien")
    *sums, apart = found.rows
    for _, printed, right in sums:
        assert (printed, right) == (f"{len(MAYA.history):.2f}", "1.00")
    assert float(apart[1]) == 0
    assert float(apart[2]) > 0


def test_a_random_state_answers_differently_each_time() -> None:
    found, asked, movies = shown("random_state", "dien")
    first, second, alone = found.rows
    assert first[1] != second[1]
    assert first[2] == second[2] == f"{asked.explain(MAYA, movies[0]).logit:+.4f}"
    assert "more than 1 value" in alone[1]


def test_a_softmax_over_visitors_leaves_a_loss_that_nothing_moves() -> None:
    found, asked, _ = shown("softmax_over_batch", "rnn_joint")
    total, greatest, loss = found.rows
    assert total[1:] == (f"{len(FILMS):,}", "1.00")
    assert greatest[1] == "1.000"
    assert float(loss[1]) == pytest.approx(math.log(len(FILMS)), abs=1e-3)
    # The right one, film by film, from what the model says after each shorter history.
    losses = []
    for count in range(1, len(MAYA.history)):
        before = Session(MAYA.gender, MAYA.age, MAYA.occupation, MAYA.history[:count])
        logits = asked.logits(before).astype(float) - float(asked.checkpoint.model.base.bias)
        following = asked.checkpoint.schema.index_of(MAYA.history[count].movie_id) - 1
        losses.append(np.logaddexp.reduce(logits) - logits[following])
    assert float(loss[2]) == pytest.approx(np.mean(losses), abs=2e-3)


def test_a_mask_without_the_diagonal_looks_ahead() -> None:
    found, _, _ = shown("masked_diagonal", "transformer4rec")
    count = len(MAYA.history)
    ahead, itself = found.rows
    assert percents(ahead[1:]) == [pytest.approx((count - 1) / count, abs=1e-3), 0]
    assert percents(itself[1:])[0] == 0
    assert percents(itself[1:])[1] > 0


def test_without_a_mask_attention_goes_to_padding() -> None:
    found, asked, movies = shown("no_padding_mask", "bst")
    empty, seen, own = (percents(row[1:]) for row in found.rows)
    assert empty[0] > 0.2
    assert empty[1] == 0
    for column in range(2):
        assert empty[column] + seen[column] + own[column] == pytest.approx(1, abs=2e-3)
    right = history_weights(asked, MAYA, movies)[movies].sum().mean()
    assert seen[1] == pytest.approx(right, abs=1e-3)


@pytest.mark.parametrize("model", ["bst", "transformer4rec"])
def test_positions_at_full_size_are_louder_than_films(model: str) -> None:
    found, asked, _ = shown("loud_positions", model)
    width = asked.checkpoint.model.positions.table.shape[1]
    film, position = found.rows
    assert float(position[1]) == pytest.approx(math.sqrt(width / 2), abs=0.01)
    assert float(position[1]) > 2 * float(film[1])
    assert float(position[2]) < float(position[1])


@pytest.mark.parametrize("model", TRAPS["tanh_before_sigmoid"].models)
def test_tanh_keeps_chances_in_the_middle(model: str) -> None:
    found, asked, movies = shown("tanh_before_sigmoid", model)
    logits = asked.logits(MAYA).astype(float)
    cut = 1 / (1 + np.exp(-np.tanh(logits)))
    assert cut.min() >= 0.268
    assert cut.max() <= 0.732
    scores = asked.scores(MAYA)
    for row, movie in zip(found.rows, movies, strict=False):
        place = asked.checkpoint.schema.index_of(movie) - 1
        assert row[1:] == (f"{cut[place]:.1%}", f"{scores[place]:.1%}")
    assert found.rows[-1][1:] == (f"{cut.max():.1%}", f"{scores.max():.1%}")
    outside = ((scores < cut.min()) | (scores > cut.max())).sum()
    assert abs(int(re.findall(r"([\d,]+) of", found.finding)[0].replace(",", "")) - outside) <= 1


def test_dropout_on_the_logit_answers_half_or_double() -> None:
    found, asked, movies = shown("dropout_on_logit", "pooling")
    dropout = nn.Dropout(0.5)  # in training mode, as the listing leaves it
    for row, movie in zip(found.rows, movies, strict=True):
        logit = asked.logits(MAYA)[asked.checkpoint.schema.index_of(movie) - 1]
        answers = torch.sigmoid(dropout(torch.full((200,), float(logit)))).unique()
        assert row[1] == " or ".join(f"{answer:.1%}" for answer in answers)
        assert row[2] == f"{1 / (1 + math.exp(-logit)):.1%}"


def test_two_sigmoids_never_lower_a_chance() -> None:
    found, asked, movies = shown("two_sigmoids", "deepfm")
    schema = asked.checkpoint.schema
    terms = asked.checkpoint.model.field_terms(
        encode(schema, [MAYA], torch.tensor([schema.index_of(movie) for movie in movies]))
    )
    scores = asked.scores(MAYA)
    for i, (row, movie) in enumerate(zip(found.rows, movies, strict=False)):
        deep = 1 / (1 + math.exp(-terms.deep[i]))
        printed = 1 / (1 + math.exp(-(float(terms.pairs[i].sum()) + deep)))
        assert row[1:] == (f"{printed:.1%}", f"{scores[schema.index_of(movie) - 1]:.1%}")
    low, high = map(float, found.rows[-1][1].split(" to "))
    assert 0 <= low <= high <= 1
    assert float(found.rows[-1][2].split(" to ")[0]) < 0


def test_renumbering_changes_only_a_filter_along_the_dimensions() -> None:
    found, _, _ = shown("filter_over_dimensions", "embedding_cnn")
    before, after = found.rows
    assert before[1] != after[1]
    assert before[2] == after[2]


def test_genres_and_years_would_share_rows() -> None:
    found, asked, _ = shown("shared_rows", "fm")
    schema = asked.checkpoint.schema
    clashes = sum(
        1 <= int(year) <= schema.genres and bool(flags[int(year) - 1])
        for year, flags in zip(schema.year_ids[1:], schema.genre_flags[1:], strict=True)
    )
    assert found.rows[0][1] == str(min(schema.genres, schema.years))
    assert found.rows[1][1] == f"{clashes:,}"


def test_a_history_with_the_answer_moves_its_place() -> None:
    found, asked, _ = shown("answer_in_history", "rnn_als", "next")
    latest = list(MAYA.history)[::-1][:3]
    assert [row[0] for row in found.rows] == [
        f"Place of {title}" for title in titles_of(asked, [film.movie_id for film in latest])
    ]
    for i, film in enumerate(latest):
        end = len(MAYA.history) - 1 - i
        for column, count in ((2, end), (1, end + 1)):
            told = Session(MAYA.gender, MAYA.age, MAYA.occupation, MAYA.history[:count])
            logits = asked.logits(told)
            own = logits[asked.checkpoint.schema.index_of(film.movie_id) - 1]
            assert found.rows[i][column] == f"{(logits > own).sum() + 1:,}"


def test_one_over_n_plus_one_is_not_a_reciprocal_rank() -> None:
    found, asked, _ = shown("reciprocal_rank", "popularity")
    latest = MAYA.history[-1].movie_id
    before = Session(MAYA.gender, MAYA.age, MAYA.occupation, MAYA.history[:-1])
    place = asked.recommend(before, 5000)["movie_id"].tolist().index(latest) + 1
    assert found.rows[-1][0].startswith(f"Place {place:,},")
    assert found.rows[-1][2] == f"{1 / place:.4f}"
    for name, printed, right in found.rows[1:-1]:
        n = int(name.removeprefix("Place ")) - 1
        assert float(printed) == pytest.approx(1 + 1 / n, abs=1e-3)
        assert float(right) == pytest.approx(1 / (n + 1), abs=1e-3)


def test_a_step_holds_each_title_once() -> None:
    found, asked, _ = shown("titles_again", "textcnn_rating", "rating")
    step = int(asked.checkpoint.card.settings["batch_size"])
    counts = asked.catalogue["ratings"].to_numpy(dtype=float)
    drawn = np.random.default_rng(0).choice(len(counts), (20, step), p=counts / counts.sum())
    mean = np.mean([len(set(row)) for row in drawn])
    printed, right = (int(cell.replace(",", "")) for cell in found.rows[1][1:])
    assert printed == step
    assert right == pytest.approx(mean, rel=0.02)
