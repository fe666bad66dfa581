# Sigill. `make help` lists the targets. A fresh machine needs Python 3.11 or later, and nothing else for `make demo`.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST ?= $(BIN)/pytest -n 2 --dist loadfile -m "not faults and not recipes and not alerts and not issuer"

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^##@ /{printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
		/^[a-z-]+:.*## /{printf "  \033[36m%-19s\033[0m%s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamps make the second run instant: pip runs again only when a lock or the project file has changed.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Sigill needs Python 3.11 or later; none was found (set PYTHON=…)" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv seems to be missing: on Debian, apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.demo: requirements.lock pyproject.toml contracts/pyproject.toml | $(BIN)/python
	@echo "installing what Sigill runs on (once)" >&2
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e ./contracts -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml contracts/pyproject.toml | $(BIN)/python
	@echo "installing what Sigill is tested with (once)" >&2
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e ./contracts -e .
	@touch $@ $(VENV)/.demo

##@ Try it

.PHONY: demo
demo: $(VENV)/.demo ## a realistic day of orders, with an embedded PostgreSQL and broker
	@$(BIN)/sigill demo

.PHONY: try
try: $(VENV)/.demo ## all of Sigill here, with a small record system in the browser; Ctrl-C stops it
	@$(BIN)/sigill dev up

.PHONY: scenarios
scenarios: $(VENV)/.demo ## the rule owners' stories, against the running program
	@$(BIN)/sigill scenario run tests/scenarios

##@ Change it

.PHONY: install
install: $(VENV)/.dev ## only install, for working on Sigill

.PHONY: check
check: lint types drift test ## what a change must pass before it is sent

.PHONY: lint
lint: $(VENV)/.dev ## formatting, lint, the walls between the rooms, dead code, unused dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/vulture
	@$(BIN)/deptry .

.PHONY: types
types: $(VENV)/.dev ## mypy, strict
	@$(BIN)/mypy

.PHONY: drift
drift: $(VENV)/.dev ## whether what is generated still matches what it comes from
	@$(BIN)/python -m tests.kit.played_examples --check
	@$(BIN)/python -m tests.kit.patient_key_vectors --check
	@$(BIN)/python -m sigill.devtools.reference_pages settings --check
	@$(BIN)/python -m sigill.devtools.reference_pages metrics --check
	@$(BIN)/python -m sigill_contracts.export --check
	@$(BIN)/python -m sigill.web.api.openapi_export --check
	@$(BIN)/python -m sigill.devtools.acls --check
	@$(BIN)/python -m sigill.devtools.signature_profile --check
	@$(BIN)/sigill rulebook pages --check
	@$(BIN)/sigill rulebook questions --page docs/regions.md --check
	@$(BIN)/sigill rulebook guide --page docs/regelbok.md --check
	@cmp infra/observability/rules/sigill.yml infra/helm/sigill/files/alerts.yml
	@cmp infra/observability/grafana/dashboards/sigill.json infra/helm/sigill/files/dashboard.json

.PHONY: test
test: $(VENV)/.dev ## all tests, on a real Kafka and PostgreSQL where there is Docker or Java 17
	@$(PYTEST) $(ARGS)

.PHONY: generate
generate: $(VENV)/.dev ## write again what is generated: examples, schemas, AsyncAPI, settings and metrics pages
	@$(BIN)/python -m tests.kit.played_examples
	@$(BIN)/python -m tests.kit.patient_key_vectors
	@$(BIN)/python -m sigill.devtools.reference_pages settings --table
	@$(BIN)/python -m sigill.devtools.reference_pages metrics --table
	@$(BIN)/python -m sigill.devtools.reference_pages licences --table
	@$(BIN)/python -m sigill_contracts.export
	@$(BIN)/python -m sigill.web.api.openapi_export
	@$(BIN)/python -m sigill.devtools.acls
	@$(BIN)/python -m sigill.devtools.signature_profile
	@$(BIN)/sigill rulebook pages
	@$(BIN)/sigill rulebook questions --page docs/regions.md
	@$(BIN)/sigill rulebook guide --page docs/regelbok.md
	@cp infra/observability/rules/sigill.yml infra/helm/sigill/files/alerts.yml
	@cp infra/observability/grafana/dashboards/sigill.json infra/helm/sigill/files/dashboard.json

