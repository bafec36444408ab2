"""What is chosen on a page is in its link: opened again, the page stands as it stood."""

from __future__ import annotations

from typing import Any

import pytest
from app import link_of, open_page, sound

from recdemo.anatomy.traps import traps_of
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import encode_visit

MAYA = PERSONAS[0].session

LAST_TRAP = traps_of("din")[-1].title
LAYERS = {"ah": "Who looks at whom"}
# (page, model, objective, what the link says besides, kind and key of the widget, what is chosen, name in the link)
CHOICES: list[tuple[str, str, str, dict[str, str], str, str, Any, str]] = [
    ("attention", "dcn_v2", "next", {}, "segmented_control", "cross_layer", "Layer 2", "ac"),
    ("attention", "sasrec", "next", LAYERS, "selectbox", "look_layer", 0, "ay"),
    ("attention", "sasrec", "next", LAYERS, "segmented_control", "look_head", "Head 1", "ad"),
    ("models", "din", "next", {}, "segmented_control", "models_scored", "One film", "ms"),
    ("models", "din", "next", {}, "button_group", "models_trap_din", LAST_TRAP, "mt"),
    ("models", "din", "next", {}, "selectbox", "models_file_din", "recdemo/blocks/mlp.py", "mf"),
    ("lab", "din", "next", {}, "button_group", "lab_curves", ["ReLU", "Dice"], "xc"),
    ("lab", "din", "next", {}, "button_group", "lab_curves", [], "xc"),
    ("lab", "din", "next", {}, "slider", "lab_leaky", -0.31, "xl"),
    ("lab", "din", "next", {}, "slider", "lab_learned", 0.5, "xp"),
    ("lab", "din", "next", {}, "slider", "lab_range", (0.2, 0.4), "xr"),
    ("lab", "din", "next", {}, "slider", "lab_dice", 0.07, "xd"),
    ("lab", "din", "next", {}, "slider", "lab_mean", -1.0, "xm"),
    ("lab", "din", "next", {}, "slider", "lab_deviation", 2.5, "xv"),
    ("data", "din", "next", {}, "selectbox", "data_taste_dw", "age-56", "dw"),
    ("embeddings", "din", "next", {"eq": "Another model"}, "selectbox", "embeddings_other", "bst", "eo"),
    ("leaderboard", "din", "like", {}, "multiselect", "leaderboard_calibration_din", ["fm"], "lc"),
]  # fmt: skip


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: f"{choice[0]} {choice[-1]}")
def test_a_choice_is_in_the_link(choice: tuple[Any, ...]) -> None:
    page, model, objective, besides, kind, key, chosen, name = choice
    app = sound(open_page(page, link_of(MAYA, model, objective) | besides))
    widget = getattr(app, kind)(key=key)
    before = widget.value
    widget.set_value(chosen).run()
    after = getattr(sound(app), kind)(key=key).value
    assert after != before
    link = encode_visit(app.session_state["visit"])
    assert link.keys() <= app.query_params.keys()
    assert name in link

    again = sound(open_page(page, link))
    assert getattr(again, kind)(key=key).value == after
    getattr(again, kind)(key=key).set_value(before).run()
    assert name not in sound(again).query_params


NO_NUMBERS = ("9", "x", "", "1e-1", "nan", "-", "..", "0.123456789")


@pytest.mark.parametrize(
    ("one", "two"), [*((told, told) for told in NO_NUMBERS), ("0.1..0.2", "0.3..0.2")]
)
def test_numbers_that_are_none_of_the_slider_s_are_passed_over(one: str, two: str) -> None:
    app = sound(open_page("lab", link_of(MAYA) | {"xl": one, "xr": two}))
    assert app.slider(key="lab_leaky").value == 0.01
    assert app.slider(key="lab_range").value == pytest.approx((1 / 8, 1 / 3), abs=0.01)
