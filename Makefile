# On a fresh machine with Python 3.11+ and make: `make demo` runs the main job, `make test` the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check test-lowest test-bi bench bench-peers clean

demo: $(VENV)/installed
	$(BIN)/e2vdb demo demo

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile
	$(MAKE) test-lowest

check: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The lowest DuckDB that pyproject.toml admits answers the same, and has the extension to serve.
test-lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest -n auto --dist loadfile tests/sql tests/query tests/publish tests/serve

# The published file in real clients, Superset among them, each installed below .venv-bi.
test-bi: $(VENV)/installed-test
	sh tests/bi/make_environments.sh .venv-bi $(PYTHON)
	$(BIN)/python -m pytest -m bi tests/bi

bench: $(VENV)/installed-test
	$(BIN)/python -m benchmarks

# The other vector stores that `make bench` compares with, where they are installed.
bench-peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python $(PIP) duckdb==1.5.5 duckdb-extension-vss==1.5.5 numpy pyarrow \
		faiss-cpu hnswlib sqlite-vec apsw chromadb pgserver pgvector 'psycopg[binary]'

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) -c constraints.txt -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python $(PIP) -c constraints.txt -e '.[test,audio]'
	touch $@

$(LOWEST)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LOWEST)
	grep -v '^duckdb' constraints.txt > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python $(PIP) -c $(LOWEST)/constraints.txt -e '.[test]' duckdb==1.5.5 \
		duckdb-extension-quack==1.5.5 duckdb-extension-httpfs==1.5.5
	touch $@

clean:
	rm -rf $(VENV) $(LOWEST) .venv-bi build *.egg-info
