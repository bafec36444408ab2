"""Twenty faults, planted one at a time in a copy: the tests must find each.

    python tests/faults.py [NUMBER …]

Each line says what was broken, where, and which test noticed. Exit status 1: a fault went unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
CODE = ("recdemo", "tests", "pages", "benchmarks", "streamlit_app.py", "pyproject.toml")
LINKED = ("checkpoints", "data", "docs", "README.md")


class Fault(NamedTuple):
    """What to break, and where the tests of it are."""

    what: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    Fault("a pair's sign", "blocks/interaction.py", "fields.sum(-2).square() - fields.square()", "fields.sum(-2).square() + fields.square()", "blocks/test_interaction.py"),
    Fault("mask of the attention", "blocks/attention.py", "return normalised(scores, mask, self.softmax)", "return normalised(scores, torch.ones_like(mask), self.softmax)", "blocks/test_attention.py"),
    Fault("looking ahead", "blocks/transformer.py", "dtype=torch.bool).tril()", "dtype=torch.bool).triu()", "blocks/test_transformer.py"),
    Fault("pull of the fold-in", "blocks/fold_in.py", "+ 0.5 * self.strength", "- 0.5 * self.strength", "blocks/test_fold_in.py"),
    Fault("which films a visitor's history keeps", "core/session.py", "history=self.history[-films:]", "history=self.history[:films]", "encoding"),
    Fault("a history that holds its target", "encoding/ratings.py", "(until - first).unsqueeze(1)", "(until - first + 1).unsqueeze(1)", "encoding"),
    Fault("a history over the user before", "encoding/ratings.py", "torch.maximum(self.start[user], until - reach)", "(until - reach).clamp(min=0)", "encoding"),
    Fault("liked from which star", "encoding/ratings.py", "self.stars >= LIKED_FROM", "self.stars > LIKED_FROM", "encoding"),
    Fault("the tenth that tests", "data/split.py", "position >= count - count // 10", "position >= count - count // 9", "data/test_split.py"),
    Fault("no eval in ranking", "training/metrics.py", "    model.eval()\n    ranks =", "    ranks =", "training/test_loop.py"),
    Fault("films already seen compete", "training/metrics.py", 'scores[seen - 1] = float("-inf")', "pass", "training/test_metrics.py"),
    Fault("ties for the target", "training/metrics.py", "(~(scores < target)).sum()", "(scores > target).sum() + 1", "training/test_metrics.py"),
    Fault("NDCG's logarithm", "training/metrics.py", "np.log2(rank + 1)", "np.log(rank + 1)", "training/test_metrics.py"),
    Fault("a swapped metric", "core/figures.py", '"rating": "rmse"}', '"rating": "mse"}', "training/test_constant.py"),
    Fault("the correction for popularity", "training/losses.py", "logits - chances.log()", "logits + chances.log()", "training/test_losses.py"),
    Fault("watched films on the list", "answers/score.py", "return ~self.catalogue", "return self.catalogue", "answers/test_recommend.py"),
    Fault("the sign of a removal", "answers/explain.py", "removal = logit - without", "removal = without - logit", "answers/test_explain.py"),
    Fault("persistence of an overlap", "answers/compare.py", "(1 - p) / p *", "(1 - p) *", "answers/test_compare.py"),
    Fault("a checkpoint changed on disk", "checkpoints.py", "and _digest(weights) == card.weights_sha256", "and True", "checkpoints/test_refused.py"),
    Fault("half the interval", "leaderboard/intervals.py", "NORMAL_95 = 1.96", "NORMAL_95 = 0.98", "leaderboard"),
)  # fmt: skip


def notice(fault: Fault) -> str:
    """The test that noticed; empty where none did."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in CODE:
            source = PROJECT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        for name in LINKED:
            (copy / name).symlink_to(PROJECT / name)
        file = copy / "recdemo" / fault.file
        text = file.read_text(encoding="utf-8")
        if text.count(fault.right) != 1:
            raise SystemExit(f"{fault.file} does not hold {fault.right!r} once")
        file.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
        tests = [f"tests/{name}" for name in fault.tests.split()]
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not browser"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0] if done.returncode == 1 and failed else ""


def main() -> int:
    """Plant those asked for, or all."""
    chosen = [int(word) for word in sys.argv[1:]] or range(1, len(FAULTS) + 1)
    missed = 0
    for number in chosen:
        fault = FAULTS[number - 1]
        found = notice(fault)
        missed += not found
        print(f"{number:2}  {fault.what} ({fault.file}): {found or 'UNNOTICED'}", flush=True)
    return bool(missed)


if __name__ == "__main__":
    raise SystemExit(main())
