"""Models with a catalogue of their own, on every page: their films are offered, all others are set aside, none is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from app import PAGES, TABLE, drawn_texts, link_of, open_page, sound
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import choose_film, film_box, search_films
from recdemo import checkpoints
from recdemo.answers.counterfactual import Change
from recdemo.checkpoints import CheckpointCard
from recdemo.core.session import Session, Watched
from recdemo.core.worlds import FIRST
from recdemo.data.catalogue import labels_of, write_catalogue
from recdemo.data.own_films import own_ids
from recdemo.encoding.schema import Schema
from recdemo.jobs import kept, store
from recdemo.jobs.kept import KeptCard
from recdemo.models import CARDS
from recdemo.ui import engine
from recdemo.ui.saved import save_visit
from recdemo.ui.visit import Visit, encode_visit

KINDS = ("popularity", "mf", "rating_mlp", "afm", "din", "textcnn_rating")
Keep = Callable[..., str]


def catalogue(count: int = 60, word: str = "Tale") -> pd.DataFrame:
    """Films of which one in three has no year, one in four no genre, and one has a title that reads like markup."""
    titles = [f"{word} {number}" for number in range(count)]
    titles[1] = f"*{word}* <b>$1$</b> [x](y)"
    years = [0 if number % 3 == 0 else 1970 + number for number in range(count)]
    genres = [
        () if number % 4 == 0 else ("Comedy", "Drama")[: number % 4] for number in range(count)
    ]
    table = pd.DataFrame(
        {
            "movie_id": own_ids(titles, years),
            "title": titles,
            "year": years,
            "genres": genres,
            "ratings": [5 + number for number in range(count)],
            "likes": [number // 2 for number in range(count)],
        }
    )
    return table.sort_values("movie_id", ignore_index=True)


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "runs"))


@pytest.fixture
def keep(
    tmp_path: Path, make_model: Callable, write_checkpoint: Callable[..., CheckpointCard]
) -> Keep:
    """``keep(model, films, name)``: a kept model over a catalogue; gives its key in the menu."""

    def make(
        model: str,
        films: pd.DataFrame,
        name: str = "mine",
        *,
        simulated: bool = False,
        data: str = "tales.csv",
    ) -> str:
        base, schema = tmp_path / f"base-{name}", Schema(films)
        objective = CARDS[model].objectives[0]
        base.mkdir()
        write_catalogue(films, base / checkpoints.CATALOGUE)
        folder = checkpoints.folder_of(model, objective, base)
        written = write_checkpoint(
            folder, model, make_model(model, schema), schema, objective=objective
        )
        titled = written.data.model_copy(update={"title": data})
        checkpoints.write_card(written.model_copy(update={"data": titled}), folder)
        card = KeptCard(
            name=name, date="2000-01-01", model=model, objective=objective,
            data=data, simulated=simulated, files={},
        )  # fmt: skip
        content = {file: path.read_bytes() for file, path in kept.files_of(base, card).items()}
        digests = {file: kept.digest_of(raw) for file, raw in content.items()}
        kept.add(card.model_copy(update={"files": digests}), content)
        return f"{model}{engine.OF}{name}"

    return make


def said(app: AppTest) -> str:
    """All that the page's texts, tables and choices say."""
    texts = [*app.markdown, *app.caption, *app.info, *app.subheader, *app.warning]
    tables = [str(table.value.to_dict()) for table in app.dataframe]
    choices = [option for box in [*app.selectbox, *app.multiselect] for option in box.options]
    return "\n".join([text.value for text in texts] + tables + choices)


EVIL = "![x](http://evil.example/x.png) [y](http://evil.example) $z$ :red[r] `c` **b** \u202e<img src=//evil.example>"
DRAWN = re.compile(
    r"(?<!\\)(?:\]\(http://evil|\$z|:red\[|\*\*b|<img)"
)  # unless a backslash stands before it


@pytest.mark.parametrize("page", PAGES)
def test_text_from_outside_is_shown_as_it_is_and_never_drawn(
    keep: Keep, page: str, tmp_path: Path
) -> None:
    films = catalogue()
    films["title"] = [f"{EVIL} {number}" for number in range(len(films))]
    model = ("fm", "din", "sasrec")[list(PAGES).index(page) % 3]
    key = keep(model, films, data=EVIL)
    app = sound(open_page(page, encode_visit(visit_of(films, key))))
    assert [error.value for error in app.error] == []
    assert [text[:300] for text in drawn_texts(app) if DRAWN.search(text)] == []


