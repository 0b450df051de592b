# What a developer runs, and what CI runs: the same recipes by the same names.

SHELL := /bin/bash
# Where `.ci/install` puts cargo on a machine that had none.
export PATH := $(HOME)/.cargo/bin:$(PATH)
export RUSTDOCFLAGS := -D warnings

# How long `make fuzz` takes for each target.
MINUTES ?= 1

.DEFAULT_GOAL := help
.PHONY: help install run test fmt lint doc unit it browser senders lives screenshots torture fuzz bench bench-peers bench-targets bench-growth bench-cases bench-tools profile release deny

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## put on this machine what the tests need and it lacks
	@.ci/install

run: ## start the server (ARGS="…" are its arguments)
	cargo run --locked -- $(ARGS)

test: install ## everything that must hold before a change goes in
	cargo fmt --check
	rustfmt --edition 2024 --check $(TYPES)
	$(MAKE) --no-print-directory lint doc
	cargo test --locked
	$(MAKE) --no-print-directory browser senders lives

# cargo fmt does not see files that a macro declares.
TYPES := $(wildcard src/destination/types/*.rs src/destination/types/*/*.rs)

fmt: ## format the sources
	cargo fmt
	rustfmt --edition 2024 $(TYPES)

lint: ## clippy, with every warning an error
	cargo clippy --locked --all-targets -- -D warnings

doc: ## build the documentation, with every warning an error
	cargo doc --locked --no-deps

unit: ## only the tests that stand beside the code
	cargo test --locked --lib --bins

it: ## only the integration tests
	cargo test --locked --test it

browser: install ## only the tests of the page in a real browser (ARGS="live.test.mjs" runs some of them)
	cargo build --locked
	cd tests/browser && npm test --silent -- $(ARGS)

senders: install ## only the tests of the libraries that people have, pointed at the binary
	cargo build --locked
	cd tests/senders && npm test --silent -- $(ARGS)

lives: ## 10,000 random lives of the journal that end in crashes (two to three minutes)
	@# Four tests of 2,500.
	PROPTEST_CASES=2500 cargo test --locked --test it journal::crash

screenshots: install ## take the pictures of docs/images again
	@.ci/install screenshots
	cargo build --locked
	cd tests/browser && npm run --silent screenshots

torture: ## kill it, cut its power, fill its disk, … and write docs/reliability.md (FAULTS="F1 F4", ROUNDS=5; see CONTRIBUTING.md)
	@.ci/install torture
	cargo test --release --locked --test torture -- $(FAULTS) $(if $(ROUNDS),--rounds $(ROUNDS)) --write-docs docs/reliability.md

fuzz: ## let junk loose on every parser, a minute each (TARGETS="form gzip", MINUTES=60; see fuzz/README.md)
	@.ci/install fuzz
	@# No sanitizer: they need a nightly compiler, and look for what safe Rust does not do.
	cd fuzz && cargo fuzz build -s none
	set -e; for target in $(or $(TARGETS),$$(cd fuzz && cargo fuzz list)); do \
		mkdir -p target/fuzz/$$target; echo "fuzz: $$target"; \
		cargo fuzz run -s none $$target target/fuzz/$$target fuzz/corpus/$$target -- \
			-max_total_time=$$(( $(MINUTES) * 60 )) -timeout=10 -rss_limit_mb=1024 -max_len=65536 -verbosity=0 -print_funcs=0 -print_final_stats=1; \
	done

bench: ## what the parts of the hot path cost, as one table
	cargo bench --locked -- --quiet
	@python3 bench/run.py parts

bench-peers: release bench-tools ## one job, beside what else one would run, as far as that is installed (PEERS="tagwerk nginx-njs"; see bench/README.md)
	python3 bench/run.py peers $(PEERS)

bench-targets: release bench-tools ## each figure that is promised beside its target; writes docs/performance.md (FIGURES="load idle"; QUICK=1 for a short try, which writes nothing)
	python3 bench/run.py targets $(FIGURES) $(if $(QUICK)$(FIGURES),,--write)

bench-growth: release bench-tools ## what an event costs as the work grows: draws docs/images/cost-*.svg (CHARTS="body tags", QUICK=1)
	python3 bench/run.py growth $(CHARTS)

bench-cases: release ## how long `tagwerk test` takes for 1,000 cases
	@bench/cases.sh

profile: bench-tools ## where the microseconds go: by part, by thread, system calls and instructions an event (perf, valgrind; WRITE=1 writes docs/performance.md)
	@# Frame pointers, so that what is copied and allocated is put down to whoever wanted it.
	RUSTFLAGS="-C force-frame-pointers=yes" cargo build --profile profiling --features valgrind --locked
	python3 bench/run.py profile $(if $(WRITE),--write)
	python3 bench/run.py instructions

release: ## the binary as it is released
	cargo build --release --locked

bench-tools: ## what loads the server, and stands in for vendors
	cd bench && cargo build --release --locked

deny: ## advisories, licences and sources of dependencies (needs cargo-deny and the network)
	@cargo deny --version >/dev/null 2>&1 || { echo "cargo-deny is missing: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --locked check
