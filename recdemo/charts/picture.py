"""A visitor's list and why, as a picture to pass on: a PNG drawn here, by Pillow, with the letters that the pages have."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from recdemo.answers.explain import titles_of
from recdemo.answers.recommend import Recommender
from recdemo.charts.style import CATEGORIES
from recdemo.charts.terms import SAME
from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS, QUESTIONS, SCORE_NAMES
from recdemo.core.wording import counted
from recdemo.data.catalogue import genre_names, label_of, shorten
from recdemo.models import CARDS

WIDTH, HEIGHT = 1200, 630  # what links are previewed by
FILMS, LIKED = 5, 3
GROUND, PANEL, TEXT, FAINT, LINE = "#10151D", "#1A212C", "#FFFFFF", "#AEB9C7", "#2B3543"
BAR, WHY = "#3E8EDE", "#E69F00"
EDGE, ROW = 56, 66
LETTERS = "static/static/media/SourceSansVF-Upright*.woff2"  # in the package that draws the pages
Font = ImageFont.FreeTypeFont


def picture(recommender: Recommender, session: Session, *, title: str = "") -> bytes:
    """The picture: the same bytes for the same visitor and model.

    Args:
        recommender: the model that answers.
        session: who asks.
        title: what the model is called; by default as in the zoo.

    Raises:
        RequestError: a film is not in the catalogue.
    """
    goal, words = recommender.objective, recommender.words
    table = recommender.recommend(session, FILMS)
    card = CARDS[recommender.checkpoint.card.model]
    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, WIDTH, 8), fill=BAR)

    most = WIDTH - 2 * EDGE
    _say(draw, (EDGE, 38), f"What {title or card.title} would show me", 40, TEXT, most, bold=True)
    _say(draw, (EDGE, 92), _who(recommender, session), 25, FAINT, most)

    names = genre_names(recommender.catalogue)
    largest = {"next": table["score"].max(), "like": 1.0, "rating": 5.0}[goal]
    digits = 1 if largest >= 0.01 else 2
    top, left, bar = 142, EDGE + 54, 230
    for row in table.itertuples():
        y = top + ROW * (int(row.rank) - 1)
        draw.rounded_rectangle((EDGE, y, WIDTH - EDGE, y + ROW - 10), 12, fill=PANEL)
        colour = CATEGORIES[names.index(row.genres[0]) % len(CATEGORIES)] if row.genres else LINE
        draw.rounded_rectangle((EDGE, y, EDGE + 8, y + ROW - 10), 4, fill=colour)
        _say(draw, (EDGE + 24, y + 10), str(row.rank), 27, FAINT, 30)
        label = label_of(row.title, row.year)
        _say(draw, (left, y + 10), label, 28, TEXT, WIDTH - EDGE - left - bar - 150, bold=True)
        x = WIDTH - EDGE - bar - 120
        draw.rounded_rectangle((x, y + 23, x + bar, y + 33), 5, fill=LINE)
        share = max(0.0, min(1.0, float(row.score) / (largest or 1.0)))
        draw.rounded_rectangle((x, y + 23, x + max(10, round(bar * share)), y + 33), 5, fill=BAR)
        score = f"{row.score:.2f}" if goal == "rating" else f"{row.score:.{digits}%}"
        _say(draw, (x + bar + 18, y + 12), score, 25, TEXT, 100)

    if len(table):
        y = top + ROW * FILMS + 10
        first = label_of(table["title"].iloc[0], table["year"].iloc[0])
        why = _why(recommender, session, int(table["movie_id"].iloc[0]))
        draw.rounded_rectangle((EDGE, y, EDGE + 8, y + 58), 4, fill=WHY)
        _say(draw, (EDGE + 24, y), f"Why {first}?", 21, WHY, most, bold=True)
        _say(draw, (EDGE + 24, y + 26), why, 25, TEXT, most - 24)
    else:
        _say(draw, (EDGE, top), f"Every {words.film} has been {words.watched}.", 28, TEXT, most)
    size = counted(len(recommender.catalogue), words.film)
    foot = f"{QUESTIONS[goal]} · {SCORE_NAMES[goal].lower()}, of {size} · recdemo"
    if recommender.checkpoint.card.data.simulated:
        foot += " · simulated viewers"
    _say(draw, (EDGE, HEIGHT - 50), foot, 21, FAINT, most)

    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _who(recommender: Recommender, session: Session) -> str:
    """The visitor in a line."""
    liked = [film.movie_id for film in session.history if film.liked]
    titles = titles_of(recommender, liked[: -LIKED - 1 : -1])
    rest = len(liked) - len(titles)
    named = [shorten(title, 30) for title in titles] + ([f"{rest} more"] if rest else [])
    known = [
        GENDERS[session.gender] if session.gender else "",
        "" if session.age is None else AGES[session.age],
        "" if session.occupation is None else OCCUPATIONS[session.occupation].lower(),
        f"liked {', '.join(named)}" if named else "",
    ]
    words = recommender.words
    said = " · ".join(filter(None, known))
    return said[:1].upper() + said[1:] or f"Nothing is known: no profile, no {words.film}."


def _why(recommender: Recommender, session: Session, movie: int) -> str:
    """What speaks for a film most, beside the average one; of a history, which film does."""
    explanation, words = recommender.explain(session, movie), recommender.words
    terms = explanation.contrast_frame()
    speaks = terms[terms["more"] > SAME].sort_values("more", ascending=False, kind="stable")
    of_films = speaks[speaks["kind"] == "film"]
    if speaks.empty:
        return f"To this model nothing lifts it over {explanation.contrast.title}."
    best = (speaks if of_films.empty else of_films).iloc[0]
    among = "" if of_films.empty else f", of what I {words.watched}"
    return f"{shorten(best['label'], 48)} speaks for it most{among}: {best['more']:+.2f} {explanation.unit}."


def _say(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    size: int,
    colour: str,
    most: int,
    *,
    bold: bool = False,
) -> None:
    """A line of text, cut to so many pixels."""
    font = _font(size, bold)
    line = " ".join(text.split())
    if font.getlength(line) > most:
        line = _cut(line, font, most)
    draw.text(place, line, font=font, fill=colour)


def _cut(line: str, font: Font, most: int) -> str:
    """The longest beginning that fits, and an ellipsis."""
    fits, beyond = 0, len(line)
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        if font.getlength(f"{line[:middle]}…") <= most:
            fits = middle
        else:
            beyond = middle
    return f"{line[:fits].rstrip()}…"


@lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> Font:
    """The pages' letters; Pillow's own, which have no accents, where a later version keeps them elsewhere."""
    spec = find_spec("streamlit")
    places = spec.submodule_search_locations if spec else None
    for file in sorted(Path(places[0]).glob(LETTERS)) if places else ():
        font = ImageFont.truetype(file, size)
        font.set_variation_by_axes([700 if bold else 400])
        return font
    found = ImageFont.load_default(size)
    assert isinstance(found, Font)
    return found
