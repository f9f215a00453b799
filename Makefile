# To try it: make demo. To have it: make install. To change it: make lint test.

PREFIX ?= $(HOME)/.local
# Of each fuzz target. Not ?=: bash has a variable of this name, and some people export it.
SECONDS = 60
SEED = 0

# rustup puts cargo into its own place, and not every shell knows; make/need.sh puts what only tests use into target/tools.
export PATH := $(CURDIR)/target/tools:$(PATH):$(HOME)/.cargo/bin

.PHONY: help build demo test test-long test-all test-tmux lint bench soak fuzz install uninstall build-linux image push

# The worker image, with the registry's name.
IMAGE ?=

help:
	@echo 'make demo                 a throw-away tmux with three local workers; cleans up after itself'
	@echo 'make install [PREFIX=…]   binary, man pages, completions; into ~/.local unless told otherwise'
	@echo 'make uninstall [PREFIX=…] takes them out again'
	@echo 'make build                the binary alone: target/release/factory-worker'
	@echo 'make test                 the tests, but for those that take longest: under 15 minutes on two cores'
	@echo 'make test-long            these: storms, links that stand still, hostile sizes, questions over relays'
	@echo 'make test-all             both, then all that concerns workers once more on workers of busybox, and of other kinds'
	@echo 'make test-tmux            suites with other tmuxes here and on the workers, from Debian by debootstrap; not part of make test'
	@echo 'make lint                 rustfmt, clippy, shellcheck, shfmt'
	@echo 'make fuzz SECONDS=60      every parser on mutated input, for so long each'
	@echo 'make bench                the numbers that the README claims'
	@echo 'make soak                 windows in a storm, the round trip of a key: under 10 minutes'
	@echo 'make build-linux          the static linux/amd64 helper, for the worker image: deploy/bin/factory-worker'
	@echo 'make image IMAGE=…        the worker image; BUILD_ARGS passes on --build-arg …'
	@echo 'make push IMAGE=…         pushes it'

build:
	@sh make/need.sh build
	cargo build --release --locked

demo:
	@sh make/need.sh demo
	@sh tests/demo/demo.sh

test:
	@sh make/need.sh test
	@sh make/test.sh

test-long:
	@sh make/need.sh test
	@sh make/test.sh --long

test-tmux:
	@sh make/need.sh test-tmux
	@sh make/test-tmux.sh

test-all:
	@sh make/need.sh test
	@sh make/test-all.sh

lint:
	@sh make/need.sh lint
	@sh make/lint.sh

bench:
	@sh make/need.sh bench
	cargo bench --locked --bench claims

soak:
	@sh make/need.sh bench
	cargo bench --locked --bench soak

fuzz:
	@sh make/need.sh fuzz
	@sh make/fuzz.sh '$(SECONDS)' '$(SEED)'

install:
	@sh make/need.sh build
	@sh make/install.sh '$(PREFIX)'

uninstall:
	@sh make/install.sh --remove '$(PREFIX)'

build-linux:
	@sh make/need.sh build
	@sh make/build-linux.sh

image:
	$(if $(IMAGE),,$(error say which image: make image IMAGE=registry.example.com/you/factory-worker:latest))
	@sh make/image.sh '$(IMAGE)' $(BUILD_ARGS)

push:
	$(if $(IMAGE),,$(error say which image: make push IMAGE=registry.example.com/you/factory-worker:latest))
	docker push '$(IMAGE)'
