# The contract for people and CI: every step is a target here.

# Without one, the build lands in ./target. CI and test runs may share a folder outside the clone.
CARGO ?= cargo
PREFIX ?= $(or $(CARGO_HOME),$(HOME)/.cargo)
BIN = $(or $(CARGO_TARGET_DIR),target)/release/hogflare
PYTHON = tests/.venv/bin/python
# The tables of versions, each of which can have a stream of its own.
VERSIONED = persons person_distinct_ids person_overrides groups group_types
PAGE_SOURCES = $(shell find web \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)
PAGES = $(and $(shell command -v npm),$(wildcard web/package.json),web/dist/index.html)
FUZZ_TARGETS ?= events v1 ai otlp otlp_ai enrich recording flags signature row journal_recovery
FUZZ_RUNS ?= 1000000
# Processes of tests against the binary, which wait more than they compute.
TESTERS ?= 3

.PHONY: run build install test test-rust test-clients compatibility fmt clippy docs site schema bench fuzz emulator web test-web

## run: build and start on http://localhost:8080 with the lake in ./hogflare-data
run: build
	$(BIN) serve

build: $(PAGES)
	$(CARGO) build --release --locked

# The web pages, which the build embeds; without Node.js the server says how to get them.
web/dist/index.html: $(PAGE_SOURCES) web/node_modules/.package-lock.json
	npm run build --prefix web

web/node_modules/.package-lock.json: web/package-lock.json
	npm ci --prefix web --no-audit --no-fund --loglevel=error
	touch $@

## install: put `hogflare` on the path, beside cargo itself, or into PREFIX/bin
install: build
	mkdir -p "$(PREFIX)/bin"
	install -m 755 $(BIN) "$(PREFIX)/bin/hogflare"

## test: everything — unit, scenario, SDK, browser, crash
test: $(PAGES) test-rust test-web test-clients

test-rust:
	$(CARGO) test --release --locked --workspace
	$(CARGO) test --release --locked --manifest-path fuzz/Cargo.toml

test-clients: $(PAGES)
	tests/setup.sh
	$(CARGO) build --release --locked --workspace --bins --examples
	HOGFLARE_BIN="$(abspath $(BIN))" $(PYTHON) -m pytest tests -n $(TESTERS)

## compatibility: every SDK of the matrix, old and new, against Hogflare; writes docs/compatibility.md
compatibility:
	tests/setup.sh older-sdks
	$(CARGO) build --release --locked --workspace
	HOGFLARE_BIN="$(abspath $(BIN))" $(PYTHON) -m pytest tests/sdk/test_compatibility.py -m "" \
		--table "$(abspath docs/compatibility.md)"

## fmt, clippy, docs: what CI checks besides
fmt:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check

clippy:
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --release --locked --manifest-path fuzz/Cargo.toml --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps --document-private-items

## site: docs/ as a site, in ./site; fails where a link, an anchor or a page of the navigation is missing
# Not --quiet: warnings that are not logged fail nothing.
site: docs/.venv/.installed
	NO_MKDOCS_2_WARNING=1 docs/.venv/bin/mkdocs build --strict

docs/.venv/.installed: docs/requirements.txt
	@echo "installing what builds the site"
	python3 -m venv docs/.venv
	docs/.venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

## schema: write what is generated from the code
schema: build
	$(BIN) schema pipelines > scripts/pipeline-schema.json
	for table in $(VERSIONED); do \
		$(BIN) schema pipelines $$table > scripts/$$table-pipeline-schema.json || exit 1; \
	done
	$(BIN) config > docs/configuration.md
	$(BIN) schema events > docs/events.md
	$(BIN) schema tables > docs/tables.md

## bench: events a second, latency and CPU an event; takes some minutes
bench:
	$(CARGO) build --release --locked --workspace
	$(dir $(BIN))hogflare-bench --server "$(abspath $(BIN))" --case all
	$(dir $(BIN))hogflare-bench --server "$(abspath $(BIN))" --forward --latency-ms 0,50,200

## fuzz: FUZZ_RUNS inputs for every target, from the seeds and what earlier runs found; needs cargo-fuzz
fuzz:
	set -e; for target in $(FUZZ_TARGETS); do \
		case $$target in otlp*) bytes=4096;; journal_recovery) bytes=256;; *) bytes=1536;; esac; \
		$(CARGO) run --release --locked --quiet --manifest-path fuzz/Cargo.toml \
			--example seeds -- $$target fuzz/corpus/$$target; \
		$(CARGO) fuzz run --fuzz-dir fuzz --sanitizer none --features libfuzzer $$target -- \
			-runs=$(FUZZ_RUNS) -max_len=$$bytes -entropic=0 -dict=fuzz/dictionary.txt \
			-print_final_stats=1; \
	done

## emulator: the stand-in for Cloudflare Pipelines on 127.0.0.1:8088, without Docker
emulator: emulator/.venv/.installed
	EMULATOR_SCHEMA="$${EMULATOR_SCHEMA-scripts/pipeline-schema.json}" \
		emulator/.venv/bin/python -m emulator --port 8088

## web: the pages, into web/dist; test-web: their parts without a browser
web: web/dist/index.html

test-web: web/node_modules/.package-lock.json
	npm run check --prefix web
	npm test --prefix web

emulator/.venv/.installed: emulator/requirements.txt
	@echo "installing the emulator's Python packages"
	python3 -m venv emulator/.venv
	emulator/.venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
