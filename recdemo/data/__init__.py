"""Sources of ratings, each read into one frozen Dataset, and the split they all share."""

from recdemo.data.dataset import DataError, Dataset
from recdemo.data.movielens import read_movielens
from recdemo.data.simulated import planted_taste, simulate
from recdemo.data.sources import DATA_VARIABLE, SIMULATED, find_data, load_dataset
from recdemo.data.split import TEST, TRAIN, VALIDATION, split_by_order, split_ratings

__all__ = [
    "DATA_VARIABLE",
    "SIMULATED",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "DataError",
    "Dataset",
    "find_data",
    "load_dataset",
    "planted_taste",
    "read_movielens",
    "simulate",
    "split_by_order",
    "split_ratings",
]
