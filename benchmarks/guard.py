"""Ratios to the best peer that were reached once, and whether they still are. Times are never compared: they are those of a machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

RATIOS = Path(__file__).resolve().parent / "ratios.json"
KEPT = 0.75  # of a ratio recorded, that must be reached again


def add_options(parser: argparse.ArgumentParser) -> None:
    """``--guard`` and ``--record``."""
    purpose = parser.add_mutually_exclusive_group()
    purpose.add_argument("--guard", action="store_true", help=f"compare with {RATIOS.name}")
    purpose.add_argument("--record", action="store_true", help=f"write {RATIOS.name}")


def settle(chosen: argparse.Namespace, found: Mapping[str, float]) -> None:
    """Do what was chosen with each model's ratio to its best peer.

    Raises:
        SystemExit: a ratio is less than three quarters of the one recorded.
    """
    recorded = json.loads(RATIOS.read_text())
    if chosen.record:
        known = recorded | {model: round(ratio, 2) for model, ratio in found.items()}
        RATIOS.write_text(json.dumps(known, indent=1) + "\n")
    if chosen.guard:
        slower = {m: r for m, r in found.items() if r < KEPT * recorded.get(m, 0.0)}
        for model, ratio in slower.items():
            print(f"{model}: {ratio:.2f}× its best peer, recorded is {recorded[model]}×")
        raise SystemExit(1 if slower else 0)
