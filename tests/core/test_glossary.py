"""The glossary: what it holds, how it is searched, and where else its sentences are."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import run

from recdemo.core.figures import METRICS
from recdemo.core.glossary import GLOSSARY, as_markdown, look_up

ROOT = Path(__file__).resolve().parents[2]


def test_every_term_is_two_sentences() -> None:
    for term in GLOSSARY.values():
        for sentence in (term.short, term.more):
            assert sentence[0].isupper(), term.name
            assert sentence.endswith((".", "…")), term.name
            assert ". " not in sentence, term.name
    names = [term.name for term in GLOSSARY.values()]
    assert len(set(names)) == len(names) >= 35


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("AUC", "AUC"),
        ("hit rate", "HR@10"),
        ("cold", "fold-in"),
        ("LOG LOSS", "log-loss"),
        ("leave one", "leave-one-out"),
        ("normalis", "NDCG@10"),
    ],
)
def test_a_term_is_found_by_what_people_type(typed: str, first: str) -> None:
    assert look_up(typed)[0].name == first


def test_nothing_typed_gives_all_and_nonsense_none() -> None:
    assert look_up("  ") == list(GLOSSARY.values())
    assert look_up("xyzzy") == []


def test_a_figure_says_what_the_glossary_says() -> None:
    assert {key: metric.hint for key, metric in METRICS.items()} == {
        key: GLOSSARY[key].short for key in METRICS
    }


def test_the_document_and_the_shell_say_the_same() -> None:
    assert (ROOT / "docs" / "glossary.md").read_text("utf-8") == as_markdown()
    assert run("glossary hit rate").stdout.startswith("HR@10: How often")
    assert "xyzzy" in run("glossary xyzzy").stderr
