"""Sources of ratings, each read into one frozen Dataset, and the split they all share.

What stands here is imported from its own module when it is first asked for: who wants the films only waits for no reader.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from recdemo.core.errors import DataError

if TYPE_CHECKING:
    from recdemo.data.choices import Choices
    from recdemo.data.dataset import Dataset
    from recdemo.data.latest import read_latest
    from recdemo.data.mapping import Mapping, guess_mapping
    from recdemo.data.movielens import read_movielens
    from recdemo.data.own import check, to_dataset
    from recdemo.data.own_rows import Findings
    from recdemo.data.saved import read_saved, save_dataset
    from recdemo.data.shards import PartedDataset, in_parts, open_parts, save_parts
    from recdemo.data.simulated import planted_taste, simulate
    from recdemo.data.sources import DATA_VARIABLE, SIMULATED, find_data, load_dataset
    from recdemo.data.split import TEST, TRAIN, VALIDATION, parts_of, split_by_order, split_ratings
    from recdemo.data.table import Problem, Table, read_table

_NAMES = {
    "choices": ("Choices",),
    "dataset": ("Dataset",),
    "latest": ("read_latest",),
    "mapping": ("Mapping", "guess_mapping"),
    "movielens": ("read_movielens",),
    "own": ("check", "to_dataset"),
    "own_rows": ("Findings",),
    "saved": ("read_saved", "save_dataset"),
    "shards": ("PartedDataset", "in_parts", "open_parts", "save_parts"),
    "simulated": ("planted_taste", "simulate"),
    "sources": ("DATA_VARIABLE", "SIMULATED", "find_data", "load_dataset"),
    "split": ("TEST", "TRAIN", "VALIDATION", "split_by_order", "parts_of", "split_ratings"),
    "table": ("Problem", "Table", "read_table"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


__all__ = [
    "DATA_VARIABLE",
    "SIMULATED",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Choices",
    "DataError",
    "Dataset",
    "Findings",
    "Mapping",
    "PartedDataset",
    "Problem",
    "Table",
    "check",
    "find_data",
    "guess_mapping",
    "in_parts",
    "load_dataset",
    "open_parts",
    "parts_of",
    "planted_taste",
    "read_latest",
    "read_movielens",
    "read_saved",
    "read_table",
    "save_dataset",
    "save_parts",
    "simulate",
    "split_by_order",
    "split_ratings",
    "to_dataset",
]
