PYTHON ?= .venv/bin/python

.PHONY: setup app check lint types quick test bench screenshots

setup:        ## make the environment with everything for development
	python3 -m venv .venv
	$(PYTHON) -m pip install -e ".[dev]"

app:          ## start the app; what is edited takes effect at the next click
	$(PYTHON) -m streamlit run streamlit_app.py --server.fileWatcherType=poll

check: lint types test  ## what must pass before a commit lands

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(dir $(PYTHON))lint-imports

types:
	$(PYTHON) -m mypy

quick:        ## the tests of a minute: no browser, no whole app, no training
	$(PYTHON) -m pytest -n auto -m "not slow"

test:
	$(PYTHON) -m pytest -n auto

bench:        ## fail where training has become slower beside its peers; print how fast models answer and the app starts
	$(PYTHON) benchmarks/training.py --rows 40000 --repeats 1 --guard
	$(PYTHON) benchmarks/next_peers.py --models ease linear_next ials --repeats 1 --guard
	$(PYTHON) benchmarks/serving.py
	$(PYTHON) benchmarks/startup.py

screenshots:  ## take docs/screenshots again
	$(PYTHON) docs/screenshots.py
