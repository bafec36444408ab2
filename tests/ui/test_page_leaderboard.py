"""The leaderboard through AppTest: the file's numbers, whatever it holds; every control; the way out of damage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from app import ROOT, link_of, open_page, sound, text_of
from streamlit.testing.v1 import AppTest

from recdemo import Session
from recdemo.core.figures import MAIN, METRICS, SPLITS
from recdemo.leaderboard import intervals
from recdemo.leaderboard.table import (
    FILE,
    Row,
    as_frame,
    best_first,
    figure_of,
    read_leaderboard,
    seeds_in_words,
)
from recdemo.models import CARDS
from recdemo.ui.engine import plain

BOARD = read_leaderboard(ROOT / "checkpoints")


def rows_of(question: str, split: str = "order") -> list[Row]:
    return [r for r in BOARD.rows if (r.objective, r.split) == (question, split)]


def write(base: Path, rows: list[dict[str, Any]]) -> None:
    board = {"date": "2000-01-01", "versions": {"torch": "2"}, "rows": rows}
    (base / FILE).write_text(json.dumps(board))


def pick(app: AppTest, question: str, number: int) -> AppTest:
    """Choose a row of the table that no filter has cut."""
    listed = "-".join(row.model for row in best_first(rows_of(question)))
    selection = {"rows": [number], "columns": [], "cells": []}
    app.session_state[f"leaderboard_table_{question}_{listed}"] = {"selection": selection}
    return app.run()


@pytest.mark.parametrize("question", ["next", "like", "rating"])
def test_the_table_is_the_file_s_best_first(question: str) -> None:
    app = sound(open_page("leaderboard"))
    app.segmented_control(key="leaderboard_question").set_value(question).run()
    assert [error.value for error in app.error] == []
    shown = app.dataframe[0].value
    expected = best_first(rows_of(question))
    assert [t.removesuffix(" (baseline)") for t in shown["title"]] == [r.title for r in expected]
    baselines = [r.title for r in expected if CARDS[r.model].baseline]
    marked = shown["title"][shown["title"].str.endswith(" (baseline)")]
    assert sorted(marked) == sorted(f"{title} (baseline)" for title in baselines)
    for name in METRICS:
        values = [figure_of(r, name) for r in expected]
        if any(values):
            assert shown[name].tolist() == [v.mean for v in values if v]
        else:
            assert name not in shown
    assert shown["milliseconds"].tolist() == [r.milliseconds for r in expected]
    best = expected[0]
    leader = figure_of(best, MAIN[best.objective])
    assert leader is not None
    assert f"{best.title} leads with" in text_of(app)
    assert f"{leader.mean:.4f}" in text_of(app)


def test_the_question_is_the_visitor_s_until_changed() -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "fm", "like")))
    assert app.segmented_control(key="leaderboard_question").value == "like"
    assert app.subheader[-1].value == "FM, “Would they like it?”"
    app.segmented_control(key="leaderboard_question").set_value("next").run()
    app.switch_page("streamlit_app.py").run()
    app.switch_page("pages/leaderboard.py").run()
    assert sound(app).segmented_control(key="leaderboard_question").value == "next"


@pytest.mark.parametrize("name", ["hr@10", "mrr", "coverage"])
def test_any_figure_can_rank(name: str) -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "fm", "next")))
    app.segmented_control(key="leaderboard_figure_next").set_value(name).run()
    assert [error.value for error in sound(app).error] == []
    shown = app.dataframe[0].value
    assert shown[name].is_monotonic_decreasing
    assert f"leads with {METRICS[name].title} {shown[name][0]:.4f}" in text_of(app)


def test_families_and_words_filter() -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "din", "like")))
    app.button_group(key="leaderboard_families").set_value(["Attention over the history"]).run()
    shown = app.dataframe[0].value
    assert set(shown["family"]) == {"Attention over the history"}
    everybody = best_first(rows_of("like"))
    assert f"{everybody[0].title} leads" in text_of(app), "filters do not change who is best"
    app.text_input(key="leaderboard_search").set_value("dIe").run()
    assert app.dataframe[0].value["title"].tolist() == ["DIEN"]
    assert app.subheader[-1].value == "DIEN, “Would they like it?”"
    app.text_input(key="leaderboard_search").set_value("*no such*").run()
    assert "No model passes" in sound(app).info[0].value
    assert any(plain("*no such*") in caption.value for caption in app.caption)


def test_a_row_says_how_to_make_it_again_and_can_be_asked() -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "din", "like")))
    expected = best_first(rows_of("like"))
    assert expected[3].model != "din"
    pick(app, "like", 3)
    row = expected[3]
    assert sound(app).subheader[-1].value == f"{row.title}, “Would they like it?”"
    assert [code.value for code in app.main.code] == [row.command]
    assert row.date in text_of(app)
    assert f"{row.parameters:,} parameters" in text_of(app)
    app.button(key=f"leaderboard_ask_{row.model}_like").click().run()
    assert sound(app).session_state["visit"].model == row.model
    assert app.session_state["visit"].objective == "like"
    assert not [b for b in app.button if (b.key or "").startswith("leaderboard_ask")]


def test_calibration_and_groups_are_the_report_s() -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "din", "like")))
    by_key = {r.model: r for r in rows_of("like")}
    report = by_key["din"].report
    assert report is not None
    points = 100 * intervals.calibration_error(report.calibration)
    assert f"DIN’s chances are off by {points:.1f} points on average" in text_of(app)
    app.multiselect(key="leaderboard_calibration_din").set_value([]).run()
    assert "Choose a model" in sound(app).info[0].value
    for field in ("gender", "age", "occupation"):
        app.segmented_control(key="leaderboard_field").set_value(field).run()
        values = {
            code: group["auc"] for code, group in report.slices[field].items() if "auc" in group
        }
        assert f"{max(values.values()):.3f} and {min(values.values()):.3f}" in text_of(sound(app))


def test_several_seeds_and_splits_show_what_they_know(base: Path) -> None:
    """Deviations and their whiskers; a protocol without milliseconds borrows those of the weights shipped."""
    rows = []
    for split, mean in (("order", 0.10), ("last", 0.20)):
        for key in ("fm", "din"):
            row = next(r for r in rows_of("next") if r.model == key).model_dump(mode="json")
            for figure in row["figures"].values():
                figure |= {"mean": mean + 0.01 * (key == "din"), "deviation": 0.0123}
            row |= {"split": split, "seeds": [0, 1, 2], "simulated": True}
            row |= {} if split == "order" else {"milliseconds": None, "report": None}
            rows.append(row)
    write(base, rows)
    app = sound(open_page("leaderboard"))
    assert app.dataframe[0].value["± ndcg@10"].tolist() == [0.0123, 0.0123]
    assert "**0.1100** ± 0.0123" in text_of(app)
    assert "seeds 0, 1, 2" in text_of(app)
    assert "the same with `--seed 1` and `--seed 2`" in text_of(app)
    assert all("(simulated)" in name for name in app.dataframe[0].value["title"])
    assert "made-up" in app.warning[0].value
    app.segmented_control(key="leaderboard_split_next").set_value("last").run()
    assert "DIN leads with NDCG@10 0.2100" in text_of(sound(app))
    assert app.dataframe[0].value["milliseconds"].isna().all()
    assert "FM is 0.0100 behind the best of these" in text_of(app)
    assert "Leave-one-out" in text_of(app)
    assert "has not been measured by gender" in app.info[0].value


def test_seed_and_split_are_said_above_all_else() -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "fm", "rating")))
    app.segmented_control(key="leaderboard_question").set_value("rating").run()
    assert app.subheader[0].value == "How many stars? Tested on: last tenth of each user"
    rows = rows_of("rating")
    assert f"{len(rows)} models, {seeds_in_words(rows)}." in text_of(app)
    chooser = app.segmented_control(key="leaderboard_split_rating")
    assert all(SPLITS[how] in chooser.help for how in ("order", "random"))
    chooser.set_value("random").run()
    assert app.subheader[0].value == "How many stars? Tested on: random tenth"
    shown = sound(app).dataframe[0].value
    assert shown["seeds"].tolist() == [
        ", ".join(map(str, r.seeds)) for r in best_first(rows_of("rating", "random"))
    ]
    assert set(shown["split"]) == {"Random tenth"}
    assert "GLocal-K" in text_of(app), "what is in print stands beside"


def test_what_is_in_print_is_beside_the_same_data_only(base: Path) -> None:
    row = rows_of("next", "last")[0].model_dump(mode="json")
    for changes, beside in (({}, True), ({"data": "MovieLens-100K"}, False)):
        write(base, [row | changes])
        text = text_of(sound(open_page("leaderboard")))
        assert ("SASRec" in text) == beside
        assert ("they have no rank" in text) == beside


def test_who_is_below_a_formula_is_named(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARDS, "pooling", replace(CARDS["pooling"], baseline=True))
    rows = [r.model_dump(mode="json") for r in rows_of("next")]
    means = {"pooling": 0.3, "din": 0.2, "fm": 0.1, "popularity": 0.15}
    rows = [row for row in rows if row["model"] in means]
    for row in rows:
        row["figures"]["ndcg@10"]["mean"] = means[row["model"]]
    write(base, rows)
    app = sound(open_page("leaderboard"))
    titles = {key: CARDS[key].title for key in means}
    assert f"{titles['pooling']} leads with NDCG@10 0.3000, and is a baseline" in text_of(app)
    assert "2 of 2 trained models rank below" in text_of(app)
    assert f"which knows nothing of the visitor: {titles['fm']}." in text_of(app)
    assert f"{titles['pooling']} (baseline)" in app.dataframe[0].value["title"].tolist()


def test_how_far_attention_can_be_trusted_is_a_column_and_a_sentence(base: Path) -> None:
    rows = [r.model_dump(mode="json") for r in rows_of("next") if r.model in ("bst", "mf")]
    for row in rows:
        found = {"weights": 0.61, "head 1": 0.35} if row["model"] == "bst" else {}
        row["report"]["faithfulness"] = {
            kind: {"mean": mean, "deviation": 0.125, "users": 200} for kind, mean in found.items()
        }
    write(base, rows)
    app = sound(open_page("leaderboard"))  # whose best row, BST's, is shown in detail
    shown = app.dataframe[0].value.set_index("title")["faithfulness"]
    assert shown["BST"] == 0.61
    assert shown.isna().sum() == 1
    assert "**0.61**, mean over 200 test users, ±0.12" in text_of(app)
    assert "Each by itself: head 1 0.35" in text_of(app)


def test_one_row_alone_leads_nobody(base: Path) -> None:
    write(base, [rows_of("rating")[0].model_dump(mode="json")])
    app = sound(open_page("leaderboard"))
    assert "the only one measured so, reaches RMSE" in text_of(app)
    assert "leads" not in text_of(app)
    assert "nothing to compare its speed with" in app.info[0].value


def test_a_lead_within_the_margin_is_called_level(base: Path) -> None:
    rows = [row.model_dump(mode="json") for row in rows_of("next")][:3]
    for row, mean in zip(rows, (0.1387, 0.1385, 0.05), strict=True):
        row["figures"]["ndcg@10"]["mean"] = mean
    write(base, rows)
    text = text_of(sound(open_page("leaderboard")))
    assert f"which leaves it level with {rows[1]['title']}." in text


def test_one_untimed_row_alone_is_a_page(base: Path) -> None:
    row = rows_of("rating")[0].model_dump(mode="json") | {"milliseconds": None, "report": None}
    write(base, [row])
    app = sound(open_page("leaderboard"))
    assert [error.value for error in app.error] == []
    assert "timed" in app.info[0].value


def test_a_missing_or_damaged_leaderboard_says_how_to_make_it(base: Path) -> None:
    for content in (None, "{", '{"date": "", "versions": {}, "rows": [{}]}'):
        if content is not None:
            (base / FILE).write_text(content)
        app = sound(open_page("leaderboard"))
        assert "leaderboard" in app.error[0].value
        assert app.code[0].value == "python -m recdemo leaderboard"
    write(base, [])
    app = sound(open_page("leaderboard"))
    assert "No model has been measured" in app.info[0].value
    assert "python -m recdemo leaderboard" in app.code[0].value


def test_the_csv_holds_every_row() -> None:
    app = sound(open_page("leaderboard", link_of(Session(), "din", "like")))
    assert app.get("download_button")
    table = as_frame(best_first(rows_of("like")))
    assert len(table.to_csv(index=False).splitlines()) == len(rows_of("like")) + 1


def test_home_names_the_best_and_leads_here() -> None:
    app = sound(open_page("home"))
    best = best_first(rows_of("next"))[0]
    assert f"{best.title} at “What next?” (NDCG@10 {best.figures['ndcg@10'].mean:.4f})" in text_of(
        app
    )
    button = next(b for b in app.button if "all models stand" in b.label)
    button.click().run()
    assert sound(app).title[0].value == "Leaderboard"
