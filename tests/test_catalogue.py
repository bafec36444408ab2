"""Labels of films. Reading and writing the catalogue is tested beside the checkpoints it lies with."""

from __future__ import annotations

import pytest

from recdemo.catalogue import shorten

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
