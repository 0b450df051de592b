# What a developer runs, and what CI runs: the same recipes by the same names.

SHELL := /bin/bash
# Where `.ci/install` puts cargo on a machine that had none.
export PATH := $(HOME)/.cargo/bin:$(PATH)
export RUSTDOCFLAGS := -D warnings

.DEFAULT_GOAL := help
.PHONY: help install run test fmt lint doc unit it bench deny

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## put on this machine what the tests need and it lacks
	@.ci/install

run: ## start the server (ARGS="…" are its arguments)
	cargo run --locked -- $(ARGS)

test: install ## everything that must hold before a change goes in
	cargo fmt --check
	$(MAKE) --no-print-directory lint doc
	cargo test --locked

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

bench: ## measure (needs a quiet machine)
	cargo bench --locked

deny: ## advisories, licences and sources of dependencies (needs cargo-deny and the network)
	@cargo deny --version >/dev/null 2>&1 || { echo "cargo-deny is missing: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --locked check
