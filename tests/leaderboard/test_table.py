"""What is read off the leaderboard: order, what is below a formula, faithfulness, and what is in print."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from leaderboard_rows import row

from recdemo.core.errors import CheckpointError
from recdemo.core.figures import METRICS
from recdemo.core.report import Faithfulness, Report
from recdemo.leaderboard import published
from recdemo.leaderboard.table import (
    FILE,
    Figure,
    Row,
    as_frame,
    below,
    below_in_words,
    best_first,
    faithfulness_of,
    figure_of,
    is_baseline,
    read_leaderboard,
    seeds_in_words,
)
from recdemo.models import CARDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_shipped_leaderboard_is_one() -> None:
    board = read_leaderboard(ROOT / "checkpoints")
    stated = json.loads((ROOT / "checkpoints" / FILE).read_text())
    assert json.loads(board.model_dump_json(exclude_unset=True)) == stated
    for entry in board.rows:
        names = [name for name in METRICS if figure_of(entry, name)]
        assert set(entry.figures) <= set(names)


@pytest.mark.parametrize(
    "damage",
    [
        None,
        "",
        "{",
        "[]",
        '{"date": "", "versions": {}}',
        row().model_dump_json().replace('"auc"', '"luck"'),
        row().model_dump_json().replace("0.8", "NaN"),
        row().model_dump_json().replace("[0]", "[]"),
    ],
)
def test_what_is_no_leaderboard_is_named_with_the_way_out(
    tmp_path: Path, damage: str | None
) -> None:
    if damage is not None:
        text = damage
        if '"model"' in damage:
            text = '{"date": "2000-01-01", "versions": {}, "rows": [' + damage + "]}"
        (tmp_path / FILE).write_text(text)
    with pytest.raises(CheckpointError, match="python -m recdemo leaderboard") as error:
        read_leaderboard(tmp_path)
    assert str(tmp_path / FILE) in str(error.value)


def test_the_best_come_first_and_the_unmeasured_last() -> None:
    likes = [row("a", mean=0.7), row("b", mean=0.9), row("c", mean=0.8)]
    assert [r.model for r in best_first(likes)] == ["b", "c", "a"]
    stars = [row("a", "rating", 0.9), row("b", "rating", 0.8)]
    assert [r.model for r in best_first(stars)] == ["b", "a"]
    covered = [
        row("a", "next", report=None),
        row("b", "next", report=Report(slices={}, coverage=0.1)),
        row("c", "next", report=Report(slices={}, coverage=0.4)),
    ]
    assert [r.model for r in best_first(covered, "coverage")] == ["c", "b", "a"]


def test_the_table_shows_deviations_where_there_are_some() -> None:
    figures = {"auc": Figure(mean=0.8, deviation=0.01), "log_loss": Figure(mean=0.5)}
    rows = [row("din", figures=figures, seeds=[0, 1, 2]), row("fm", mean=0.7), row("popularity")]
    table = as_frame(rows)
    assert [name for name in table if name.removeprefix("± ") in METRICS] == [
        "auc",
        "± auc",
        "log_loss",
    ]
    assert table["auc"].tolist() == [0.8, 0.7, 0.8]
    assert table["± auc"].tolist() == pytest.approx([0.01, np.nan, np.nan], nan_ok=True)
    assert table["log_loss"].tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert table["seeds"].tolist() == ["0, 1, 2", "0", "0"]
    assert table["split"].tolist() == ["order"] * 3
    assert table["baseline"].tolist() == [False, False, True]
    assert "faithfulness" not in table, "nobody's is measured"
    assert table["command"].tolist() == [r.command for r in rows]


def with_formulas(patch: pytest.MonkeyPatch) -> None:
    """Two of the models below as if they were solved, not trained."""
    for key in ("pooling", "mf"):
        patch.setitem(CARDS, key, replace(CARDS[key], baseline=True))


def ranked(**means: float) -> list[Row]:
    return [row(key, "next", mean, train_seconds=5.0) for key, mean in means.items()]


def test_no_trained_model_is_below_a_formula_without_its_being_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_formulas(monkeypatch)
    rows = ranked(fm=0.05, din=0.2, pooling=0.15, popularity=0.06, afm=0.1, mf=0.12)
    found = below(rows, "ndcg@10")
    assert [(floor.model, [r.model for r in worse]) for floor, worse in found] == [
        ("pooling", ["afm", "fm"]),  # the best of the formulas
        ("popularity", ["fm"]),
    ]
    assert below_in_words(rows, "ndcg@10") == [
        "2 of 3 trained models rank below POOLING (NDCG@10 0.1500), a formula solved in 5 s: AFM and FM.",
        "1 of 3 trained models ranks below POPULARITY (NDCG@10 0.0600), which knows nothing of the visitor: FM.",
    ]
    rows = ranked(din=0.2, pooling=0.15, afm=0.16)
    assert below_in_words(rows, "ndcg@10") == [
        "Every trained model ranks above POOLING (NDCG@10 0.1500), a formula solved in 5 s."
    ]
    assert below_in_words(ranked(din=0.2), "ndcg@10") == []
    assert below_in_words(ranked(popularity=0.2), "ndcg@10") == []


def test_less_is_better_where_it_is() -> None:
    rows = [row(key, "rating", mean) for key, mean in (("fm", 0.9), ("popularity", 1.0))]
    assert "Every trained" not in below_in_words(rows, "rmse")[0]
    assert "The one trained model ranks above" in below_in_words(rows, "rmse")[0]
    rows = [row(key, "rating", mean) for key, mean in (("fm", 1.1), ("popularity", 1.0))]
    assert "1 of 1 trained models ranks below" in below_in_words(rows, "rmse")[0]


def test_many_below_are_named_by_the_best_and_the_worst() -> None:
    rows = ranked(popularity=0.5, fm=0.4, din=0.3, afm=0.2, mf=0.15, bst=0.1)
    assert below_in_words(rows, "ndcg@10", most=3)[0].endswith(": FM, DIN, 2 more and BST.")
    assert below_in_words(rows, "ndcg@10", most=5)[0].endswith(": FM, DIN, AFM, MF and BST.")


def test_what_is_counted_or_solved_is_a_baseline_and_fm_is_none() -> None:
    assert is_baseline(row("popularity"))
    assert not is_baseline(row("fm"))
    assert not is_baseline(row("nobody"))


def test_seeds_are_said_in_words() -> None:
    one, three = row(), row(seeds=[0, 1, 2])
    assert seeds_in_words([one, one]) == "seed 0"
    assert seeds_in_words([three]) == "mean of seeds 0, 1, 2"
    assert seeds_in_words([three, one, one]) == "seed 0 for 2, mean of seeds 0, 1, 2 for 1"


def faithful(**means: float) -> Row:
    found = {
        kind.replace("_", " "): Faithfulness(mean=mean, users=9) for kind, mean in means.items()
    }
    return row("bst", report=Report(slices={}, faithfulness=found))


def test_a_model_s_faithfulness_is_that_of_its_weights_as_a_whole() -> None:
    for made, mean in (
        (faithful(head_1=0.1, weights=0.5), 0.5),
        (faithful(pairs=0.3), 0.3),
        (faithful(layer_1=0.2, layer_2=0.4), 0.4),
    ):
        found = faithfulness_of(made)
        assert found is not None
        assert found.mean == mean
    assert faithfulness_of(faithful()) is None
    assert faithfulness_of(row()) is None
    table = as_frame([faithful(weights=0.5), row()])
    assert table["faithfulness"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


def test_what_is_published_is_of_our_figures_with_a_source_and_best_first() -> None:
    assert published.beside("next", "order") == published.beside("like", "order") == ()
    assert published.beside("next", "last", "mrr") == ()
    for goal, split, name in (("next", "last", "ndcg@10"), ("rating", "random", "rmse")):
        found = published.beside(goal, split, name)  # type: ignore[arg-type]
        assert len(found) >= 3
        values = [METRICS[name].better * one.figures[name] for one in found]
        assert values == sorted(values, reverse=True)
        for one in found:
            assert set(one.figures) <= set(METRICS)
            assert one.url.startswith("https://")
            assert one.source
