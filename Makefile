# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `make models PUBLIC=folder` trains on the labelled public passages too (see data/public/README.md);
# `make models REAL=file.csv` adds figures on a labelled file of your own to the card.
PUBLIC ?=
REAL ?=

.PHONY: demo test lint models notebooks clean

# Install again only when what is installed has changed.
$(VENV)/base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/base
	mkdir -p demo
	$(BIN)/disconnect-nlp label data/samples/journal.csv --text-column entry --force -o demo/journal.labelled.csv
	$(BIN)/disconnect-nlp report demo/journal.labelled.csv --text-column entry --time date --group site --person diarist --force -o demo/report.html

test: $(VENV)/dev
	$(BIN)/python -m pytest

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

models: $(VENV)/base
	$(BIN)/python -m disconnect_nlp.building $(if $(PUBLIC),--public $(PUBLIC)) $(if $(REAL),--real $(REAL))

# Run again after a change of the models: the outputs are kept in the files.
notebooks: $(VENV)/dev
	$(BIN)/python notebooks/execute.py

clean:
	rm -rf $(VENV) demo dist build
