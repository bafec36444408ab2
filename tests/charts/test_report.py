"""The page to print holds the numbers of the library, everything it needs, and nothing unescaped."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from shipped import load
from typer.testing import CliRunner

from recdemo import Session, Watched, checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.charts.report import command_of, handout
from recdemo.cli import app
from recdemo.models import CARDS
from recdemo.ui.personas import PERSONAS

SESSION = PERSONAS[0].session
# One of each kind of explanation, and each question.
PAIRS = [("din", "next"), ("afm", "like"), ("popularity", "next"), ("rating_mlp", "rating")]


def _cells(page: str) -> list[str]:
    """Contents of all table cells."""
    return re.findall(r"<td[^>]*>(.*?)</td>", page)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_numbers_are_the_library_s(pair) -> None:
    model = load(*pair)
    page = handout(model, SESSION, targets=[1210], k=7)
    table = model.recommend(SESSION, 7)
    scores = [f"{score:.2f}" if pair[1] == "rating" else f"{score:.2%}" for score in table["score"]]
    cells = _cells(page)
    for rank, score in enumerate(scores, start=1):
        assert score in cells[cells.index(str(rank), 3 * len(SESSION.history)) :]
    explanation = model.explain(SESSION, 1210)
    assert f"{explanation.logit:+.4f}" in cells
    assert f"{explanation.total:+.4f}" in cells
    for term in explanation.contrast_frame()[:12].itertuples():
        assert {f"{term.more:+.4f}", f"{term.value:+.4f}"} <= set(cells)
    if explanation.weights:
        heaviest = max(map(abs, explanation.weights.weights))
        assert {f"{heaviest:.4f}", f"{-heaviest:.4f}"} & set(cells)
    assert model.checkpoint.card.weights_sha256[:12] in page


def test_other_models_stand_beside() -> None:
    model, other = load("fm"), load("popularity")
    page = handout(model, SESSION, others={CARDS["popularity"].title: other}, k=3)
    for title in other.recommend(SESSION, 3)["title"]:
        assert title.split(":")[0] in page
    assert "Rank-biased overlap" in page
    assert CARDS["popularity"].title in page


def test_models_are_called_what_they_are_called_here() -> None:
    model = load("fm")
    page = handout(model, SESSION, title="FM · mine", others={"FM · yours": model}, k=3)
    assert page.count("FM · mine") >= 3  # heading, its column, where its numbers come from
    assert page.count("FM · yours") >= 2
    assert "<th>FM</th>" not in page


def test_a_model_that_is_not_shipped_says_where_it_must_lie(tmp_path: Path) -> None:
    shipped = load("fm")
    shutil.copytree(shipped.checkpoint.folder, tmp_path / "fm" / "next")
    shutil.copy(checkpoints.root() / checkpoints.CATALOGUE, tmp_path)
    model = Recommender(checkpoints.load("fm", "next", tmp_path))
    assert (
        command_of(model, SESSION, 5)
        == f"RECDEMO_CHECKPOINTS=FOLDER {command_of(shipped, SESSION, 5)}"
    )
    assert str(tmp_path) not in handout(model, SESSION, k=3)


def test_it_needs_no_network_and_escapes_what_it_holds() -> None:
    session = Session(history=[Watched(1721, False)])
    page = handout(load("fm", "like"), session, link='http://localhost/?g="><script>')
    head = page.replace("http://www.w3.org", "")
    assert not re.search(r'<(script|link|img|iframe)[^>]*(src|href)\s*=(?!"data:image/png)', head)
    assert '"><script>' not in page
    assert page.count("plotly.js v") == 1


@pytest.mark.parametrize("session", [Session(), Session("M", history=[Watched(3636)])])
def test_little_known_is_a_page_too(session: Session) -> None:
    for pair in PAIRS:
        assert "Where the numbers come from" in handout(load(*pair), session)


def test_its_command_gives_its_list() -> None:
    model = load("fm", "next")
    words = shlex.split(command_of(model, SESSION, 5))
    assert words[:3] == ["python", "-m", "recdemo"]
    found = CliRunner().invoke(app, [*words[3:], "--json"])
    assert found.exit_code == 0
    ids = [row["movie_id"] for row in json.loads(found.stdout)]
    assert ids == model.recommend(SESSION, 5)["movie_id"].tolist()
