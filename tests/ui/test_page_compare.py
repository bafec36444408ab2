"""The Compare page: the library's lists side by side, for any visitor and any choice of models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from app import ROOT, VISITS, link_of, open_page, sound
from shipped import load
from streamlit.testing.v1 import AppTest

from recdemo import Session, checkpoints
from recdemo.models import CARDS
from recdemo.ui import compare as ui
from recdemo.ui.engine import films, peers, plain
from recdemo.ui.personas import PERSONAS

MAYA = PERSONAS[0].session
ALL = ".".join(peers("din"))
NUMBER = plain("#")


def compare(session: Session, models: str = "", objective: str = "next") -> AppTest:
    app = open_page(
        "compare", link_of(session, "din", objective) | ({"c": models} if models else {})
    )
    assert [error.value for error in sound(app).error] == []
    return app


def chart(app: AppTest, start: str) -> dict[str, Any]:
    """The plotly figure whose description starts so."""
    found = [
        json.loads(element.proto.spec)
        for element in app.get("plotly_chart")
        if element.proto.alt.startswith(start)
    ]
    assert len(found) == 1
    return found[0]


def unmarked(cell: str) -> str:
    return cell.lstrip("②③④⑤ ")


def top(model: str, objective: Any, session: Session, k: int = 10) -> list[str]:
    labels = films().labels
    listed = load(model, objective).recommend(session, k)["movie_id"]
    return [plain(labels[movie]) for movie in listed]


@pytest.mark.parametrize("visit", VISITS)
@pytest.mark.parametrize("models", ["", ALL, "fm.rating_mlp"], ids=["defaults", "all", "two"])
def test_any_visitor_through_any_models(visit: str, models: str) -> None:
    app = compare(VISITS[visit], models)
    assert [warning.value for warning in app.warning] == []
    size = len(models.split(".")) if models else 5
    assert len(app.multiselect(key="compare_models").value) == size
    assert len(app.subheader) == 4
    assert len(chart(app, "Bar chart")["data"][0]["x"]) == size
    assert len(app.table) == (size <= 5)
    assert len(app.get("plotly_chart")) == {2: 2, 5: 3}.get(size, 4)


def test_the_lists_shown_are_the_library_s() -> None:
    app = compare(MAYA, "fm.din.textcnn_rating")
    shown = app.table[0].value
    assert list(shown) == [NUMBER, "FM", "DIN", "TextCNN rating (stars)"]
    asked = (("FM", "fm", "next"), ("DIN", "din", "next"))
    for column, model, objective in (
        *asked,
        ("TextCNN rating (stars)", "textcnn_rating", "rating"),
    ):
        assert list(map(unmarked, shown[column])) == top(model, objective, MAYA)


def test_the_question_of_the_sidebar_is_asked() -> None:
    shown = compare(MAYA, "fm.din", "like").table[0].value
    assert list(map(unmarked, shown["FM"])) == top("fm", "like", MAYA)


def test_a_film_is_marked_with_the_number_of_lists_it_is_on() -> None:
    shown = compare(MAYA, "fm.din.popularity").table[0].value.drop(columns=NUMBER)
    cells = shown.to_numpy().ravel().tolist()
    films_shown = [unmarked(cell) for cell in cells]
    for cell, film in zip(cells, films_shown, strict=True):
        count = films_shown.count(film)
        assert cell == (f"{'②③'[count - 2]} {film}" if count > 1 else film)
    assert len(set(films_shown)) < len(films_shown)


def test_the_matrix_of_all_models_holds_the_library_s_ranks() -> None:
    app = compare(MAYA, ALL)
    cells = chart(app, "Matrix")["data"][0]
    titles = [label.rsplit(" · ")[0] for label in cells["y"]]
    for column, (model, objectives) in enumerate(peers("din").items()):
        listed = load(model, objectives[0]).recommend(MAYA, 10)
        ranks = dict(zip(listed["movie_id"], listed["rank"], strict=True))
        shown = [int(row[column]) for row in cells["text"] if row[column]]
        assert set(shown) <= set(ranks.values())
        first = films().labels[listed["movie_id"].iloc[0]]
        if first in titles:
            assert cells["text"][titles.index(first)][column] == "1"
    counts = [int(label.rsplit(" · ")[1].strip("\u200b")) for label in cells["y"]]
    assert counts == sorted(counts, reverse=True)
    for count, row in zip(counts, cells["text"], strict=True):
        assert sum(map(bool, row)) == count


@pytest.mark.parametrize("k", [5, 20])
def test_lists_have_the_length_asked_for(k: int) -> None:
    app = compare(MAYA, "fm.din")
    app.segmented_control(key="compare_k").set_value(k).run()
    assert list(map(unmarked, sound(app).table[0].value["DIN"])) == top("din", "next", MAYA, k)


def test_models_are_chosen_and_live_in_the_link() -> None:
    app = compare(MAYA)
    assert "c" not in app.query_params
    app.multiselect(key="compare_models").set_value(["fm", "bst"]).run()
    assert sound(app).query_params["c"] in ("fm.bst", ["fm.bst"])
    assert list(app.table[0].value) == [NUMBER, "FM", "BST"]
    app.button(key="compare_all").click().run()
    assert sound(app).session_state["visit"].compared == tuple(peers("din"))
    app.button(key="compare_defaults").click().run()
    assert sound(app).session_state["visit"].compared == ()
    assert len(app.table[0].value.columns) == 6


def test_one_model_alone_asks_for_another() -> None:
    app = compare(MAYA, "fm")
    assert list(map(unmarked, app.table[0].value["FM"])) == top("fm", "next", MAYA)
    assert "another model" in app.info[0].value
    assert not app.get("plotly_chart")


def test_an_unknown_model_in_the_link_is_named_and_the_rest_compared() -> None:
    app = compare(MAYA, "fm.gpt.din")
    assert "gpt" in app.warning[0].value
    assert list(app.table[0].value) == [NUMBER, "FM", "DIN"]


@pytest.mark.parametrize("models", ["fm.din.bst", "fm.din", "din"])
def test_a_broken_checkpoint_is_named_and_the_rest_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: str
) -> None:
    for path in (ROOT / "checkpoints").iterdir():
        if path.name != "din":
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(ROOT / "checkpoints" / "din", tmp_path / "din")
    weights = tmp_path / "din" / "next" / checkpoints.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(tmp_path))
    st.cache_resource.clear()
    app = compare(MAYA, models)
    assert "DIN is left out" in app.warning[0].value
    others = [CARDS[key].title for key in models.split(".") if key != "din"]
    assert [list(table.value) for table in app.table] == ([[NUMBER, *others]] if others else [])
    assert bool(app.info) == (len(others) < 2)


def test_what_was_asked_once_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    rank = ui.rank

    def counted(model: Any, session: Session, name: str) -> Any:
        asked.append(name)
        return rank(model, session, name)

    monkeypatch.setattr(ui, "rank", counted)
    app = compare(MAYA, "fm.din")
    assert asked == ["fm", "din"]
    app.segmented_control(key="compare_k").set_value(20).run()
    app.multiselect(key="compare_models").set_value(["fm", "din", "afm"]).run()
    assert asked == ["fm", "din", "afm"]
    app.selectbox(key="side_age").set_value(56).run()
    assert asked[3:] == ["fm", "din", "afm"], "another visitor"
    app.button(key="compare_again").click().run()
    assert asked[6:] == ["fm", "din", "afm"], "measured again"


def test_what_is_kept_is_bounded() -> None:
    app = compare(MAYA, ALL)
    ages = (1, 18, 25, 35, 45, 50)
    for age in ages:
        app.selectbox(key="side_age").set_value(age).run()
    kept = sound(app).session_state["compare_kept"]
    assert len(peers("din")) <= len(kept) <= 4 * len(CARDS) < len(ages) * len(peers("din"))
