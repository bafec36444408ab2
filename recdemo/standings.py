"""How all models stand: what ``leaderboard.json`` says, read without torch, and what can be read off it.

`recdemo.training.leaderboard` writes the file. Intervals are bounds: a figure that is a mean of values between 0
and 1 over n users has a variance of at most m (1 − m) / n, and an AUC over n films liked and k not liked one of at
most A (1 − A) / min(n, k) (Birnbaum and Klose, Annals of Mathematical Statistics, 1957).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import pandas as pd
from pydantic import BaseModel, Field, FiniteFloat, model_validator

from recdemo.contracts import AGES, GENDERS, OCCUPATIONS, CheckpointError, Objective, Split
from recdemo.models import CARDS

FILE = "leaderboard.json"
ATTENTION = (
    "weights",
    "pairs",
    "terms",
)  # kinds of `Report.faithfulness` that speak for a model as a whole
NORMAL_95 = 1.96  # standard errors to either side that hold 95 % of a normal distribution


class Metric(NamedTuple):
    """A figure of the protocol: its name, whether more of it is better (1) or less (-1), and what it says."""

    title: str
    better: int
    hint: str


METRICS: dict[str, Metric] = {
    "auc": Metric("AUC", 1, "How often a film liked scores above one not liked; 0.5 is chance."),
    "log_loss": Metric(
        "log-loss", -1, "How surprised the model is by the answers; less is better."
    ),
    "ndcg@10": Metric(
        "NDCG@10", 1, "Like HR@10, but a film counts less the further down the ten it stands."
    ),
    "hr@10": Metric(
        "HR@10", 1, "How often the film liked next is among the first ten of all films."
    ),
    "mrr": Metric("MRR", 1, "Mean of one over the rank of the film liked next."),
    "coverage": Metric(
        "coverage", 1, "Share of all films that are among the first ten of at least one user."
    ),
    "rmse": Metric(
        "RMSE", -1, "How far the stars are off: root of the mean squared error; less is better."
    ),
    "mse": Metric("MSE", -1, "Mean squared error of the stars; less is better."),
}
# The figure that decides, for each question; `recdemo.training.loop.VALIDATED_BY` stops training by it.
MAIN: dict[Objective, str] = {"like": "auc", "next": "ndcg@10", "rating": "rmse"}
SPLIT_NAMES: dict[Split, str] = {
    "order": "Last tenth of each user",
    "last": "Last film of each user",
    "random": "Random tenth",
}
SPLITS: dict[Split, str] = {
    "order": "Of each user's films in the order rated, the last tenth is the test, the tenth before it chooses the "
    "best epoch, the rest trains; a history holds only what came before.",
    "last": "Leave-one-out, as in publications: each user's last film is the test, the one before it chooses the "
    "best epoch, the rest trains.",
    "random": "A tenth of all ratings, drawn at random, is the test, as in the source documents; a film rated later "
    "may then have trained a model that is asked about an earlier one.",
}
_CODES = {
    "gender": GENDERS,
    "age": {str(code): name for code, name in AGES.items()},
    "occupation": {str(code): name for code, name in OCCUPATIONS.items()},
}


class Figure(BaseModel):
    """A metric over the seeds that were trained: mean, and sample deviation where there are two or more."""

    mean: FiniteFloat
    deviation: FiniteFloat | None = None


class Constant(BaseModel):
    """What the best answer that is the same for everybody reaches on validation (`recdemo.training.constant`)."""

    figure: FiniteFloat  # the one that decides, see `MAIN`
    chance: FiniteFloat = 0.0  # what luck alone may add to it


class Bin(BaseModel):
    """Predictions between two bounds: how many, their mean, and what share was liked."""

    count: int
    predicted: FiniteFloat
    liked: FiniteFloat


class Faithfulness(BaseModel):
    """How far weights tell what mattered: rank correlation with what removal does (`recdemo.faithfulness`)."""

    mean: FiniteFloat  # over users
    deviation: FiniteFloat | None = None  # of single users
    users: int


class Report(BaseModel):
    """What a card says of the test part besides its plain figures."""

    slices: dict[str, dict[str, dict[str, FiniteFloat]]]  # by field, by code: metrics and "count"
    calibration: list[Bin] = []  # `like` only, by rising probability, as many predictions in each
    coverage: FiniteFloat | None = (
        None  # `next` only: share of the catalogue on anybody's first ten
    )
    faithfulness: dict[str, Faithfulness] | None = None  # by kind; None: not measured


class Row(BaseModel):
    """One model, trained for one objective and measured under one split."""

    model: str
    title: str
    family: str
    objective: Objective
    split: Split
    figures: dict[str, Figure]
    seeds: list[int] = Field(min_length=1)
    parameters: int
    kilobytes: int | None  # of the weights, where they are shipped
    train_seconds: FiniteFloat
    samples_per_second: FiniteFloat | None
    milliseconds: (
        FiniteFloat | None
    )  # shortest answer to one visitor over the whole catalogue, one thread
    report: Report | None  # slices, calibration, coverage, of the first seed
    data: str
    simulated: bool
    date: str
    command: str

    @model_validator(mode="after")
    def _has_what_decides(self) -> Row:
        if MAIN[self.objective] not in self.figures:
            raise ValueError(f"{self.model} for {self.objective!r} has no {MAIN[self.objective]}")
        return self


class Leaderboard(BaseModel):
    """``leaderboard.json``."""

    date: str
    versions: dict[str, str]
    rows: list[Row]


_NOT_BETTER: dict[Objective, str] = {
    "like": "which chance alone can reach",
    "next": "no better than {figure:.4f}, which one list of the most picked films for everybody reaches",
    "rating": "no better than {figure:.4f}, which the mean of all stars, said of every film, reaches",
}


def nothing_learned(objective: Objective, best: float, constant: Constant) -> str:
    """A sentence about a model whose best validation figure is no better than a constant answer's, else nothing.

    Args:
        objective: what it was trained for.
        best: its figure that decides, see `MAIN`, of its best epoch.
        constant: measured on the same questions.
    """
    metric = METRICS[MAIN[objective]]
    if metric.better * (best - constant.figure) > constant.chance:
        return ""
    how = _NOT_BETTER[objective].format(figure=constant.figure)
    return (
        f"It has learned nothing: its best {metric.title} on validation is {best:.4f}, {how}. Try another learning rate, "
        "more epochs or more data."
    )


def read(base: Path) -> Leaderboard:
    """Read ``leaderboard.json``.

    Raises:
        CheckpointError: missing, or not such a file.
    """
    path = base / FILE
    try:
        return Leaderboard.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        first = " ".join(str(error).splitlines()[:3])
        raise CheckpointError(
            f"{path} is not a leaderboard ({first}); make it with 'python -m recdemo leaderboard'"
        ) from error


def figure_of(row: Row, name: str) -> Figure | None:
    """A figure of a row, coverage among them; None where it has not been measured."""
    if name == "coverage":
        coverage = row.report.coverage if row.report else None
        return None if coverage is None else Figure(mean=coverage)
    return row.figures.get(name)


def best_first(rows: Sequence[Row], name: str | None = None) -> list[Row]:
    """Rows by one figure, that of their question where none is named; rows without it last."""

    def place(row: Row) -> tuple[bool, float]:
        metric = name or MAIN[row.objective]
        figure = figure_of(row, metric)
        return figure is None, 0.0 if figure is None else -METRICS[metric].better * figure.mean

    return sorted(rows, key=place)


def is_baseline(row: Row) -> bool:
    """Whether a row's model is counted or solved in seconds, for others to be held against (`Card.baseline`)."""
    return row.model in CARDS and CARDS[row.model].baseline


