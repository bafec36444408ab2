"""What people write when they say how they liked something: numbers, ``4/5``, ``80%``, stars, hearts, thumbs, words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Said = Callable[[str], tuple[float, float] | None]


def said_reader(texts: Sequence[str]) -> Said:
    """What reads those cells of a column that tell by themselves out of how many they are: (so many, of so many).

    Knows ``4/5``, ``80%``, ``★★★½``, hearts, thumbs and words; of all else, bare numbers too, it says None. A single heart
    is one of five where the column has longer rows of hearts, else it says "liked".
    """
    several = any(_plain(text).count("♥") > 1 for text in texts)

    def read(text: str) -> tuple[float, float] | None:
        text = _plain(text)
        word = _bare(text)
        if word in WORDS and not (several and word == "♥"):
            return WORDS[word], 1.0
        if out_of := _OUT_OF.fullmatch(text):
            value, top = (float(part.replace(",", ".")) for part in out_of.groups())
            return (value, top) if top else None
        if stars := _STARS.fullmatch(text):
            return float(stars[1].replace(",", ".")), 5.0
        if text.endswith("%") and (percent := number(text[:-1])) is not None:
            return percent, 100.0
        if stars := re.fullmatch(r"([★♥]+)\s*([½⯪]|1/2)?\s*([☆♡]*)", text):
            value = len(stars[1]) + 0.5 * bool(stars[2])
            return value, 10.0 if max(value, len(stars[1] + stars[3])) > 5 else 5.0
        return None

    return read


def mark_reader(texts: Sequence[str], scale: float | None = None) -> Callable[[str], float | None]:
    """What reads the ratings of one column as marks from 0 to 1.

    Numbers are out of 5, 10 or 100, whichever holds the largest; for all else see `said_reader`. Zero, and what says
    nothing, is None: no source lets people give nothing at all.

    Args:
        texts: the whole column.
        scale: the highest number of the source; None to find out.
    """
    if scale is None:
        numbers = [value for text in texts if (value := number(text)) is not None]
        if numbers and set(numbers) <= {0.0, 1.0}:  # liked or not
            return lambda text: {"0": 0.1, "1": 1.0}.get(text.strip().removesuffix(".0"))
        scale = highest(numbers)
    said = said_reader(texts)

    def read(text: str) -> float | None:
        found = said(text)
        if found is None:
            value = number(text.strip(" ()"))
            found = None if value is None else (value, scale)
        return found[0] / found[1] if found and 0 < found[0] <= found[1] else None

    return read


def highest(numbers: Sequence[float]) -> float:
    """The highest mark there may be: 5, 10 or 100. A few above 10 are slips."""
    if sum(number > 10 for number in numbers) * 10 > len(numbers):
        return 100.0
    return 10.0 if any(number > 5 for number in numbers) else 5.0


def number(text: str) -> float | None:
    """A mark as a plain number, with a point or a comma before its decimals."""
    text = text.strip()
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _bare(text: str) -> str:
    """A word without case, hyphens and what ends a sentence."""
    return text.casefold().replace("_", " ").replace("-", " ").rstrip(".!")


def _plain(text: str) -> str:
    """One sign for each of the signs that look alike; no colour of skin, no parentheses."""
    return _TINTS.sub("", text.strip(" ()").translate(_ALIKE))


_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,20})?")
_STAR_WORDS = (
    r"(?:stars?|sterne?n?|étoiles?|estrellas?|estrelas?|stelle|зв[её]зд[аы]?|星|つ星|별|★)"
)
_STARS = re.compile(rf"([0-5](?:[.,][0-9])?)\s*{_STAR_WORDS}", re.IGNORECASE)
_OUT_OF = re.compile(
    r"([0-9]{1,3}(?:[.,][0-9]{1,20})?)\s*(?:/|out of|of|von|sur|de|из|su)\s*([0-9]{1,3}(?:[.,]0+)?)"
    rf"(?:\s*{_STAR_WORDS})?",
    re.IGNORECASE,
)
_ALIKE = str.maketrans(
    dict.fromkeys("⭐🌟✩✭", "★") | dict.fromkeys("❤💖💗🧡💛💚💙💜", "♥") | {"👌": "👍"}
)
_TINTS = re.compile("[\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}\U0001f3fb-\U0001f3ff]")
_MARKS = {
    1.0: "thumbs up|thumb up|up|like|liked|likes|love|loved|loved it|liked it|yes|true|👍|♥|👍👍|positive|recommended|"
    "excellent|great|amazing|perfect|masterpiece|très bien|j'aime|aimé|gefällt mir|sehr gut|me gusta|excelente|muy bueno|"
    "нравится|понравилось|отлично|力荐|推荐|喜欢|好看|好き|いいね|좋아요|좋음",
    0.8: "good|very good|bien|bon|gut|bueno|хорошо|还不错",
    0.6: "ok|okay|average|fine|so-so|mixed|neutral|还行|一般|mittel|moyen|regular|нормально|普通|보통",
    0.3: "bad|poor|weak|较差|很差|schlecht|mauvais|malo|плохо|悪い|나쁨",
    0.1: "thumbs down|thumb down|down|dislike|disliked|dislikes|disliked it|hate|hated|hated it|no|false|👎|negative|"
    "not recommended|terrible|awful|horrible|worst|boring|💔|gefällt mir nicht|je n'aime pas|no me gusta|не нравится|"
    "не понравилось|ужасно|不喜欢|嫌い|싫어요|별로",
}  # fmt: skip
WORDS = {_bare(word): mark for mark, words in _MARKS.items() for word in words.split("|")}
