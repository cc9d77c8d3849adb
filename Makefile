# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
QT ?= pyqt5
# The environment that every target uses holds PyQt5; another binding is tested in one of its own.
VENV := $(if $(filter pyqt5,$(QT)),.venv,.venv-$(QT))
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready-$(QT)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test install app lint bench sample clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "Python has no venv module; on Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --editable '.[$(QT),test,lint]'
	@touch $@

install: $(READY)  ## Make the environment (PyQt5 flavour)

demo: $(READY)  ## Run the main job on the sample exams; results under out/demo/
	$(BIN)/spinalq demo --output out/demo --force

test: $(READY)  ## Run all tests under a virtual display (QT=pyqt6 for the other binding)
	@sh .ci/display-packages
	@$(if $(PYTEST),sh .ci/with-display $(BIN)/python -m pytest $(PYTEST),sh .ci/run-tests $(BIN)/python)

app: $(READY)  ## Open napari on the sample exam, plugin docked
	$(BIN)/spinalq open

lint: $(READY)  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## Print every measured figure beside its target
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

sample: $(READY)  ## Make sample_data/ again, byte for byte
	$(BIN)/python -m napari_spinalq.phantom sample_data

clean:  ## Remove the environments and all outputs
	rm -rf .venv .venv-* out build dist
