# One-line commands for people; each recipe is the whole command (README.md lists them for those without make).
.DEFAULT_GOAL := help
.PHONY: help build demo test bench bench-record fmt lint clean dependencies

# Debian's Python owns Debian's Scapy; another python3 earlier in PATH would not find it.
PYTHON := /usr/bin/python3
C_FILES := $(wildcard bpf/*.[ch] Sources/CXdp/*.[ch] Sources/CXdp/include/*.h Sources/CInstructions/*.c Sources/CInstructions/include/*.h Tests/Netns/traffic/*.[ch] clients/c/*.[ch] clients/c/golden/*.[ch] Benchmarks/*/*.[ch] Benchmarks/*/*/*.[ch] Benchmarks/*/*/*/*.[ch])

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | column -t -s "$$(printf '\t')"

dependencies:
	@scripts/install-dependencies.sh

build: dependencies ## release build of fastpathd and fastpathctl in .build/release
	swift build -c release

demo: build ## a whole domain in network namespaces under real traffic, checked and measured (root)
	$(PYTHON) scripts/demo.py

test: dependencies ## every test; fails when one failed, was skipped or is missing (root)
	$(PYTHON) scripts/run-tests.py

bench: build ## benchmarks with their peers, SUITE=table|engine|port|control for one (root)
	@scripts/install-dependencies.sh bench
	$(PYTHON) Benchmarks/run.py $(SUITE)

bench-record: ## keeps the last measurements as those of a release: make bench-record VERSION=1.0.0
	$(PYTHON) Benchmarks/results.py "$(VERSION)"

fmt: dependencies ## formats Swift and C in place
	swift format --in-place --recursive --parallel Package.swift Sources Tests Fuzz Benchmarks/Package.swift Benchmarks/table Benchmarks/engine
	clang-format -i $(C_FILES)

lint: dependencies ## formatting, compile check of the scripts, forbidden words
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Fuzz Benchmarks/Package.swift Benchmarks/table Benchmarks/engine
	clang-format --dry-run -Werror $(C_FILES)
	$(PYTHON) scripts/check-sources.py

clean: ## removes what was built
	rm -rf .build Benchmarks/.build
