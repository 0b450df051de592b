# What a developer runs, and what CI runs: the same recipes by the same names.

SHELL := /bin/bash
# Where `.ci/install` puts cargo on a machine that had none.
export PATH := $(HOME)/.cargo/bin:$(PATH)
export RUSTDOCFLAGS := -D warnings

# What `make bench-peers` measures; nginx with njs only where it is installed.
PEERS ?= tagwerk L1 L2-rhai L4-sync $(if $(wildcard /usr/sbin/nginx),nginx-njs)

# How long `make fuzz` takes for each target.
MINUTES ?= 1

.DEFAULT_GOAL := help
.PHONY: help install run test fmt lint doc unit it browser senders lives screenshots torture fuzz bench bench-peers deny

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## put on this machine what the tests need and it lacks
	@.ci/install

run: ## start the server (ARGS="…" are its arguments)
	cargo run --locked -- $(ARGS)

test: install ## everything that must hold before a change goes in
	cargo fmt --check
	$(MAKE) --no-print-directory lint doc
	cargo test --locked
	$(MAKE) --no-print-directory browser senders lives

fmt: ## format the sources
	cargo fmt

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

torture: ## kill it, cut its power, fill its disk, … and write docs/reliability.md (FAULTS="F1 F4", ROUNDS=5; see CONTRIBUTING.md)
	@.ci/install torture
	cargo test --release --locked --test torture -- $(FAULTS) $(if $(ROUNDS),--rounds $(ROUNDS)) --write-docs docs/reliability.md

fuzz: ## let junk loose on every parser, a minute each (TARGETS="form gzip", MINUTES=60; needs cargo-fuzz)
	@cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install --locked cargo-fuzz"; exit 1; }
	@# The flags of sanitizers are not stable yet; the stable compiler takes them when asked like this.
	set -e; export RUSTC_BOOTSTRAP=1; for target in $(or $(TARGETS),$$(cargo fuzz list)); do \
		mkdir -p target/fuzz/$$target; \
		cargo fuzz run $$target target/fuzz/$$target fuzz/corpus/$$target -- \
			-max_total_time=$$(( $(MINUTES) * 60 )) -timeout=10 -rss_limit_mb=1024 -max_len=65536; \
	done

bench: ## measure (needs a quiet machine)
	cargo bench --locked

bench-peers: ## measure beside what else one would run, as far as that is installed (see bench/README.md)
	cargo build --release --locked
	cd bench && cargo build --release --locked
	cd bench && python3 run.py check tagwerk && python3 run.py perf $(PEERS) -n 5 && python3 summarize.py

deny: ## advisories, licences and sources of dependencies (needs cargo-deny and the network)
	@cargo deny --version >/dev/null 2>&1 || { echo "cargo-deny is missing: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --locked check
