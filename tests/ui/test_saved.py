"""A saved session comes back as it was; anything else is refused by name and changes nothing."""

from __future__ import annotations

import json

import pytest
from random_visits import FILMS, MODELS, random_visit

from recdemo.core.errors import RequestError
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
        ("", "not JSON"),
        ("not json", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 5000, "not JSON"),
        (r'{"recdemo": 1, "model": "\ud800"}', "not JSON"),  # half of a character
        ("[]", "the JSON is not an object"),
        ("{}", "“recdemo”, the version of its layout, is missing"),
        ('{"recdemo": 2}', "its layout is of version 2, and only 1 is known here"),
        ('{"recdemo": 1, "age": "young"}', '“age” is "young", not a whole number'),
        ('{"recdemo": 1, "age": NaN}', "“age” is NaN, not a whole number"),
        (f'{{"recdemo": 1, "age": "{"y" * 99}"}}', "“age” is .{1,40}…, not a whole number"),
        ('{"recdemo": 1, "gender": 1}', "“gender” is 1, not a text"),
        ('{"recdemo": 1, "history": {}}', "“history” is {}, not a list"),
        ('{"recdemo": 1, "history": [260]}', "film 1 of the history is 260, not a film"),
        ('{"recdemo": 1, "history": [{}]}', "“movie_id” of film 1 of the history is missing"),
        (
            '{"recdemo": 1, "history": [{"movie_id": 0}]}',
            "film 1 of the history is 0, not 1 or more",
        ),
        ('{"recdemo": 1, "history": [{"movie_id": "260"}]}', 'is "260", not a whole number'),
        (
            '{"recdemo": 1, "history": [{"movie_id": 1}, {"movie_id": 260, "liked": "yes"}]}',
            '“liked” of film 2 of the history is "yes", not true, false or null',
        ),
        ('{"recdemo": 1, "targets": [1, 2, 3, 4, 5, 6]}', "“targets” has 6 entries, more than 5"),
        (
            '{"recdemo": 1, "targets": [1, null]}',
            "entry 2 of “targets” is null, not a whole number",
        ),
        ('{"recdemo": 1, "extra": 1}', "“extra” is not known"),
        (" " * (MAX_BYTES + 1), "too large"),
    ],
)
def test_other_files_are_refused_by_name(content: str | bytes, named: str) -> None:
    with pytest.raises(RequestError, match=named) as refused:
        opened(content)
    assert "too large" in named or str(refused.value).endswith("save one with “Save session”")


def test_what_does_not_exist_here_is_named_and_the_rest_kept() -> None:
    visit, problems = opened(
        '{"recdemo": 1, "gender": "F", "age": 26, "model": "gpt", '
        '"history": [{"movie_id": 260, "liked": true}, {"movie_id": 999999}]}'
    )
    assert visit.session.gender == "F"
    assert visit.session.age is None
    assert visit.session.movie_ids == [260]
    assert all(problem.startswith("The file") for problem in problems)
    assert problems[-1].endswith("`999999`.")
    assert [name for name in ("26", "gpt", "999999") if not any(name in p for p in problems)] == []
