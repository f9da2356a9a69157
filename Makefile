# What a recipe does stands in scripts/, where it can be read, checked and run without make.

FUZZTIME ?= 5s
SOAK ?= 30m
SOAK_SEED ?= 0
export FUZZTIME SOAK SOAK_SEED

# Flags for the simulated daemon of "make demo", for example DEMO="--sas 100000".
DEMO ?=

# Flags of "make fleet".
FLEET ?=

# Outputs of "make bench": of this run, and of the earlier run to compare it with.
BENCH ?= bench.txt
BASE ?=

.DEFAULT_GOAL := build

.PHONY: help
help: ## Show what there is to make.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the static binary ./strongswan_exporter.
	scripts/build

.PHONY: demo
demo: ## Run the exporter on a simulated daemon, until interrupted.
	scripts/demo $(DEMO)

.PHONY: test
test: ## Install what tests need and run all of them; needs root and Debian to leave nothing out.
	scripts/test

.PHONY: lint
lint: ## Check Go, shell, YAML and go.mod.
	scripts/lint

.PHONY: unit
unit: ## Run the unit tests with the race detector.
	scripts/unit

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME (5s).
	scripts/fuzz

.PHONY: promtool-check
promtool-check: ## Let promtool check a scrape of the simulated daemon.
	scripts/promtool-check

.PHONY: dashboards-check
dashboards-check: ## Check dashboards, rules, runbooks and examples.
	scripts/dashboards-check

.PHONY: kubernetes-check
kubernetes-check: ## Check the Helm chart and the Kubernetes objects.
	scripts/kubernetes-check

.PHONY: panels-check
panels-check: ## See whether every query of the dashboards returns data on a demonstration.
	scripts/panels-check

.PHONY: demo-stack
demo-stack: ## Run simulated daemon, exporter and Prometheus with history, until interrupted.
	scripts/demo-stack $(DEMO)

.PHONY: e2e
e2e: ## Test against real daemons of four generations (root, Debian).
	scripts/e2e

.PHONY: soak
soak: ## Let the exporter live through all faults at random for SOAK (30m); SOAK_SEED repeats an earlier soak.
	scripts/soak

.PHONY: package
package: ## Make the deb and rpm packages, in dist/.
	scripts/package

.PHONY: package-check
package-check: ## Make the packages, check them, and let machines live with them (root, Debian).
	scripts/package-check

.PHONY: release-check
release-check: ## Try a release with goreleaser, without publishing it (builds goreleaser: minutes).
	scripts/release-check

.PHONY: systemd-check
systemd-check: ## Check the systemd units, and how much they expose.
	scripts/systemd-check

.PHONY: image-check
image-check: ## Build and check the container image (root, Debian).
	scripts/image-check

.PHONY: docs-check
docs-check: ## Run the commands of the documentation.
	scripts/docs-check

.PHONY: traffic-check
traffic-check: ## Measure the traffic totals against real gateways' devices (root, Debian).
	scripts/traffic-check

.PHONY: alerts-check
alerts-check: ## See which alerts fire on real gateways, with more patience than "make e2e" (root, Debian).
	scripts/alerts-check

.PHONY: bench
bench: ## Run the benchmarks, and measure a scrape as a whole; BASE=old.txt compares with an earlier run.
	scripts/bench $(BENCH) $(BASE)

.PHONY: performance
performance: ## Measure anew what docs/performance.md tells of one gateway, and write it there.
	scripts/performance

.PHONY: fleet
fleet: ## Let one Prometheus scrape 200 simulated gateways for ten minutes; FLEET="--gateways 20 --for 1m" is shorter.
	scripts/fleet $(FLEET)

.PHONY: fmt
fmt: ## Format the code and tidy go.mod.
	scripts/fmt

.PHONY: tools
tools: ## Install the Debian packages and build the Go tools that the above use.
	scripts/install-deps
	scripts/install-tools

.PHONY: clean
clean: ## Remove what was built here.
	rm -rf strongswan_exporter bench.txt coverage.out .build .tarballs
