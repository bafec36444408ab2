"""The picture to pass on: its size, that it is one visitor's, and its letters."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

import recdemo
from recdemo import Session, Watched
from recdemo.charts import picture as drawn
from recdemo.charts.picture import EDGE, FILMS, HEIGHT, ROW, WIDTH, picture


def image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_a_picture_is_of_one_visitor_and_the_same_each_time() -> None:
    model = recdemo.load("ease", "next")
    one, other = (Session(history=[Watched(movie, True)]) for movie in (260, 595))
    first = picture(model, one)
    assert picture(model, one) == first
    assert image(first).size == (WIDTH, HEIGHT) == (1200, 630)
    differs = ImageChops.difference(image(first), image(picture(model, other))).convert("L")
    for place in range(FILMS):  # each row of the list, and the reason below
        top = 142 + ROW * place
        assert differs.crop((EDGE, top, WIDTH - EDGE, top + ROW - 10)).getbbox() is not None
    assert differs.crop((EDGE, 142 + ROW * FILMS, WIDTH, HEIGHT - 60)).getbbox() is not None
    assert differs.crop((0, 0, WIDTH, 80)).getbbox() is None  # the same model's name


@pytest.mark.parametrize("bold", [False, True])
def test_letters_have_accents(bold: bool) -> None:
    font = drawn._font(30, bold)
    missing = bytes(font.getmask("\U0010fffd"))
    assert all(bytes(font.getmask(letter)) != missing for letter in "öéłøßñŻБα")


def test_a_title_is_text_and_is_cut_where_it_is_too_long() -> None:
    font = drawn._font(28, True)
    line = drawn._cut("Ł" * 400, font, 500)
    assert line.endswith("Ł…")
    assert 470 < font.getlength(line) <= 500


def test_nobody_and_a_model_without_terms_have_a_picture_too() -> None:
    assert image(picture(recdemo.load("popularity", "like"), Session())).size == (1200, 630)
