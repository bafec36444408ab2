"""The visit and its link: every visit survives the round trip, and nothing invalid gets in."""

from __future__ import annotations

import pytest
from random_visits import FILMS, MODELS, random_visit

from recdemo.answers.counterfactual import UNKNOWN, Change
from recdemo.core.session import Session, Watched
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, decode_visit, encode_visit


def decode(values: dict[str, str]) -> tuple[Visit, list[str]]:
    return decode_visit(values, models=MODELS, films=FILMS)


@pytest.mark.parametrize("seed", range(30))
def test_a_visit_survives_its_link(seed: int) -> None:
    visit = random_visit(seed)
    assert decode(encode_visit(visit)) == (visit, [])


def test_an_empty_link_is_an_empty_visit() -> None:
    assert decode({}) == (Visit(), [])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"m": "nope"}, "nope"),
        ({"obj": "buy"}, "buy"),
        ({"g": "X"}, "X"),
        ({"a": "26"}, "26"),
        ({"a": "²"}, "²"),
        ({"o": "21"}, "21"),
        ({"h": "99999l"}, "99999l"),
        ({"h": "260x"}, "260x"),
        ({"h": "l"}, "l"),
        ({"h": "²l"}, "²l"),
        ({"t": "abc"}, "abc"),
        ({"wg": "X"}, "X"),
        ({"wg": "--"}, "--"),
        ({"wa": "26"}, "26"),
        ({"wo": "21"}, "21"),
        ({"wd": "260l"}, "260l"),
        ({"wd": "99999"}, "99999"),
        ({"wh": "99999l"}, "99999l"),
        ({"ag": "99999"}, "99999"),
        ({"ag": "-1"}, "-1"),
        ({"wh": "260"}, "260"),
        ({"wh": "260l-1l"}, "260l-1l"),
        ({"c": "fm.gpt"}, "gpt"),
        ({"s": "goal.99"}, "goal.99"),
        ({"s": "nothing.1"}, "nothing.1"),
        ({"ed": "3"}, "three dimensions"),
        ({"h": "9" * 5000 + "l"}, "999"),
        ({"m": "![x](http://example.org/a.png)"}, "`![x](http://example.org/a.png)`"),
        ({"h": "<script>alert(1)</script>l"}, "<script>"),
    ],
)
def test_what_is_invalid_is_named_and_the_rest_kept(values: dict[str, str], named: str) -> None:
    visit, problems = decode({"g": "F", "h": "260l", **values} | values)
    assert len(problems) == 1
    assert named in problems[0]
    if "g" not in values:
        assert visit.session.gender == "F"
    if "h" not in values:
        assert visit.session.movie_ids == [260]


def test_a_link_cannot_be_too_long() -> None:
    link = {"h": "-".join(f"{movie}l" for movie in FILMS), "t": "1-2-3-4-5-6-7"}
    visit, problems = decode(link)
    assert visit.session.movie_ids == list(FILMS)[-500:], "the latest are kept"
    assert "500" in problems[0]
    assert len(visit.targets) == 5


def test_films_listed_twice_count_once() -> None:
    visit, _ = decode({"h": "260l-1d-260d", "t": "1-1"})
    assert visit.session.history == (Watched(260, True), Watched(1, False))
    assert visit.targets == (1,)


def test_adding_a_film_again_moves_it_to_the_end() -> None:
    visit = Visit().add(1, True).add(2, None).add(1, False)
    assert visit.session.history == (Watched(2, None), Watched(1, False))


def test_a_full_history_loses_its_oldest_film() -> None:
    visit = Visit(Session(history=[Watched(movie) for movie in range(1, 501)])).add(1000, True)
    assert visit.session.movie_ids == [*range(2, 501), 1000]


def test_editing_films() -> None:
    visit = Visit().add(1, True).add(2, True).add(3, True)
    assert visit.rate(2, False).session.history[1] == Watched(2, False)
    assert visit.remove(2).session.movie_ids == [1, 3]
    assert visit.move(1, 1).session.movie_ids == [2, 1, 3]
    assert visit.move(1, -1).session.movie_ids == [1, 2, 3]
    assert visit.move(3, -5).session.movie_ids == [3, 1, 2]


def test_personas_are_six_or_more_and_distinct() -> None:
    assert len(PERSONAS) >= 6
    assert len({persona.session for persona in PERSONAS}) == len(PERSONAS)
    assert len({persona.name for persona in PERSONAS}) == len(PERSONAS)


def test_a_model_is_asked_only_what_it_is_trained_for() -> None:
    visit, problems = decode({"m": "textcnn_rating", "obj": "next"})
    assert (visit.model, visit.objective) == ("textcnn_rating", "rating")
    assert "textcnn_rating" in problems[0]
    assert decode({"m": "textcnn_rating"}) == (
        Visit(model="textcnn_rating", objective="rating"),
        [],
    )


def test_changing_the_model_keeps_the_question_where_it_can() -> None:
    visit = Visit(model="fm", objective="like")
    assert visit.with_model("din", MODELS["din"]).objective == "like"
    stars = visit.with_model("textcnn_rating", MODELS["textcnn_rating"])
    assert (stars.model, stars.objective) == ("textcnn_rating", "rating")
    assert stars.with_model("din", MODELS["din"]).objective == "next"


def test_without_din_another_model_is_the_first() -> None:
    visit, problems = decode_visit({}, models={"fm": ["next", "like"]}, films=FILMS)
    assert (visit.model, problems) == ("fm", [])


def test_what_is_unknown_can_be_tried_out() -> None:
    visit, problems = decode({"g": "F", "wg": "-", "wa": "-", "wo": "0", "wd": "1-1", "wh": "260w"})
    expected = Change(gender=UNKNOWN, age=UNKNOWN, occupation=0, dropped=(1,), added=Watched(260))
    assert (visit.change, problems) == (expected, [])
    assert visit.session.gender == "F"
