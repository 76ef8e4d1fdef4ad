# Two commands do everything: `make demo` and `make test`. Both install what is missing first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ONLY ?=

.PHONY: help setup build chain demo demo-offline test soak bench pin lint doc clean

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 10

setup: ## Install what is missing: a C compiler, Python's venv, scikit-learn in target/venv.
	@scripts/setup

.PHONY: setup-tests
setup-tests:
	@scripts/setup tests

chain: setup ## Run a chain of one validator with test accounts; shows what can be done with it.
	@scripts/chain

build: setup ## Build everything.
	@cargo build --workspace

demo: setup ## A chain, two owners, two nodes, a developer: train with proofs in blocks, deliver, pay, audit.
	@scripts/demo

demo-offline: setup ## Train on encrypted rows of a real table without a chain, then again with every step proven.
	@scripts/demo --offline

test: setup-tests ## Run the whole test suite and print the time of each part.
	@scripts/test

bench: setup ## Run the benchmarks, or one: make bench ONLY=he-iteration
	@scripts/bench $(ONLY)

soak: setup ## Long runs: proven jobs of many shapes, a node that is killed a hundred times, two nodes over a thousand blocks, a hundred thousand things on a chain by chance, ten thousand with jobs.
	@cargo test --workspace --quiet --test parties -- --ignored --nocapture --test-threads 1 other_shapes
	@cargo test --workspace --quiet --test app -- --ignored --nocapture
	@cargo test --workspace --quiet --test modules -- --ignored --nocapture

pin: setup ## Write what zektra-verify knows of circuits, after a change of circuits.
	@cargo test --workspace --quiet --test parties -- --ignored --nocapture pin::pin

lint: ## rustfmt and clippy.
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --quiet -- -D warnings

doc: ## The API documentation.
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

clean: ## Remove what was built.
	@cargo clean
