"""How all models stand: the figures of every row, and what can be read off them. `recdemo.standings`."""

from recdemo.core.figures import MAIN, METRICS
from recdemo.leaderboard.intervals import calibration_error, extremes, margin, pareto, slices
from recdemo.leaderboard.table import Leaderboard, Row, below, best_first, figure_of
from recdemo.leaderboard.table import as_frame as table
from recdemo.leaderboard.table import read_leaderboard as read

__all__ = [
    "MAIN",
    "METRICS",
    "Leaderboard",
    "Row",
    "below",
    "best_first",
    "calibration_error",
    "extremes",
    "figure_of",
    "margin",
    "pareto",
    "read",
    "slices",
    "table",
]
