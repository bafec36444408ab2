"""The page Embeddings: its lists are the library's, a click chooses a film, and every kind of model has its say."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from app import ROOT, link_of, open_page, sound
from safetensors import safe_open
from safetensors.numpy import save_file
from shipped import load
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import choose_film, film_box
from recdemo import Session, Watched, checkpoints
from recdemo.answers import maps
from recdemo.answers.analogies import second_parts, try_all
from recdemo.answers.embeddings import agreement, analogy, nearest, neighbours
from recdemo.answers.spaces import place_of, spaces
from recdemo.data.catalogue import shorten
from recdemo.models import CARDS
from recdemo.ui import map_area
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import LONGEST_SHOWN, encode_visit

MAYA = PERSONAS[0].session
# What is counted, and weights from film to film, have no vector of a film.
MODELS = [key for key in dict(checkpoints.available()) if not CARDS[key].baseline]


def opened(model: str, objective: str, session: Session = MAYA, **more: str) -> AppTest:
    app = sound(open_page("embeddings", link_of(session, model, objective) | more))
    assert [error.value for error in app.error] == []
    return app


def near(app: AppTest) -> list[tuple[str, float]]:
    """The list beside the map."""
    table = app.dataframe[0].value
    return list(zip(table["film"], table["cosine"], strict=True))


def click(app: AppTest, movie: Any) -> AppTest:
    app.session_state["embeddings_map"] = {"selection": {"points": [{"customdata": movie}]}}
    return sound(app.run())


def said(app: AppTest, words: str) -> str:
    """The one sentence, caption or note that holds some words."""
    everything = [*app.markdown, *app.caption, *app.info]
    (found,) = (str(one.value) for one in everything if words in str(one.value))
    return found


def listed(model: str, objective: Any, movie: int, viewers: int = 20) -> list[tuple[str, float]]:
    """What stands beside the map, by the library."""
    recommender = load(model, objective)
    table = neighbours(recommender, movie, 3883)
    table = table[table["ratings"] >= viewers][:10]
    labels = [
        f"{title} ({year})" for title, year in zip(table["title"], table["year"], strict=True)
    ]
    return list(zip((shorten(label, 28) for label in labels), table["cosine"], strict=True))


def same(shown: list[tuple[str, float]], wanted: list[tuple[str, float]]) -> bool:
    cosines = [[cosine for _, cosine in one] for one in (shown, wanted)]
    return [n for n, _ in shown] == [n for n, _ in wanted] and np.allclose(*cosines, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_lists_the_library_s_neighbours(model: str) -> None:
    objective = dict(checkpoints.available())[model]
    app = opened(model, objective, t="1")
    assert same(near(app), listed(model, objective, 1))
    assert "shares a genre" in said(app, "by chance")


def test_the_finding_is_counted_over_the_films_shown() -> None:
    app = opened("fm", "like", t="2571")
    recommender = load("fm", "like")
    directions = spaces(recommender.checkpoint.model)["film"].directions()
    flags = recommender.checkpoint.schema.genre_flags[1:].numpy()
    ratings = recommender.catalogue["ratings"].to_numpy()
    for viewers in (20, 500, 0):
        app.selectbox(key="embeddings_viewers").set_value(viewers).run()
        shown = ratings >= viewers
        found = agreement(directions[shown], flags[shown], ratings[shown])
        sentence = said(app, "by chance")
        assert f"a genre {found.genre:.0%} of the time; by chance {found.chance:.0%}" in sentence
        assert f"{found.popularity:.2f}" in sentence
        assert same(near(app), listed("fm", "like", 2571, viewers))


def test_without_a_target_the_map_is_whole_and_the_latest_film_liked_is_asked_about() -> None:
    for session, title in (
        (Session(), "American Beauty"),
        (Session(history=[Watched(260, False), Watched(1, None)]), "Toy Story"),
        (Session(history=[Watched(260, True), Watched(1, None)]), "Star Wars"),
    ):
        app = opened("din", "next", session, eq="Another model")
        assert title in said(app, "are the same in both")
        assert "Nearest to" not in str([one.value for one in app.markdown])
    assert title in said(opened("din", "next", session, ez="True"), "Nearest to")


def test_a_click_on_the_map_chooses_a_film() -> None:
    app = opened("din", "next", t="1-260-50")
    click(app, 1210)
    assert app.session_state["visit"].targets == (1210, 260, 50)
    assert app.query_params["t"] in ("1210-260-50", ["1210-260-50"])
    assert film_box(app, "embeddings_film")["chosen"] == 1210
    assert same(near(app), listed("din", "next", 1210))
    click(app, 260)
    assert app.session_state["visit"].targets == (260, 50), "one that was there moves to the front"


def test_a_click_is_taken_once() -> None:
    app = click(opened("din", "next"), 1210)
    choose_film(app, "embeddings_film", 50)
    assert app.session_state["visit"].targets == (50,)
    assert app.query_params["ez"] in ("True", ["True"]), "a search flies there"
    app.selectbox(key="embeddings_colour").set_value("year").run()
    assert sound(app).session_state["visit"].targets == (50,)


def test_an_area_is_its_films_and_goes_with_the_link() -> None:
    app = opened("din", "next", t="1-260", em="umap")
    corners = np.array([[-0.9, -0.9], [-0.1, -0.9], [-0.1, -0.3], [-0.9, -0.3]])
    box = {"x": [-0.9, -0.1], "y": [-0.9, -0.3]}
    app.session_state["embeddings_map"] = {"selection": {"points": [], "box": [box]}}
    sound(app.run())
    recommender = load("din")
    checkpoint, films = recommender.checkpoint, recommender.catalogue
    places = maps.read(checkpoint.folder, checkpoint.card.weights_sha256, checkpoint.schema.size)[
        "umap", 2
    ]
    shown = films["ratings"].to_numpy() >= 20
    inside = shown & (places > corners[0]).all(1) & (places < corners[2]).all(1)
    best_known = films[inside].sort_values("ratings", ascending=False, kind="stable")
    table = app.dataframe[0].value
    assert table["ratings"].tolist() == best_known["ratings"].tolist()[:200]
    heading = said(app, "in this area")
    assert heading.startswith(f"**{inside.sum()} films**")
    seventies = films["year"] // 10 == 197
    assert (
        f"{seventies[inside].mean():.0%} from the 1970s (of all {seventies[shown].mean():.0%})"
        in heading
    )

    # A film picked from it is the one looked at, and is added to the history; the link keeps the area.
    movie = int(best_known["movie_id"].iloc[2])
    link = encode_visit(app.session_state["visit"]) | {"t": str(movie)}
    again = sound(open_page("embeddings", link))
    assert said(again, "in this area") == heading
    again.button(key="embeddings_like").click().run()
    assert sound(again).session_state["visit"].session.history[-1] == Watched(movie, True)
    assert again.button(key="embeddings_like").disabled
    again.button(key="embeddings_whole").click().run()
    assert len(sound(again).dataframe) == 1, "of the analogy"
    again.segmented_control(key="embeddings_method").set_value("tsne").run()
    assert "ea" not in sound(again).query_params


@pytest.mark.parametrize(
    "area", ["film.umap_1.2", "film.umap_1.2_a.b_3.4", "film.umap", "x", "_" * 9]
)
def test_an_area_of_another_map_or_none_is_passed_over(area: str) -> None:
    assert map_area.decode("film.umap", area) is None
    corners = np.array([[0.1, -0.2], [1, 0.5], [-0.3, 0.7]])
    told = map_area.encode("film.umap", corners)
    assert map_area.decode("film.umap", told) == pytest.approx(corners)
    assert map_area.decode("film.tsne", told) is None
    circle = np.stack([np.cos(turn := np.arange(300) / 48), np.sin(turn)])
    kept = map_area.corners_of({"x": circle[0].tolist(), "y": circle[1].tolist()})
    assert kept is not None
    assert len(map_area.encode("liked.pca", kept)) <= LONGEST_SHOWN
    assert map_area.corners_of({"x": [1, 2, "a"], "y": [1, 2, 3]}) is None
    assert map_area.corners_of({"x": [1], "y": [1]}) is None


@pytest.mark.parametrize("nonsense", ["abc", None, 987654, [1], {}])
def test_a_click_on_what_is_no_film_changes_nothing(nonsense: Any) -> None:
    app = click(opened("mf", "next", t="1"), nonsense)
    assert app.session_state["visit"].targets == (1,)


@pytest.mark.parametrize("colour", ["genre", "year", "viewers", "likes"])
def test_every_map_is_drawn_in_every_colour(colour: str) -> None:
    app = opened("mf", "next", t="1")
    app.selectbox(key="embeddings_colour").set_value(colour).run()
    for method in ("pca", "tsne", "umap"):
        app.segmented_control(key="embeddings_method").set_value(method).run()
        exact = "place is exact" if method == "pca" else "weighted mean of their ten"
        assert said(sound(app), exact)
    app.toggle(key="embeddings_close").set_value(True).run()
    assert [error.value for error in sound(app).error] == []


def test_the_other_question_has_pca_only_and_says_why() -> None:
    app = opened("mf", "like")
    assert app.segmented_control(key="embeddings_method").options == ["PCA"]
    assert "kept for “What next?” only" in said(app, "UMAP are")


def test_stale_maps_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "checkpoints"
    shutil.copytree(ROOT / "checkpoints" / "mf" / "next", base / "mf" / "next")
    shutil.copy(ROOT / "checkpoints" / checkpoints.CATALOGUE, base)
    path = base / "mf" / "next" / maps.FILE
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    st.cache_resource.clear()
    assert len(opened("mf", "next").segmented_control(key="embeddings_method").options) == 3
    with safe_open(path, framework="numpy") as file:
        places = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(places, path, {maps.MADE_FROM: "0" * 64})
    app = opened("mf", "next")
    assert app.segmented_control(key="embeddings_method").options == ["PCA"]
    assert "python -m recdemo maps mf" in said(app, "UMAP are missing")
    path.unlink()
    assert "python -m recdemo maps mf" in said(opened("mf", "next"), "UMAP are missing")


@pytest.mark.parametrize("model", ["fm", "din", "two_tower", "textcnn_rating"])
def test_every_space_is_drawn(model: str) -> None:
    objective = dict(checkpoints.available())[model]
    app = opened(model, objective)
    for key, space in spaces(load(model).checkpoint.model).items():
        app.selectbox(key="embeddings_space").set_value(key).run()
        assert [error.value for error in sound(app).error] == []
        if space.kind == "film":
            assert space.meaning in said(app, "A vector here is")
        else:
            assert space.meaning in said(app, "A point is")


def test_the_most_and_least_alike_are_named() -> None:
    app = opened("fm", "next")
    app.selectbox(key="embeddings_space").set_value("age").run()
    directions = spaces(load("fm").checkpoint.model)["age"].directions()
    cosines = directions @ directions.T
    off = cosines[~np.eye(len(cosines), dtype=bool)]
    sentence = said(sound(app), "Most alike")
    assert f"({off.max():+.2f}), least" in sentence
    assert f"({off.min():+.2f})." in sentence
    assert "this visitor's: 25–34" in said(app, "A point is")


def test_a_space_that_the_next_model_has_not_gives_way() -> None:
    app = opened("fm", "next")
    app.selectbox(key="embeddings_space").set_value("liked").run()
    app.selectbox(key="side_model").set_value("deepfm").run()
    assert sound(app).selectbox(key="embeddings_space").value == "liked"
    app.selectbox(key="side_model").set_value("mf").run()
    assert sound(app).selectbox(key="embeddings_space").value == "film"


def test_an_analogy_is_the_library_s() -> None:
    app = opened("din", "next")
    boxes = [f"embeddings_{letter}_box" for letter in "abc"]
    example = [film_box(app, box)["chosen"] for box in boxes]
    for box, movie in zip(boxes, (1196, 260, 1), strict=True):
        choose_film(app, box, movie)
        assert film_box(app, box)["chosen"] == movie
    recommender = load("din")
    schema = recommender.checkpoint.schema
    directions = spaces(recommender.checkpoint.model)["film"].directions()
    shown = recommender.catalogue["ratings"].to_numpy() >= 20
    a, b, c = (schema.index_of(movie) - 1 for movie in (1196, 260, 1))
    wanted = analogy(directions, a, b, c, 5, among=shown)
    table = sound(app).dataframe[0].value
    assert table["movie_id"].tolist() == schema.movie_ids[wanted.rows].tolist()
    assert table["cosine"].tolist() == pytest.approx(wanted.cosines.tolist(), abs=1e-5)
    assert table["alone"].tolist() == wanted.alone.tolist()
    kept = sum(rank <= 5 for rank in wanted.alone)
    assert f"{kept} of the 5 listed" in said(app, "of the 5 listed")
    app.button(key="embeddings_example").click().run()
    assert [film_box(app, box)["chosen"] for box in boxes] == example
    tried = try_all(directions, second_parts(recommender.catalogue), shown)
    assert f"{tried.right:.1%} of {tried.sums:,} such sums" in said(app, "such sums")
    assert tried.right < 1.2 * tried.alone
    again = opened("din", "next", eb="1196.260.1")  # the link holds the three
    assert [film_box(again, box)["chosen"] for box in boxes] == [1196, 260, 1]
    for wrong in ("1196.260", "1196.260.9999999", "1196.260.1.2", "a.b.c"):
        assert [
            film_box(opened("din", "next", eb=wrong), box)["chosen"] for box in boxes
        ] == example
    assert "subtracting tells nothing" in said(app, "such sums")
    app.button(key="embeddings_held_0").click().run()
    rows = [schema.index_of(film_box(sound(app), box)["chosen"]) - 1 for box in boxes]
    assert rows == [tried.held[0].a, tried.held[0].b, tried.held[0].c]
    first = app.dataframe[0].value.iloc[0]
    assert first["movie_id"] == recommender.catalogue["movie_id"].iloc[tried.held[0].d]
    assert first["cosine"] == pytest.approx(tried.held[0].cosine, abs=1e-5)


def test_two_models_are_laid_side_by_side() -> None:
    app = opened("din", "next", t="1")
    app.segmented_control(key="embeddings_question").set_value("Another model").run()
    app.selectbox(key="embeddings_other").set_value("fm").run()
    left, right = (table.value for table in sound(app).dataframe[1:3])
    shared = set(left["movie_id"]) & set(right["movie_id"])
    assert set(left["movie_id"][left["both"]]) == set(right["movie_id"][right["both"]]) == shared
    assert f"**{len(shared)} of 10** neighbours" in said(app, "are the same in both")
    pairs = list(zip(right["film"], right["cosine"], strict=True))
    assert same(pairs, listed("fm", "next", 1))
    app.selectbox(key="embeddings_other").set_value("popularity").run()
    assert "no vectors" in sound(app).info[0].value


def test_where_the_visitor_stands_is_the_library_s() -> None:
    app = opened("mf", "next")
    app.segmented_control(key="embeddings_question").set_value("The visitor").run()
    recommender = load("mf")
    place = place_of(recommender, MAYA)
    assert place is not None
    directions = spaces(recommender.checkpoint.model)["film"].directions()
    shown = recommender.catalogue["ratings"].to_numpy() >= 20
    rows, cosines = nearest(directions, place, among=shown)
    table = sound(app).dataframe[0].value
    ids = recommender.catalogue["movie_id"].to_numpy()[rows].tolist()
    assert table["movie_id"].tolist() == ids
    assert table["cosine"].tolist() == pytest.approx(cosines.tolist(), abs=1e-4)
    watched = [movie in MAYA.movie_ids for movie in ids]
    assert table["seen"].tolist() == watched
    assert f"**{sum(watched)} of the 10**" in said(app, "have been watched")


@pytest.mark.parametrize(
    ("model", "session", "words"),
    [("din", MAYA, "no single vector"), ("rnn_als", Session("F"), "knows nothing of this visitor")],
)
def test_a_visitor_without_a_place_is_told_why(model: str, session: Session, words: str) -> None:
    app = opened(model, "next", session)
    app.segmented_control(key="embeddings_question").set_value("The visitor").run()
    assert words in sound(app).info[0].value


def test_a_model_that_counts_offers_others() -> None:
    app = opened("popularity", "like")
    assert "no vectors" in app.info[0].value
    app.button(key="embeddings_use_mf").click().run()
    assert sound(app).session_state["visit"].model == "mf"
    assert len(app.dataframe) == 1
