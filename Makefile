# Build, test and install ctk. `make help` lists the targets.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
PACKAGES := libhdf5-dev zlib1g-dev libopenblas-dev pkg-config
SOURCES := Package.swift Sources Tests Benchmarks
FORMAT := $(SWIFT) format
# With STATIC=1 the program holds the Swift libraries, for machines without Swift.
STATIC ?=
BUILD := $(SWIFT) build -c release \
  $(if $(STATIC),--static-swift-stdlib --scratch-path .build-static)

.PHONY: help deps build demo test format lint bench install

help:
	@echo 'make deps      install the system libraries (Debian and Ubuntu)'
	@echo 'make build     build ctk for release'
	@echo 'make demo      run the whole flow on a tiny model'
	@echo 'make test      build and run all tests'
	@echo 'make format    format the sources in place'
	@echo 'make lint      check the format of the sources'
	@echo 'make bench     compare a patched base with the tuned model, after the demo'
	@echo 'make install   install ctk below PREFIX ($(PREFIX))'
	@echo 'STATIC=1       build and install a ctk for machines without Swift'

deps:
	@if ! command -v apt-get >/dev/null; then \
	  if command -v pkg-config >/dev/null && pkg-config --exists zlib openblas \
	    && { pkg-config --exists hdf5-serial || pkg-config --exists hdf5; }; then exit 0; fi; \
	  echo 'make deps: this system has no apt-get.' >&2; \
	  echo 'Install pkg-config and the development files of HDF5, zlib and OpenBLAS.' >&2; \
	  exit 1; \
	fi; \
	missing=; \
	for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi; \
	$$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends $$missing

build: deps
	$(BUILD) --product ctk

demo: build
	CTK="$$($(BUILD) --show-bin-path)/ctk" bash docs/demo/run.sh

test: deps
	$(SWIFT) test -c release

format:
	$(FORMAT) --in-place --configuration .swift-format --recursive $(SOURCES)

lint:
	$(FORMAT) lint --strict --configuration .swift-format --recursive $(SOURCES)

bench: demo
	cd Benchmarks && $(SWIFT) run -c release compare --rounds 3 \
	  --a "$$(cd .. && $(BUILD) --show-bin-path)/ctk evaluate --base ../demo/base --patch ../demo/task.ctkpatch --task custom --dev ../fixtures/demo/task/dev.tsv" \
	  --b "$$(cd .. && $(BUILD) --show-bin-path)/ctk evaluate --base ../demo/tuned --task custom --dev ../fixtures/demo/task/dev.tsv"

install: build
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(if $(STATIC),-s) "$$($(BUILD) --show-bin-path)/ctk" "$(DESTDIR)$(PREFIX)/bin/ctk"