def below(rows: Sequence[Row], name: str) -> list[tuple[Row, list[Row]]]:
    """What every trained model should be better than, and which are not.

    Args:
        rows: of one question and split.
        name: of the figure.

    Returns:
        The best of the baselines that read a visitor, then popularity, as far as they are among the rows; each with the
        trained models that are worse, best first.
    """
    ranked = [row for row in best_first(rows, name) if figure_of(row, name)]
    formulas = [row for row in ranked if is_baseline(row) and row.model != "popularity"]
    floors = formulas[:1] + [row for row in ranked if row.model == "popularity"]
    trained = [row for row in ranked if not is_baseline(row)]
    return [
        (floor, [row for row in trained if ranked.index(row) > ranked.index(floor)])
        for floor in floors
    ]


def below_in_words(rows: Sequence[Row], name: str, most: int | None = None) -> list[str]:
    """`below` as sentences, one for each baseline.

    Args:
        rows, name: as there.
        most: so many models are named at most, the best and the worst of them; None for all.
    """
    trained = sum(not is_baseline(row) and figure_of(row, name) is not None for row in rows)
    said = []
    for floor, worse in below(rows, name):
        figure = figure_of(floor, name)
        assert figure is not None
        what = (
            "which knows nothing of the visitor"
            if floor.model == "popularity"
            else f"a formula solved in {max(floor.train_seconds, 1):,.0f} s"
        )
        which = f"{floor.title} ({METRICS[name].title} {figure.mean:.4f}), {what}"
        if not trained:
            continue
        if not worse:
            said.append(
                f"{'Every' if trained > 1 else 'The one'} trained model ranks above {which}."
            )
            continue
        titles = [row.title for row in worse]
        if most and len(titles) > most:
            titles = [*titles[: most - 1], f"{len(titles) - most} more", titles[-1]]
        listed = " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))
        verb = "ranks" if len(worse) == 1 else "rank"
        said.append(f"{len(worse)} of {trained} trained models {verb} below {which}: {listed}.")
    return said


