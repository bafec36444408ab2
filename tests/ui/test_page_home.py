"""Home through Streamlit's AppTest: a taste in a minute, and the help that every page has."""

from __future__ import annotations

from app import open_page, sound
from streamlit.testing.v1 import AppTest

from recdemo import checkpoints
from recdemo.core.glossary import GLOSSARY
from recdemo.data.catalogue import read_catalogue
from recdemo.ui.taste import ENOUGH, TILES

LIKED = "taste_Liked_"


def asked(app: AppTest) -> list[int]:
    """The films of the grid, place by place."""
    keys = [button.key for button in app.button if button.key]
    return [int(key.removeprefix(LIKED)) for key in keys if key.startswith(LIKED)]


def history(app: AppTest) -> list[tuple[int, bool | None]]:
    return [(f.movie_id, f.liked) for f in app.session_state["visit"].session.history]


def test_five_taps_make_a_visitor_who_can_be_undone() -> None:
    app = sound(open_page("home"))
    first = asked(app)
    assert len(set(first)) == TILES
    assert app.button(key="taste_done").disabled
    said: list[tuple[int, bool | None]] = []
    for tap in range(ENOUGH):
        films = asked(app)
        assert not {movie for movie, _ in said} & set(films)
        movie, liked = films[tap], tap != 1
        said.append((movie, liked))
        app.button(key=f"taste_{'Liked' if liked else 'Disliked'}_{movie}").click().run()
        assert history(sound(app)) == said
    assert any("enough for every model" in text.value for text in app.markdown)
    app.button(key="side_undo").click().run()
    assert history(sound(app)) == said[:-1]
    before = asked(app)
    app.button(key=f"taste_skip_{before[2]}").click().run()
    assert before[2] not in asked(sound(app))
    app.button(key="taste_others").click().run()
    assert not set(before) & set(asked(sound(app)))
    app.button(key="taste_done").click().run()  # the sixth click of somebody who taps five films
    assert sound(app).title[0].value == "Recommend"
    assert history(app) == said[:-1]


def test_the_grid_asks_about_the_films_of_the_world_chosen_and_any_model_s() -> None:
    films = read_catalogue(checkpoints.root("2018") / checkpoints.CATALOGUE)["movie_id"]
    for model in ("sasrec@2018", "popularity@2018"):  # with vectors of films, and without
        app = sound(open_page("home", {"m": model, "h": "260l"}))
        assert len(set(asked(app))) == TILES
        assert set(asked(app)) <= set(films) - {260}


def test_what_words_mean_is_found() -> None:
    app = sound(open_page("home"))
    app.button(key="menu_help").click().run()
    assert len([text for text in sound(app).markdown if text.value in _terms()]) == len(GLOSSARY)
    app.session_state["help_words"] = "hit rate"
    app.button(key="menu_help").click().run()
    shown = [text.value for text in sound(app).markdown if text.value in _terms()]
    assert len(shown) == 1
    assert GLOSSARY["hr@10"].more in shown[0]


def _terms() -> list[str]:
    return [f"**{term.name}** · {term.short} {term.more}" for term in GLOSSARY.values()]