def visit_of(films: pd.DataFrame, key: str) -> Visit:
    """A visitor of both worlds."""
    own = films["movie_id"].tolist()
    history = [Watched(260, True), Watched(own[0], True), Watched(2571, None), Watched(own[5])]
    return Visit(
        Session("F", 25, 12, [*history, Watched(own[9], False)]),
        key,
        engine.menu()[key][0],
        targets=(1210, own[20], own[21]),
        compared=("fm", key, "din"),
        change=Change(dropped=(260, own[0]), added=Watched(own[30], True)),
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_page_goes_by_the_films_of_the_model(keep: Keep, page: str) -> None:
    films, number = catalogue(), list(PAGES).index(page)
    for model in {KINDS[number % len(KINDS)], "fm"}:
        key = keep(model, films, model)
        visit = visit_of(films, key)
        app = sound(open_page(page, encode_visit(visit)))
        assert [error.value for error in app.error] == [], page
        assert [warning.value for warning in app.warning] == [], page
        assert "(0)" not in said(app), page
        assert app.session_state["visit"] == visit, page
        assert film_box(app, "side_add")["placeholder"] == f"Search {len(films)} films…", page
        assert "**History** · 3 films" in said(app), page
        assert "2 films set aside" in said(app), page


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_without_films_and_one_who_has_seen_all_get_a_page(keep: Keep, page: str) -> None:
    films, model = catalogue(11), ("fm", "din", "bst")[len(page) % 3]
    everything = Session(history=[Watched(movie, True) for movie in films["movie_id"]])
    key = keep(model, films)
    for session in (Session(), everything, Session(history=everything.history[:9])):
        app = sound(open_page(page, link_of(session, key, engine.menu()[key][0])))
        assert [error.value for error in app.error] == []


def test_films_set_aside_are_named_and_come_back(keep: Keep) -> None:
    films = catalogue()
    key = keep("fm", films)
    visit = visit_of(films, key).showing("v", "Table")
    app = open_page("recommend", encode_visit(visit))
    assert "The Matrix (1999), Star Wars" in said(app)
    assert not set(app.dataframe[0].value["title"]) - set(films["title"])
    app.selectbox(key="side_films").set_value("Films to 2000").run()
    assert "3 films set aside" in said(sound(app))
    assert "**History** · 2 films" in said(app)
    assert app.session_state["visit"].session == visit.session
    app.selectbox(key="side_films").set_value("tales.csv").run()
    assert app.session_state["visit"] == visit


def test_edits_touch_what_is_seen_and_nothing_else(keep: Keep) -> None:
    films = catalogue()
    key, own = keep("fm", films), films["movie_id"].tolist()
    app = open_page("recommend", encode_visit(visit_of(films, key)))

    def ids() -> list[int]:
        found: list[int] = app.session_state["visit"].session.movie_ids
        return found

    app.button(key=f"side_Earlier_{own[9]}").click().run()
    assert [movie for movie in ids() if movie in own] == [own[0], own[9], own[5]]
    app.button(key=f"side_Earlier_{own[9]}").click().run()
    assert [movie for movie in ids() if movie in own] == [own[9], own[0], own[5]]
    app.button(key=f"side_Later_{own[9]}").click().run()
    assert [movie for movie in ids() if movie in own] == [own[0], own[9], own[5]]
    assert [movie for movie in ids() if movie not in own] == [260, 2571]
    choose_film(app, "side_add", own[40])
    assert ids()[-1] == own[40]
    app.button(key="side_clear").click().run()
    assert ids() == [260, 2571]
    app.button(key="side_undo").click().run()
    assert len(ids()) == 6


def test_a_change_kept_leaves_the_films_set_aside(keep: Keep) -> None:
    films = catalogue()
    key, own = keep("fm", films), films["movie_id"].tolist()
    app = open_page("what_if", encode_visit(visit_of(films, key)))
    app.button(key="what_if_keep").click().run()
    wanted = [260, 2571, own[5], own[9], own[30]]
    assert sound(app).session_state["visit"].session.movie_ids == wanted


def test_only_models_of_the_same_films_are_compared_and_the_page_says_so(keep: Keep) -> None:
    films = catalogue()
    alone = keep("fm", films)
    visit = visit_of(films, alone)
    app = sound(open_page("compare", encode_visit(visit)))
    assert app.multiselect(key="compare_models").options == [f"{CARDS['fm'].title} · mine"]
    assert "know the same 60 films" in said(app)
    assert "No other model knows these films" in said(app)
    also = keep("din", films, "other")
    app = sound(open_page("compare", encode_visit(visit)))
    app.multiselect(key="compare_models").set_value([alone, also]).run()
    assert sound(app).session_state["visit"].compared == (alone, also, "fm", "din")
    assert "overlap" in said(app)
    app.selectbox(key="side_films").set_value("Films to 2000").run()
    assert app.multiselect(key="compare_models").value == ["fm", "din"]
    assert "Not compared: the models of “Films to 2018”, " in said(sound(app))
    assert "mine" in said(app)
    assert [error.value for error in app.error] == []


def test_two_catalogues_of_their_own_are_told_apart(keep: Keep) -> None:
    tales, sagas = catalogue(), catalogue(40, "Saga")
    one, two = keep("fm", tales, "tales"), keep("fm", sagas, "sagas")
    visit = visit_of(tales, one)
    app = open_page("recommend", encode_visit(replace(visit, model=two)))
    assert "5 films set aside" in said(sound(app))
    assert "Nothing watched yet" in said(app)
    assert app.session_state["visit"].session == visit.session
    found = search_films(app, "side_add", "saga")["films"]
    assert 0 < len(found) <= len(sagas)
    assert {label for _, label in found} <= set(labels_of(sagas))
    missing = search_films(app, "side_add", "tale 3")
    assert (missing["films"], missing["named"]) == ([], False)
    assert missing["said"].startswith(f"No film of these {len(sagas)} is called “tale 3”")
    assert missing["said"].endswith(f"“{engine.data_of(one)}” has Tale 3.")


def test_a_model_of_the_shipped_films_is_compared_with_the_shipped_ones(keep: Keep) -> None:
    key = keep("fm", engine.films().table)
    assert engine.world_of(key) == FIRST
    assert engine.films(key) is engine.films()
    assert {"fm", "din", key} <= engine.peers("afm").keys()


@pytest.mark.parametrize("page", ["recommend", "compare", "embeddings", "models"])
def test_a_kept_model_of_nobody_is_called_so_where_it_is_named(keep: Keep, page: str) -> None:
    films = engine.films().table
    real, made_up = keep("fm", films, "real"), keep("fm", films, "drawn", simulated=True)
    app = sound(open_page(page, encode_visit(Visit(Session(), made_up, "like"))))
    named = app.selectbox(key="side_model").options
    assert engine.card(made_up).title == f"{CARDS['fm'].title} · drawn (simulated)"
    assert {engine.card(key).title for key in (real, made_up)} <= set(named)
    assert "drawn (simulated)" in said(app)
    assert "Trained on simulated viewers" in said(app)
    app.selectbox(key="side_model").set_value(real).run()
    assert "Trained on simulated viewers" not in said(sound(app))


def test_shipped_models_of_simulated_data_are_called_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_model: Callable,
    write_checkpoint: Callable[..., CheckpointCard],
) -> None:
    assert (engine.made_up("fm"), engine.data_of()) == (False, "MovieLens-1M")
    films, base = catalogue(), tmp_path / "drawn"
    base.mkdir()
    schema = Schema(films)
    write_catalogue(films, base / checkpoints.CATALOGUE)
    folder = checkpoints.folder_of("fm", "like", base)
    write_checkpoint(folder, "fm", make_model("fm", schema), schema, objective="like")
    monkeypatch.setenv("RECDEMO_CHECKPOINTS", str(base))
    assert engine.made_up("fm")
    assert engine.data_of() == engine.data_of("fm") == "Made up"
    app = sound(open_page("recommend", encode_visit(Visit(Session(), "fm", "like"))))
    assert "Trained on simulated viewers" in said(app)