def seeds_in_words(rows: Sequence[Row]) -> str:
    """Which seeds stand behind the figures of rows: ``seed 0``, or which of them have more."""
    counted = Counter(tuple(row.seeds) for row in rows)

    def named(seeds: tuple[int, ...]) -> str:
        listed = ", ".join(map(str, seeds))
        return f"seed {listed}" if len(seeds) == 1 else f"mean of seeds {listed}"

    if len(counted) == 1:
        return named(next(iter(counted)))
    return ", ".join(f"{named(seeds)} for {counted[seeds]}" for seeds in sorted(counted, key=len))


def faithfulness_of(row: Row) -> Faithfulness | None:
    """How far what a row's model shows tells what mattered, as a whole: its weights, or else its last layer, nearest to
    the answer; None where it shows, or measured, none."""
    found = (row.report and row.report.faithfulness) or {}
    layers = [kind for kind in found if kind.startswith("layer") and "," not in kind]
    kinds = [kind for kind in (*ATTENTION, *reversed(layers), *found) if kind in found]
    return found[kinds[0]] if kinds else None


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a frame, one column per figure that any row has, each followed by its deviation.

    Returns:
        Columns ``model``, ``title``, ``family``, ``baseline``, the figures in the order of `METRICS` with
        ``± figure`` where some row has several seeds, ``seeds`` (as ``0, 1, 2``), ``split``, ``faithfulness`` where some
        row's is measured, ``parameters``, ``kilobytes``, ``train_seconds``, ``samples_per_second``, ``milliseconds``,
        ``command``.
    """
    names = [name for name in METRICS if any(figure_of(row, name) for row in rows)]
    lines: list[dict[str, Any]] = []
    for row in rows:
        line: dict[str, Any] = {
            "model": row.model,
            "title": row.title,
            "family": row.family,
            "baseline": is_baseline(row),
        }
        for name in names:
            figure = figure_of(row, name)
            line[name] = figure and figure.mean
            line[f"± {name}"] = figure and figure.deviation
        faithfulness = faithfulness_of(row)
        line |= {
            "seeds": ", ".join(map(str, row.seeds)),
            "split": row.split,
            "faithfulness": faithfulness and faithfulness.mean,
        }
        for cost in ("parameters", "kilobytes", "train_seconds", "samples_per_second"):
            line[cost] = getattr(row, cost)
        lines.append(line | {"milliseconds": row.milliseconds, "command": row.command})
    found = pd.DataFrame(lines)
    optional = [*(f"± {name}" for name in names), "faithfulness"]
    return found.drop(columns=[column for column in optional if found[column].isna().all()])


def pareto(speed: Sequence[float], value: Sequence[float], better: int) -> list[int]:
    """Places of those that nobody beats in both, fastest first: each further one is slower and better.

    Args:
        speed: milliseconds, less is better.
        value: a figure.
        better: 1 where more of it is better, -1 where less is.
    """
    front: list[int] = []
    for i in sorted(range(len(speed)), key=lambda i: (speed[i], -better * value[i])):
        if not front or better * value[i] > better * value[front[-1]]:
            front.append(i)
    return front


def calibration_error(bins: Sequence[Bin]) -> float:
    """How far the predicted and the observed share of likes are apart, mean over all predictions."""
    total = sum(part.count for part in bins)
    return sum(part.count * abs(part.predicted - part.liked) for part in bins) / total


def margin(name: str, mean: float, count: float, liked: float = 0.5) -> float | None:
    """Half the width of an interval that holds the figure of all such users, 95 times in 100 or more.

    Args:
        name: of a metric.
        mean: the figure.
        count: users (`next`) or ratings (`like`) it was measured on, taken as independent.
        liked: share of the ratings that are likes, for an AUC.

    Returns:
        None for a figure that has no upper bound, such as the log-loss.
    """
    if name not in ("auc", "hr@10", "ndcg@10", "mrr"):
        return None
    number = count * min(liked, 1 - liked) if name == "auc" else count
    return None if number <= 0 else NORMAL_95 * float(mean * (1 - mean) / number) ** 0.5


def margin_of(row: Row, name: str) -> float | None:
    """`margin` of a row's figure; None too where its report does not say how many were asked."""
    figure, size = figure_of(row, name), asked(row)
    if figure is None or size is None:
        return None
    return margin(name, figure.mean, size, liked_share(row))


