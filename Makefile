# Each target is the only command needed on a fresh clone: it makes .venv and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin

TOOLS := .venv/tools/bin
COMPILE = $(TOOLS)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command 'make lock' $(UPGRADE)

.PHONY: demo test check run chaos bench lock audit

demo: .venv/.demo
	$(BIN)/python -m bot demo

run: .venv/.run
	$(BIN)/python -m bot run

test: .venv/.dev
	$(BIN)/python -m pytest

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

# The bot as a process, killed 20 times while people post 5,000 times and Discord misbehaves (docs/reliability.md).
chaos: .venv/.dev
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m tests.chaos --model weights --posts 500 --kills 5 --troubles 8 --pace 15

# Measures speed, memory, load and growth on this machine, and writes docs/performance.md. Some twenty minutes.
bench: .venv/.dev
	$(BIN)/python -m tests.bench

# Pins every package by hash; what is pinned already stays, but with UPGRADE=--upgrade. Needs the network.
lock: .venv/.tools
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra torch --constraints requirements.txt --output-file requirements-torch.txt
	$(COMPILE) --extra dev --constraints requirements-torch.txt --output-file requirements-dev.txt

# Looks every locked version up in PyPI's list of known vulnerabilities. Needs the network.
audit: .venv/.tools
	@$(TOOLS)/python -c "import urllib.request as u; u.urlopen('https://pypi.org/pypi/pip/24.0/json', timeout=20)" 2>/dev/null \
	|| { echo "The list of vulnerabilities at pypi.org cannot be reached: NOTHING WAS AUDITED."; exit 2; }
	$(TOOLS)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt -r requirements-torch.txt -r requirements-dev.txt

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Threadwatch needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/.run: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/.demo: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[demo]'
	touch $@ .venv/.run

.venv/.dev: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ .venv/.demo .venv/.run

# A place of their own: what they need must not change what the bot gets.
.venv/.tools: Makefile | .venv/bin/python
	$(PYTHON) -m venv .venv/tools
	$(TOOLS)/pip install --quiet uv==0.13.9 pip-audit==2.10.1
	touch $@
