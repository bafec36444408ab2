"""A saved session comes back as it was; anything else is refused by name and changes nothing."""

from __future__ import annotations

import json

import pytest
from test_visit import FILMS, MODELS, random_visit

from recdemo.contracts import RequestError
from recdemo.ui.saved import MAX_BYTES, open_visit, save_visit
from recdemo.ui.visit import Visit, decode_visit, encode_visit


def opened(content: str | bytes) -> tuple[Visit, list[str]]:
    raw = content.encode() if isinstance(content, str) else content
    return open_visit(raw, models=MODELS, films=FILMS)


def kept(visit: Visit) -> Visit:
    """What a file holds of a visit."""
    names = ("m", "obj", "g", "a", "o", "h", "t", "c")
    link = {name: value for name, value in encode_visit(visit).items() if name in names}
    return decode_visit(link, models=MODELS, films=FILMS)[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_visit_survives_its_file(seed: int) -> None:
    visit = random_visit(seed)
    assert opened(save_visit(visit, {})) == (kept(visit), [])


def test_titles_are_written_for_the_reader() -> None:
    text = save_visit(Visit().add(260, True), {260: "Star Wars (1977)"})
    assert json.loads(text)["history"] == [
        {"movie_id": 260, "liked": True, "title": "Star Wars (1977)"}
    ]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "no JSON"),
        ("not json", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        ("[" * 5000, "no JSON"),
        ("[]", "the file"),
        ("{}", "recdemo"),
        ('{"recdemo": 2}', "recdemo"),
        ('{"recdemo": 1, "age": "young"}', "age"),
        ('{"recdemo": 1, "age": NaN}', "age"),
        ('{"recdemo": 1, "history": [{"movie_id": "260"}]}', "history.0.movie_id"),
        ('{"recdemo": 1, "history": [{"movie_id": 260, "liked": "yes"}]}', "history.0.liked"),
        ('{"recdemo": 1, "extra": 1}', "extra"),
        (" " * (MAX_BYTES + 1), "too large"),
    ],
)
def test_other_files_are_refused_by_name(content: str | bytes, named: str) -> None:
    with pytest.raises(RequestError, match=named):
        opened(content)


def test_what_does_not_exist_here_is_named_and_the_rest_kept() -> None:
    visit, problems = opened(
        '{"recdemo": 1, "gender": "F", "age": 26, "model": "gpt", '
        '"history": [{"movie_id": 260, "liked": true}, {"movie_id": 999999}]}'
    )
    assert visit.session.gender == "F"
    assert visit.session.age is None
    assert visit.session.movie_ids == [260]
    assert all(problem.startswith("The file") for problem in problems)
    assert [name for name in ("26", "gpt", "999999") if not any(name in p for p in problems)] == []