def asked(row: Row) -> int | None:
    """How many users (`next`) or ratings the figures rest on; None where the report does not say."""
    groups = row.report.slices.get("gender", {}) if row.report else {}
    return int(sum(group["count"] for group in groups.values())) or None


def liked_share(row: Row) -> float:
    """Share of the test ratings that are likes; a half where the report does not say."""
    bins = row.report.calibration if row.report else []
    total = sum(part.count for part in bins)
    return sum(part.count * part.liked for part in bins) / total if total else 0.5


def slices(row: Row, field: str, name: str) -> pd.DataFrame:
    """A figure for each group of users.

    Args:
        row: measured in detail.
        field: gender, age or occupation.
        name: of a metric; groups that have no such figure are left out.

    Returns:
        Columns ``group`` (name), ``count`` (users for `next`, else ratings), ``value``, ``margin`` (see
        `margin`; NaN where there is none), in the order of the codes.
    """
    share = liked_share(row)
    found = [
        {
            "group": title,
            "count": int(group["count"]),
            "value": group[name],
            "margin": margin(name, group[name], group["count"], share),
        }
        for code, title in _CODES[field].items()
        if row.report and name in (group := row.report.slices.get(field, {}).get(code, {}))
    ]
    frame = pd.DataFrame(found, columns=["group", "count", "value", "margin"])
    return frame.astype({"margin": float})


def extremes(table: pd.DataFrame, better: int) -> tuple[pd.Series, pd.Series, float | None]:
    """The groups a model serves best and worst, and a gap between them that chance would seldom make.

    Args:
        table: as `slices` returns it, not empty.
        better: 1 where more of the figure is better, -1 where less is.

    Returns:
        Two rows of the table, and a gap that the best and the worst of as many equal groups exceed 5 times in
        100 at most (Bonferroni's bound over all pairs); None where there is no margin.
    """
    ordered = table.sort_values("value", ascending=better < 0, kind="stable")
    best, worst = ordered.iloc[0], ordered.iloc[-1]
    if table["margin"].isna().any() or len(table) < 2:
        return best, worst, None
    pairs = len(table) * (len(table) - 1) / 2
    wider = NormalDist().inv_cdf(1 - 0.025 / pairs) / NORMAL_95
    return best, worst, float(wider * (best["margin"] ** 2 + worst["margin"] ** 2) ** 0.5)
