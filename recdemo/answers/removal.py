"""What taking one thing away does to a logit, and whether weights tell of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

MIN_FOR_CORRELATION = 3  # a rank correlation of two items is always -1 or 1


def rank_correlation(
    weights: Sequence[float] | np.ndarray, effects: Sequence[float] | np.ndarray
) -> float | None:
    """Spearman's rank correlation; None for fewer than three items or where one side is constant."""
    if len(weights) < MIN_FOR_CORRELATION:
        return None
    value = pd.Series(weights).rank().corr(pd.Series(effects).rank())
    return None if np.isnan(value) else float(value)


def pair_removal(attention: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """What taking each pair of fields away does to an attentional machine's logit.

    Without pair p the others share its attention: the sum becomes (S - s_p) / (1 - a_p).

    Args:
        attention: [P] a, summing to one.
        parts: [P] s, what each pair adds, attention included.
    """
    total = parts.sum()
    kept = (total - parts) / np.maximum(1 - attention, np.finfo(np.float32).eps)
    return np.asarray(total - kept)
