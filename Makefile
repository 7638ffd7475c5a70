# Two commands do everything on a fresh machine:  make demo  and  make test
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
export PIP_DISABLE_PIP_VERSION_CHECK = 1
unexport PYTHONDONTWRITEBYTECODE  # tests start hundreds of processes: what one compiles serves the others

APP := src/studium/server/static/index.html

.PHONY: demo app test lint types imports bench docs size wheel clean help
help:            ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[all,recognition,autotag]' --group dev
	@touch $@

demo: $(VENV)/.installed  ## a real study from pictures to a report, offline after the first time
	$(BIN)/python examples/album/prepare.py $(DEMO)
	cp examples/album/studium.toml examples/album/codebook.toml $(DEMO)/
	$(BIN)/studium run --study $(DEMO)
	$(BIN)/studium report --study $(DEMO)
	$(BIN)/studium status --study $(DEMO)

$(APP): app/package-lock.json app/vite.config.ts app/index.html $(shell find app/src -type f)
	cd app && npm ci --no-fund --no-audit --loglevel=error && npm run check && npm run build
	@touch $@

app: $(APP)      ## the browser app, checked and built into the package

test: $(VENV)/.dev $(APP)  ## every test, on real data
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.dev  ## the direction of imports
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## speed, memory and accuracy, beside peers
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benchmarks/decode.py
	$(BIN)/python benchmarks/duplicates.py
	$(BIN)/python benchmarks/cluster.py
	$(BIN)/python benchmarks/images.py
	$(BIN)/python benchmarks/video.py
	$(BIN)/python benchmarks/shots.py --tuning
	$(BIN)/python benchmarks/detect.py
	for file in models retrieval texts learn finetune agreement sampling server app app_map gpu; do $(BIN)/python benchmarks/$$file.py || exit 1; done
	for part in words speed voice nobody; do $(BIN)/python benchmarks/speech.py $$part || exit 1; done

docs: $(VENV)/.installed  ## the manual, as HTML in site/
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/sphinx-build --fail-on-warning --quiet docs site

wheel: $(VENV)/.dev  ## build the wheel, install it into a fresh environment, run it there
	rm -rf dist build/wheel && $(BIN)/python -m build --wheel --outdir dist .
	$(PYTHON) -m venv build/wheel && build/wheel/bin/python -m pip install --quiet dist/*.whl
	build/wheel/bin/python tests/installed.py

size:            ## what `pip install studium` weighs; the limit is 300 MB
	rm -rf build/size && $(PYTHON) -m venv --without-pip build/size
	$(PYTHON) -m pip --python build/size/bin/python install --quiet .
	@$(PYTHON) tests/size.py build/size

clean:           ## remove what was built
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache
