"""The page Data through AppTest: the shipped counts, this visitor's place in them, and the way out of damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from app import ROOT, link_of, open_page, sound, text_of

from recdemo import Session, Watched, checkpoints
from recdemo.data.catalogue import read_catalogue
from recdemo.data.dataset import people
from recdemo.data.summary import FILE, Aggregates, read_aggregates

COUNTS = read_aggregates(ROOT / "checkpoints" / FILE)
FILMS = read_catalogue(ROOT / "checkpoints" / checkpoints.CATALOGUE)


def write(base: Path, counts: Aggregates) -> None:
    (base / FILE).write_text(counts.model_dump_json())


def test_the_page_states_what_the_file_holds() -> None:
    app = sound(open_page("data"))
    assert [error.value for error in app.error] == []
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Users"] == f"{COUNTS.users:,}"
    assert values["Films"] == f"{COUNTS.films:,}"
    assert values["Ratings"] == f"{COUNTS.ratings:,}"
    assert values["Rated"] == f"{COUNTS.density:.1%}"
    assert f"5% most rated films hold {COUNTS.head[5]:.0%}" in text_of(app)
    assert f"{COUNTS.split['order'].test:,} ratings" in text_of(app)
    assert "Harper" in text_of(app)
    assert "Add films" in text_of(app)
    for group in COUNTS.profile["occupation"].values():
        assert group.users in app.dataframe[0].value["users"].tolist()


@pytest.mark.parametrize(
    ("model", "told", "untold"),
    [
        (
            "din",
            ["nobody checked", "year 2000", "MovieLens-1M may not be passed on"],
            ["Small may be"],
        ),
        (
            "ease@2018",
            ["no gender", "Latest Small may be passed on"],
            ["nobody checked", "may not be passed"],
        ),
    ],
)
def test_what_is_told_about_the_data_holds_for_this_world(
    model: str, told: list[str], untold: list[str]
) -> None:
    found = text_of(sound(open_page("data", {"m": model, "obj": "next"})))
    assert [text for text in told if text not in found] == []
    assert [text for text in untold if text in found] == []
    assert "no rating is shipped" not in found  # the second world's are


@pytest.mark.parametrize(("model", "stars"), [("din", "1 to 5 stars"), ("ease@2018", "0.5 to 5")])
def test_stars_begin_where_these_do(model: str, stars: str) -> None:
    app = sound(open_page("data", {"m": model, "obj": "next"}))
    (ratings,) = (metric for metric in app.metric if metric.label == "Ratings")
    assert stars in ratings.help


def test_the_visitor_s_place_is_counted() -> None:
    films = FILMS.sort_values("ratings", ascending=False, kind="stable")["movie_id"].tolist()
    ratings = dict(zip(FILMS["movie_id"], FILMS["ratings"], strict=True))
    watched = [films[4], films[30], films[2000]]
    session = Session("F", 25, 12, [Watched(movie, True) for movie in watched])
    app = sound(open_page("data", link_of(session)))
    place = [sum(FILMS["ratings"] >= ratings[movie]) for movie in watched]
    assert f"{COUNTS.profile['gender']['F'].users:,} are women" in text_of(app)
    assert f"{COUNTS.profile['age']['25'].users:,} are in the age group 25–34" in text_of(app)
    assert f"{COUNTS.profile['occupation']['12'].users:,} give “Programmer”" in text_of(app)
    assert f"{COUNTS.crowd['F'][25]:,} are women of that age" in text_of(app)
    assert f"Half of the 3 films watched are among the {place[1]:,} most rated" in text_of(app)
    assert f"is among the {place[2]:,} most rated." in text_of(app)
    one = sound(open_page("data", link_of(Session(history=[Watched(films[4])]))))
    assert f"among the {place[0]:,} most rated" in text_of(one)


def test_two_groups_are_compared() -> None:
    app = sound(open_page("data"))
    app.selectbox(key="data_taste_dg").set_value("age-1").run()
    app.selectbox(key="data_taste_dw").set_value("age-56").run()
    young, old = COUNTS.tastes["age"]["1"], COUNTS.tastes["age"]["56"]
    most = max(young.keys() & old.keys(), key=lambda genre: young[genre] - old[genre])
    assert (
        f"{most} takes {young[most]:.0%} of the likes of “Under 18”, {old[most]:.0%} of “56 or over”"
        in text_of(sound(app))
    )
    app.selectbox(key="data_taste_dw").set_value("age-1").run()
    assert "two different groups" in sound(app).info[0].value


def test_ratings_per_user_are_shown_too() -> None:
    app = sound(open_page("data"))
    few = sum(FILMS["ratings"] < 8)
    assert f"{few:,} of {len(FILMS):,} films have fewer than 8 ratings" in text_of(app)
    app.segmented_control(key="data_per").set_value("user").run()
    most = max(COUNTS.per_user, key=lambda part: part.count)
    assert f"{most.low:,} to {most.high:,} ratings a user: {most.count:,}" in text_of(sound(app))


def test_missing_or_damaged_counts_say_how_to_make_them(base: Path) -> None:
    for content in (None, "{"):
        if content is not None:
            (base / FILE).write_text(content)
        app = sound(open_page("data"))
        assert "aggregates.json" in app.error[0].value.replace("\\", "")
        assert app.code[0].value == "python -m recdemo data aggregates ml-1m"


def test_a_made_up_world_is_called_so(base: Path) -> None:
    write(base, COUNTS.model_copy(update={"name": "simulated", "simulated": True}))
    app = sound(open_page("data"))
    assert app.subheader[0].value.endswith("(simulated)")
    assert "given by nobody" in text_of(app)
    assert "Harper" not in text_of(app)


def test_users_and_films_of_whom_little_is_known_are_a_page(base: Path) -> None:
    from recdemo.data import Dataset, simulate
    from recdemo.data.summary import aggregates_of

    world = simulate(FILMS, users=20)
    own = Dataset(
        "mine",
        "Mine",
        world.movies.assign(genres=[()] * len(world.movies), year=0),
        people(world.users["user_id"].to_numpy()),
        world.ratings,
    )
    write(base, aggregates_of(own, "2000-01-01"))
    session = Session("F", 25, 12, [Watched(260, True)])
    app = sound(open_page("data", link_of(session)))
    assert [error.value for error in app.error] == []
    assert "your own" in text_of(app)
