"""One file per library: how it trains the models of `benchmarks/training.py`, run in that library's environment."""
