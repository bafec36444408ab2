"""Labels of films. Reading and writing the catalogue is tested beside the checkpoints it lies with."""

from __future__ import annotations

import pandas as pd
import pytest

from recdemo.data.catalogue import label_of, labels_of, shorten

LONG = "Those Who Love Me Can Take the Train (Ceux qui m'aiment) (1998)"


@pytest.mark.parametrize("most", [20, 30, 34, 60])
def test_a_long_label_keeps_its_beginning_and_its_year(most: int) -> None:
    short = shorten(LONG, most)
    assert len(short) <= most
    assert short.startswith("Those Who")
    assert short.endswith("… (1998)")


def test_a_label_that_fits_stays_as_it_is() -> None:
    assert shorten("Short (1998)", 12) == "Short (1998)"
    assert shorten(LONG, len(LONG)) == LONG


def test_a_year_that_is_unknown_is_not_shown() -> None:
    assert label_of("Heat", 1995) == "Heat (1995)"
    assert label_of("Heat", 0) == "Heat"
    assert labels_of(pd.DataFrame({"title": ["A", "B"], "year": [0, 2001]})) == ["A", "B (2001)"]
    assert shorten("A film without a year whose title is long", 20) == "A film without a ye…"
