"""Numbers and names as people write them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 film``, ``2,000 films``; of nouns that take an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def a(noun: str) -> str:
    """``a film``, ``an article``."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def cut(text: str, most: int = 40) -> str:
    """A text of no more than so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