.PHONY: pictures
pictures: $(VENV)/.dev ## take the pictures of README and docs anew, of the running programs; needs a Chromium
	@$(BIN)/python -m tests.kit.pictures $(ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## the documentation site, into site/
	@$(BIN)/python -m sigill.devtools.reference_pages settings --table
	@$(BIN)/python -m sigill.devtools.reference_pages metrics --table
	@$(BIN)/mkdocs build --strict -f infra/docs/mkdocs.yml

##@ Test it hard

.PHONY: faults
faults: $(VENV)/.dev ## kills at every named point, zombies, the queue sweep's nine scenarios, abuse
	@$(BIN)/pytest -m faults tests/faults tests/abuse $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ## a schedule of faults that once found one, checked: `make chaos NIGHT=1` draws, kills a thousand times, then lets Kafka go back on its word
ifdef NIGHT
	@status=0; \
	$(BIN)/python -m tests.faults.chaos --minutes 90 --kills 1100 $(ARGS) || status=1; \
	$(BIN)/python -m tests.faults.chaos --goes-back --minutes 10 --kills 100 $(ARGS) || status=1; \
	exit $$status
else
	@$(BIN)/python -m tests.faults.chaos --minutes 3.5 --kills 52 --seed 216256 $(ARGS)
endif

.PHONY: model
model: $(VENV)/.dev ## random histories beside a second reading of the rules: `make model NIGHT=1` for an hour
	@$(BIN)/python -m tests.model --minutes $(if $(NIGHT),60,5) $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## fuzz every decoder for an hour (ARGS="--minutes 5" for less)
	@$(BIN)/python -m tests.fuzz --minutes 60 $(ARGS)

.PHONY: alerts
alerts: $(VENV)/.dev ## the shipped alerts in a real Prometheus beside the six programs; needs Debian's package prometheus
	@$(PYTEST) -n 0 -m alerts tests/observability/test_live_alerts.py $(ARGS)

.PHONY: issuer
issuer: $(VENV)/.dev ## login, refusal, logout and a disabled user at a real Keycloak; needs Java 17 and Maven
	@$(PYTEST) -n 0 -m issuer tests/console/test_keycloak.py $(ARGS)

.PHONY: recipes
recipes: $(VENV)/.dev ## run other languages' programs (Java, Node, Go, Python): docs/examples, tests/stream, HAPI's validator; fetches their packages
	@$(BIN)/pytest -m recipes tests/contracts tests/stream tests/adoption/test_fhir.py $(ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## figures on this machine
	@$(BIN)/python -m tests.benchmarks

##@ Dependencies

.PHONY: lock
lock: ## newest versions that fit into the locks (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@uv pip compile pyproject.toml --extra build --extra embedded --extra dev -o requirements-dev.lock $(LOCK)
	@uv pip compile pyproject.toml --extra build --extra embedded -c requirements-dev.lock -o requirements.lock $(LOCK)

LOCK := --upgrade --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	--no-emit-package sigill-contracts

.PHONY: packages
packages: $(VENV)/.dev ## wheels and sdist, tried from elsewhere and on every Python here, looked at by check-wheel-contents, twine and pyroma, into dist
	@rm -f dist/*.whl dist/*.tar.gz
	@$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@$(BIN)/python -m build --no-isolation --wheel --outdir dist contracts >/dev/null
	@$(BIN)/check-wheel-contents --toplevel sigill dist/sigill-*.whl
	@$(BIN)/check-wheel-contents --toplevel sigill_contracts dist/sigill_contracts-*.whl
	@# from a folder that has a workers/ and a contracts/ of its own
	@rm -rf dist/elsewhere && mkdir -p dist/elsewhere/{workers,contracts} && touch dist/elsewhere/{workers,contracts}/__init__.py
	@$(PIP) install --no-deps --target dist/elsewhere/lib dist/*.whl
	@cd dist/elsewhere && PYTHONPATH=lib ../../$(BIN)/python -c "from sigill.cli import main; main()" rulebook show kronoberg >/dev/null
	@rm -rf dist/elsewhere
	@$(BIN)/python -m tests.kit.python_versions dist
	@$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	@$(BIN)/pyroma --min 10 dist/*.tar.gz

.PHONY: audit-dependencies
audit-dependencies: $(VENV)/.dev ## known vulnerabilities in what is locked; loud where no service answers
	@$(BIN)/python -m sigill.devtools.vulnerabilities

.PHONY: sbom
sbom: $(VENV)/.dev ## bills of materials (CycloneDX) of what runs and of everything, into dist/sbom
	@$(BIN)/python -m sigill.devtools.sbom dist/sbom

##@ Clean up

.PHONY: clean
clean: ## remove the environment and everything that was built
	@rm -rf $(VENV) dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
