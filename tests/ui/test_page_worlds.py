"""The second world: its switch, its link, and every page in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from app import PAGES, link_of, open_page, sound
from shipped import load

from recdemo import Session, Watched, checkpoints
from recdemo.core.worlds import WORLDS, World
from recdemo.data.catalogue import read_catalogue
from recdemo.models import CARDS
from recdemo.ui import engine, shared_films
from recdemo.ui.home import SCENARIOS
from recdemo.ui.personas import OF_WORLD
from recdemo.ui.visit import decode_visit

MODEL = "ease@2018"
MATRIX, INCEPTION = 2571, 79132
BOTH = Session("F", 25, 12, [Watched(MATRIX, True), Watched(INCEPTION, True)])


def films_of(world: str) -> set[int]:
    return set(read_catalogue(checkpoints.root(world) / checkpoints.CATALOGUE)["movie_id"])


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_it(page: str) -> None:
    app = sound(open_page(page, link_of(BOTH, MODEL)))
    assert [error.value for error in app.error] == []
    assert app.session_state["visit"].model == MODEL
    assert app.sidebar.button_group(key="side_films").value == "Films to 2018"


def test_the_switch_keeps_the_films_that_both_worlds_know() -> None:
    app = open_page("recommend", link_of(BOTH, MODEL))
    app.sidebar.button_group(key="side_films").set_value("Films to 2000").run()
    sound(app)
    assert app.session_state["visit"].model == "ease"
    assert app.query_params["m"] == "ease"
    assert any(
        "Inception (2010)" in c.value and "set aside" in c.value for c in app.sidebar.caption
    )
    app.sidebar.button_group(key="side_films").set_value("Films to 2018").run()
    assert sound(app).session_state["visit"].session == BOTH
    assert not any("set aside" in caption.value for caption in app.sidebar.caption)


def test_a_kind_that_the_other_world_does_not_have_gives_way() -> None:
    app = open_page("recommend", link_of(Session(), "textcnn_rating", "rating"))
    app.sidebar.button_group(key="side_films").set_value("Films to 2018").run()
    assert sound(app).session_state["visit"].model in engine.catalogues()["Films to 2018"]


def test_a_profile_is_neither_asked_nor_read_where_nobody_told() -> None:
    app = sound(open_page("recommend", link_of(BOTH, MODEL)))
    assert not [box for box in app.sidebar.selectbox if box.key in ("side_age", "side_occupation")]
    assert any("know nothing about gender" in caption.value for caption in app.sidebar.caption)
    assert app.session_state["visit"].session == BOTH  # for when the visitor goes back
    what_if = sound(open_page("what_if", link_of(BOTH, MODEL)))
    assert not [button for button in what_if.button if button.key == "what_if_Flip gender"]


@pytest.mark.parametrize("objective", ["next", "like"])
def test_a_visitor_s_profile_changes_nothing(objective: str) -> None:
    for model, asked in checkpoints.available(checkpoints.root("2018")):
        if asked == objective and CARDS[model].reads_profile and not CARDS[model].knows_users:
            loaded = load(f"{model}@2018", asked)
            unknown = Session(history=BOTH.history)
            assert np.array_equal(loaded.logits(BOTH), loaded.logits(unknown)), model


def test_compare_stays_within_a_world_and_says_so() -> None:
    app = sound(open_page("compare", link_of(BOTH, MODEL) | {"c": f"din.{MODEL}.popularity@2018"}))
    assert app.multiselect(key="compare_models").value == [MODEL, "popularity@2018"]
    assert all(key.endswith("@2018") for key in engine.peers(MODEL))
    assert any("the models of “Films to 2000”" in caption.value for caption in app.caption)


def test_the_leaderboard_is_the_world_s_own_and_leads_to_its_models() -> None:
    app = sound(open_page("leaderboard", link_of(BOTH, "popularity@2018")))
    shown = " ".join(code.value for code in app.code)
    assert "--data ml-latest-small" in shown
    assert any("MovieLens Latest Small" in caption.value for caption in app.caption)


def test_the_data_page_counts_the_world_s_ratings() -> None:
    app = sound(open_page("data", link_of(BOTH, MODEL)))
    assert [m.value for m in app.metric][:3] == ["610", "9,724", "100,836"]


@pytest.mark.parametrize("world", WORLDS)
def test_personas_and_scenarios_are_of_films_that_the_world_has(world: str) -> None:
    known = films_of(world)
    personas = OF_WORLD[world]
    assert len(personas) >= 6
    assert len({persona.name for persona in personas}) == len(personas)
    for persona in personas:
        assert set(persona.session.movie_ids) <= known, persona.name
    for title, _, page, link in SCENARIOS[world]:
        visit, problems = decode_visit(link, models=engine.menu(), films=known)
        assert problems == [], title
        assert visit.model.endswith(f"@{world}" if world else visit.model)
        assert page in PAGES.values()


def test_ids_mean_the_same_film_in_both_worlds() -> None:
    first, second = (
        read_catalogue(checkpoints.root(world) / checkpoints.CATALOGUE).set_index("movie_id")
        for world in ("", "2018")
    )
    both = first.index.intersection(second.index)
    assert len(both) > 2900
    years = (first["year"][both] - second["year"][both]).abs()
    apart = [
        movie
        for movie, a, b, years in zip(
            both, first["title"][both], second["title"][both], years, strict=True
        )
        if years > 1 and not set(a.lower().split()) & set(b.lower().split())
    ]
    assert apart == [2880]  # one film, "Armour of God" and "Operation Condor 2"


def test_a_link_to_a_world_that_is_not_there_says_so() -> None:
    app = sound(open_page("recommend", {"m": "din@1890"}))
    assert any("din@1890" in warning.value for warning in app.warning)


def test_a_world_that_is_not_opened_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reading(path: Path) -> pd.DataFrame:
        read.append(path.parent.name)
        return read_catalogue(path)

    monkeypatch.setattr(shared_films, "read_catalogue", reading)
    for link, wanted in (
        (link_of(Session(history=[Watched(MATRIX, True)]), "fm"), ["checkpoints"]),
        (link_of(BOTH, MODEL), ["2018", "checkpoints"]),
    ):
        shared_films._shipped_films.clear()  # type: ignore[attr-defined]
        for page in ("home", "recommend", "leaderboard"):
            sound(open_page(page, link))
        assert sorted(set(read)) == wanted


def test_a_third_world_is_a_folder_and_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, shipped = tmp_path / "checkpoints", checkpoints.root()
    (base / "worlds").mkdir(parents=True)
    for path in shipped.iterdir():
        if path.name != "worlds":
            (base / path.name).symlink_to(path)
    for name in ("2018", "third"):
        (base / "worlds" / name).symlink_to(shipped / "worlds" / "2018")
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    third = World("third", "A third", "As the second.", "ml-latest-small", "ease", profiles=False)
    monkeypatch.setitem(WORLDS, "third", third)
    for page in ("home", "recommend", "compare", "leaderboard", "data", "retrain"):
        app = sound(open_page(page, link_of(BOTH, "ease@third")))
        assert [error.value for error in app.error] == [], page
        assert app.sidebar.button_group(key="side_films").value == "A third"
        assert app.sidebar.button_group(key="side_films").options[-1] == "A third"
    assert all(key.endswith("@third") for key in engine.peers("ease@third"))
