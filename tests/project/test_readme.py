"""What the README says in figures and lists is what the cards say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recdemo import checkpoints
from recdemo.checkpoints import CheckpointCard
from recdemo.models.cards import as_markdown
from recdemo.ui.frame import MENU

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUESTIONS = {
    "`like`, AUC": ("like", "order", ("auc",)),
    "`next`, HR@10 / NDCG@10": ("next", "order", ("hr@10", "ndcg@10")),
    "`rating`, RMSE": ("rating", "order", ("rmse",)),
    "`next`, leave-one-out, NDCG@10": ("next", "last", ("ndcg@10",)),
    "`rating`, random tenth, MSE": ("rating", "random", ("mse",)),
}


def _card(model: str, objective: str, split: str) -> CheckpointCard:
    base = checkpoints.root()
    folder = base if split == "order" else base / "evidence" / f"{split}-0"
    return checkpoints.read_card(checkpoints.folder_of(model, objective, folder))


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_the_best_of_each_question_are_those_of_the_cards(question: str) -> None:
    objective, split, metrics = QUESTIONS[question]
    (row,) = (line for line in README.splitlines() if line.startswith(f"| {question} |"))
    told = re.findall(r"`(\w+)` ((?:\.\d+)(?: / \.\d+)*)", row)
    assert told
    for model, figures in told:
        measured = _card(model, objective, split).metrics.test
        for name, figure in zip(metrics, figures.split(" / "), strict=True):
            assert f"{measured[name]:.{len(figure) - 1}f}".lstrip("0") == figure, (model, name)


@pytest.mark.parametrize("question", list(QUESTIONS)[:2])
def test_none_better_is_left_out(question: str) -> None:
    objective, split, metrics = QUESTIONS[question]
    (row,) = (line for line in README.splitlines() if line.startswith(f"| {question} |"))
    told = re.findall(r"`(\w+)` \.", row)
    models = [key for key, asked in checkpoints.available() if asked == objective]
    best = sorted(models, key=lambda key: -_card(key, objective, split).metrics.test[metrics[-1]])
    assert told == [*best[: len(told) - 1], "popularity"]


def test_every_model_stands_with_its_family() -> None:
    mend = "put in what `python -m recdemo models --markdown` prints"
    assert f"\n\n{as_markdown()}\n\n" in README, mend


def test_every_page_is_told_of() -> None:
    _, _, table = README.partition("| page | what it answers |\n|---|---|\n")
    told = [line.split(" | ")[0].strip("| ") for line in table.split("\n\n")[0].splitlines()]
    assert told == [title for _, title, _ in MENU]


SNIPPETS = """
import sys
import recdemo
from recdemo.jobs import control
exec(sys.stdin.read())
assert Path("report.html").stat().st_size > 10_000
for run in control.store.all_runs():
    control.cancel(run.id)
    print("started", run.title)
"""


@pytest.mark.slow
def test_what_it_says_of_python_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", SNIPPETS],
        input="\n".join(blocks).replace("tests/cases", str(ROOT / "tests" / "cases")),
        cwd=tmp_path,
        env=os.environ | {"RECDEMO_RUNS": str(tmp_path / "runs"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("started") == 1, done.stderr