def test_years_are_filtered_among_those_known(keep: Keep) -> None:
    films = catalogue()
    app = open_page("recommend", link_of(Session(), keep("fm", films), "like") | TABLE)
    slider = next(box for box in app.slider if box.label == "Released")
    assert (slider.min, slider.max) == (1971, 2029)
    app.segmented_control(key="recommend_k").set_value(100).run()
    shown = app.dataframe[0].value
    assert len(shown) == 60
    assert shown["year"].isna().sum() == 20
    next(box for box in app.slider if box.label == "Released").set_value((1971, 2000)).run()
    assert sound(app).dataframe[0].value["year"].between(1971, 2000).all()


def test_a_catalogue_without_any_year_has_no_filter(keep: Keep) -> None:
    key = keep("fm", catalogue().assign(year=0))
    app = sound(open_page("recommend", link_of(Session(), key, "like")))
    assert not [box for box in app.slider if box.label == "Released"]
    sound(open_page("embeddings", link_of(Session(), key, "like")))


def test_a_chosen_model_that_somebody_deletes_gives_way(keep: Keep) -> None:
    films = catalogue()
    visit = visit_of(films, keep("fm", films))
    app = open_page("recommend", encode_visit(replace(visit, model="fm")))
    app.session_state["visit"] = replace(visit, model="fm~mine")
    kept.delete("mine")
    app.run()
    assert "The kept model mine is gone" in sound(app).warning[0].value
    assert [error.value for error in app.error] == []
    assert app.session_state["visit"].model == "din"
    assert app.session_state["visit"].session == visit.session


def test_a_damaged_catalogue_is_named_and_another_model_can_be_chosen(keep: Keep) -> None:
    films = catalogue()
    key = keep("fm", films)
    (kept.find_kept("mine").base / checkpoints.CATALOGUE).write_text("nonsense")
    app = sound(open_page("recommend", link_of(Session(), key, "like")))
    assert checkpoints.CATALOGUE in app.error[0].value
    app.selectbox(key="side_films").set_value("Films to 2000").run()
    assert [error.value for error in sound(app).error] == []


def test_saved_and_opened_it_is_the_same_visit(keep: Keep) -> None:
    films = catalogue()
    visit = visit_of(films, keep("fm", films))
    app = open_page("recommend")
    content = save_visit(visit, engine.all_labels()).encode()
    app.file_uploader(key="side_open").set_value(("s.json", content, "application/json")).run()
    assert sound(app).session_state["visit"].session == visit.session
    assert not app.warning
