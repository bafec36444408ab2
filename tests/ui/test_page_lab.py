"""The Lab page: curves that follow the sliders, and weights that are the small models' own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from app import ROOT, VISITS, link_of, open_page, sound
from streamlit.testing.v1 import AppTest

from recdemo import Session, checkpoints
from recdemo.anatomy import lab
from recdemo.anatomy.lab import FORMULAS
from recdemo.answers.explain import history_weights
from recdemo.answers.recommend import Recommender
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.schema import Schema
from recdemo.ui.personas import PERSONAS

MAYA = PERSONAS[0].session
ASKED = [1240, 1200, 912]


def attention(session: Session, targets: list[int] | None = None) -> AppTest:
    link = link_of(session)
    if targets:
        link["t"] = "-".join(map(str, targets))
    app = open_page("lab", link)
    app.segmented_control(key="lab_experiment").set_value("attention").run()
    assert [error.value for error in sound(app).error] == []
    return app


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def numbers(values: Any) -> np.ndarray:
    """Of a figure's JSON, where arrays may be packed."""
    import base64

    if isinstance(values, dict):
        flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
        shape = values.get("shape")
        return flat.reshape([int(n) for n in shape.split(",")]) if shape else flat
    return np.array(values, dtype=float)


def curve(figure: dict[str, Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes."""
    first, second = (trace for trace in figure["data"] if trace.get("name") == name)
    return numbers(first["y"]), numbers(second["y"])


def test_curves_follow_the_sliders() -> None:
    app = sound(open_page("lab", link_of(MAYA)))
    (figure,) = charts(app)
    values, slopes = curve(figure, "LeakyReLU")
    assert (values[0], slopes[0]) == pytest.approx((-0.04, 0.01))
    app.slider(key="lab_leaky").set_value(0.5).run()
    app.slider(key="lab_dice").set_value(0.25).run()
    app.slider(key="lab_mean").set_value(1.0).run()
    (figure,) = charts(sound(app))
    values, slopes = curve(figure, "LeakyReLU")
    assert (values[0], slopes[0]) == pytest.approx((-2, 0.5))
    table = lab.activation_curves(["Dice"], lab.Slopes(dice=0.25, mean=1.0))
    assert curve(figure, "Dice")[0] == pytest.approx(table["y"].to_numpy())
    assert any("−1.00 with LeakyReLU" in text.value for text in app.markdown)


def test_only_the_curves_chosen_are_drawn() -> None:
    app = open_page("lab", link_of(MAYA))
    app.button_group(key="lab_curves").set_value(["ReLU"]).run()
    (figure,) = charts(sound(app))
    assert {trace["name"] for trace in figure["data"]} == {"ReLU"}
    assert not app.slider
    assert any("ReLU has no slope there" in text.value for text in app.markdown)
    app.button_group(key="lab_curves").set_value([]).run()
    assert "Choose a curve" in sound(app).info[0].value


@pytest.mark.parametrize("visit", VISITS)
def test_any_visitor_can_weigh(visit: str) -> None:
    app = attention(VISITS[visit])
    if not VISITS[visit].history:
        assert "nothing to weigh" in app.info[0].value
        return
    assert len(app.latex) == len(FORMULAS)
    assert len(charts(app)) == len(FORMULAS)
    assert [info.value for info in app.info] == []


def test_the_weights_shown_are_the_models_own() -> None:
    app = attention(MAYA, ASKED)
    schema = Schema(read_catalogue(checkpoints.root() / checkpoints.CATALOGUE))
    for kind, figure in zip(FORMULAS, charts(app), strict=True):
        model = Recommender(checkpoints.open_folder(lab.folder_of(kind), schema))
        table = history_weights(model, MAYA, ASKED)[::-1]
        (map_,) = figure["data"]
        assert numbers(map_["z"]) == pytest.approx(table[ASKED].to_numpy(), abs=1e-6)
        assert numbers(map_["z"]).sum(0) == pytest.approx([1, 1, 1], abs=1e-5)
        (row,) = app.dataframe[0].value.query("way == @FORMULAS[@kind].title").to_dict("records")
        assert row["auc"] == model.checkpoint.card.metrics.test["auc"]
        assert row["change"] == pytest.approx(100 * lab.change_with_target(model.checkpoint, MAYA))
        assert row["spread"] == pytest.approx(lab.films_that_count(table[ASKED[0]]))
    finding = next(text.value for text in app.markdown if "the same weights" in text.value)
    assert finding.startswith("**The film alone** and **Film and visitor** give")
    assert "The other 3 look at it" in finding


def test_a_long_history_shows_its_latest_films_first() -> None:
    app = attention(VISITS["200 films"], ASKED)
    assert numbers(charts(app)[0]["data"][0]["z"]).shape == (12, 3)
    app.segmented_control(key="lab_rows_50").set_value("All 50 read").run()
    assert numbers(charts(sound(app))[0]["data"][0]["z"]).shape == (50, 3)


def test_films_are_chosen_and_live_in_the_link() -> None:
    app = attention(MAYA)
    app.multiselect(key="lab_targets").set_value(ASKED[:2]).run()
    assert sound(app).query_params["t"] in ("1240-1200", ["1240-1200"])
    assert numbers(charts(app)[0]["data"][0]["z"]).shape == (len(MAYA.history), 2)


def test_what_is_not_trained_yet_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "checkpoints"
    shutil.copytree(ROOT / "checkpoints", base)
    shutil.rmtree(base / "lab" / "dot")
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    st.cache_resource.clear()
    app = attention(MAYA, ASKED)
    assert "1 of 5" in app.info[0].value
    assert "Dot product" in app.info[0].value
    assert app.code[0].value == "python -m recdemo lab"
    assert len(charts(app)) == 4
    shutil.rmtree(base / "lab")
    app = attention(MAYA, ASKED)
    assert "5 of 5" in app.info[0].value
    assert charts(app) == []
