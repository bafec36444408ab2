"""Formulas that a browser draws by itself, and the steps of an answer without a script."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image
from shipped import load

import recdemo
from recdemo.answers.step_words import WORDS
from recdemo.charts import steps
from recdemo.charts.mathml import mathml, unknown
from recdemo.core.steps import Axis, Step
from recdemo.ui.personas import PERSONAS

HAND = {
    r"a_i": "<msub><mi>a</mi>[<mi>i</mi>]</msub>",
    r"x^{2}": "<msup><mi>x</mi>[[<mn>2</mn>]]</msup>",
    r"\sum_{i<j} v": "<munder><mo>∑</mo>[[<mi>i</mi><mo>&lt;</mo><mi>j</mi>]]</munder><mi>v</mi>",
    r"\textstyle\sum_i": "<msub><mo>∑</mo>[<mi>i</mi>]</msub>",
    r"w_i_{+j}": "<msub><mi>w</mi>[[<mi>i</mi>][<mo>+</mo><mi>j</mi>]]</msub>",
    r"\frac{1}{\sqrt d}": "<mfrac>[<mn>1</mn>][<msqrt><mi>d</mi></msqrt>]</mfrac>",
    r"\mathrm{film}_i \odot q": '<msub><mtext class="word">film</mtext>[<mi>i</mi>]</msub><mo>⊙</mo><mi>q</mi>',
    r"\text{the film's <b>}": '<mtext class="word">the film&#x27;s &lt;b&gt;</mtext>',
    r"h_1^{(2)}": "<msubsup><mi>h</mi>[<mn>1</mn>][[<mo>(</mo><mn>2</mn><mo>)</mo>]]</msubsup>",
    r"x'": '[<mi>x</mi><mo lspace="0" rspace="0">′</mo>]',
}  # brackets stand for rows


@pytest.mark.parametrize(("latex", "drawn"), HAND.items())
def test_a_formula_is_drawn(latex: str, drawn: str) -> None:
    rows = drawn.replace("[", "<mrow>").replace("]", "</mrow>")
    assert f"<mrow>{rows}</mrow></math>" in mathml(latex)
    assert unknown(latex) == []


def test_every_formula_of_a_step_is_drawn() -> None:
    formulas = [text for words in WORDS.values() for text in (words.symbol, words.formula)]
    for model in ("fm", "din", "linear_next"):
        trace = recdemo.trace(load(model), PERSONAS[0].session, 1210)
        formulas += [step.formula for step in trace.steps]
    assert {text: unknown(text) for text in formulas if unknown(text)} == {}
    for text in formulas:
        ElementTree.fromstring(mathml(text))
    assert unknown(r"a \nothing b") == [r"\nothing"]


def test_a_step_is_told_and_pictured_without_a_script() -> None:
    axes = (Axis("film", 2, ("Alien (1979)", "Heat (1995)")), Axis("dimension", 3))
    values = np.array([[0.5, -1.0, 0.0], [0.25, 0.0, 0.75]])
    step = Step("x", "Rows", "x", "x", "input", (), "", axes, values, "Two films.")
    assert steps.in_words(step) == (
        "Rows. Two films. Largest: Alien (1979), dimension 2 -1.000; Heat (1995), dimension 3 +0.750; Alien (1979), dimension 1 +0.500"
    )
    picture = Image.open(io.BytesIO(base64.b64decode(steps.still(step).partition(",")[2])))
    assert picture.size == (3, 2)
    orange, white, blue = (picture.getpixel(place) for place in ((1, 0), (2, 0), (2, 1)))
    assert (orange, white) == ((0xD5, 0x5E, 0x00), (255, 255, 255))
    assert blue[2] > blue[0]


def test_a_step_of_nothing_is_told_too() -> None:
    step = Step(
        "x",
        "Rows",
        "x",
        "x",
        "input",
        (),
        "",
        (Axis("film", 0), Axis("dimension", 3)),
        np.zeros((0, 3)),
        "No film.",
    )
    assert steps.in_words(step) == "Rows. No film. Nothing there."


def test_rows_are_the_steps_at_the_top_down_to_the_score() -> None:
    trace = recdemo.trace(load("din"), PERSONAS[0].session, 1210)
    rows = list(steps.rows(trace))
    assert [row["name"] for row in rows] == [step.name for step in trace.steps if not step.parent]
    assert rows[-1]["largest"] == f"{trace.score:+.4f}"
