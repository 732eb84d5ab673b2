# Every target that needs system libraries or Envoy runs `setup` first, which does nothing if everything is installed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The build fails on an import that Package.swift does not declare.
SWIFT_FLAGS := --explicit-target-dependency-import-check error

RELEASE_FLAGS := -c release --static-swift-stdlib $(SWIFT_FLAGS)

DEVCLUSTER := .build/release/preview-devcluster
ENVOY ?= $(CURDIR)/.build/devcluster/envoy
MCP_PYTHON ?= $(CURDIR)/.build/devcluster/mcp/bin/python
SCHEMATHESIS ?= $(CURDIR)/.build/devcluster/schemathesis/bin/schemathesis
MANIFESTS_PYTHON ?= $(CURDIR)/.build/devcluster/manifests/bin/python
BROWSER_PYTHON ?= $(CURDIR)/.build/devcluster/browser/bin/python
PROMTOOL ?= $(CURDIR)/.build/devcluster/promtool
STATE := .build/devcluster/state

# With all tests at once, the waits would exceed the time limits of real peers.
TESTS_AT_ONCE ?= 4

BENCH_JSON ?= .build/bench/bench.json

PORT ?= 3000
FUZZ_SECONDS ?= 60
MINUTES ?= 10
SEEDS ?= 1000
SEED ?=
LIBFAKETIME ?= $(shell find /usr/lib /usr/lib64 -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
APP ?=
ONLY ?=

.PHONY: help setup build run demo image test test-cluster soak faults simulate sanitize quick bench pictures fuzz check clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing: libcurl, libssl and libyaml for the build, Envoy for the development cluster
	@bash .ci/setup libraries
	@bash .ci/setup envoy

build: setup ## Build the service and the development cluster in release mode
	swift build $(RELEASE_FLAGS) --product preview-gateway
	swift build $(RELEASE_FLAGS) --product preview-devcluster

run: build ## Run everything on this machine, with a preview; with your app: make run APP='npm run dev' PORT=5173
	@ENVOY='$(ENVOY)' $(DEVCLUSTER) up --state-dir $(STATE) --port $(PORT) $(if $(APP),-- $(APP))

demo: build ## Run the main scenario once, check it, and print figures
	@ENVOY='$(ENVOY)' $(DEVCLUSTER) demo --state-dir $(STATE)

image: setup ## Build the container image as an OCI archive in .build/image, without a Docker daemon
	@bash k8s/image/build.sh

test: ## Run all tests, after installing what they need; matching tests: make test ONLY=Gate
	@bash .ci/setup libraries
	@bash .ci/setup envoy || echo "setup: continuing without Envoy; the tests that need it are skipped"
	@bash .ci/setup mcp || echo "setup: continuing without the official MCP client; the tests that need it are skipped"
	@bash .ci/setup schemathesis || echo "setup: continuing without schemathesis; the tests that need it are skipped"
	@bash .ci/setup manifests || echo "setup: continuing without the manifests' schemas; the tests that need them are skipped"
	@bash .ci/setup promtool || echo "setup: continuing without promtool; the tests that need it are skipped"
	@bash .ci/setup browser || echo "setup: continuing without Chromium; the tests that need it are skipped"
	@bash .ci/setup apps || echo "setup: continuing without the web servers that check hosts; their tests are skipped"
	ENVOY='$(ENVOY)' MCP_PYTHON='$(MCP_PYTHON)' SCHEMATHESIS='$(SCHEMATHESIS)' MANIFESTS_PYTHON='$(MANIFESTS_PYTHON)' \
		PROMTOOL='$(PROMTOOL)' BROWSER_PYTHON='$(BROWSER_PYTHON)' SWIFT_DETERMINISTIC_HASHING=1 \
		SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TESTS_AT_ONCE) swift test $(SWIFT_FLAGS) $(if $(ONLY),--filter '$(ONLY)')

test-cluster: ## Run the conformance and end-to-end tests on a real API server, see Docs/Reliability.md
	@[[ -n "$${KUBEBUILDER_ASSETS:-}" && -n "$${TEST_CRDS:-}" || -n "$${TEST_KUBECONFIG:-}" ]] \
		|| { echo "test-cluster: set KUBEBUILDER_ASSETS and TEST_CRDS, or TEST_KUBECONFIG; see Docs/Reliability.md" >&2; exit 1; }
	@$(MAKE) --no-print-directory test ONLY='ConformanceTests|RealConnectionTests|RoleTests|DeployTests|VerifyTests|KubectlApprovalTests'

soak: ## Run three replicas under load, with kills, outages and rolling updates: make soak MINUTES=10 SEED=1
	@bash .ci/setup libraries
	@bash .ci/setup faketime || echo "setup: continuing without libfaketime; no replica has a wrong clock"
	SOAK_MINUTES=$(MINUTES) SOAK_SEED=$(or $(SEED),1) LIBFAKETIME='$(LIBFAKETIME)' swift test $(SWIFT_FLAGS) --filter 'SystemTests.SoakTests'

faults: ## Inject every fault at every request of every operation, see Docs/FaultInjection.md
	@bash .ci/setup libraries
	FAULT_MATRIX=1 swift test $(SWIFT_FLAGS) --filter FaultMatrixTests

sanitize: ## Run the tests under ThreadSanitizer and AddressSanitizer, and those of the C libraries under LeakSanitizer
	@bash .ci/setup libraries
	@ENVOY='$(ENVOY)' ONLY='$(ONLY)' bash .ci/sanitize

quick: ## Run the tests of the targets without I/O, except those with thousands of seeds; matching tests: make quick ONLY=Gate
	@bash .ci/setup libraries
	QUICK=1 SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TESTS_AT_ONCE) \
		swift test --scratch-path .build/quick $(SWIFT_FLAGS) \
		$(if $(ONLY),--filter '$(ONLY)',--skip 'ThousandTimes|InAnyOrder|AtAnyMoment|Documents')

simulate: ## Simulate three replicas with SEEDS seeds, or with one SEED=…, see Docs/Simulation.md
	@bash .ci/setup libraries
	SWIFT_DETERMINISTIC_HASHING=1 SIMULATION_SEEDS='$(SEEDS)' SIMULATION_SEED='$(SEED)' \
		swift test $(SWIFT_FLAGS) --filter everyInvariantHoldsForEverySeed

bench: ## Measure the service against its targets, see Docs/Performance.md; some groups: make bench ONLY=curl,keepalive
	@bash .ci/setup libraries
	@bash .ci/setup nginx || echo "setup: continuing without nginx; the group router is skipped"
	BENCHMARKS=1 swift build $(RELEASE_FLAGS) --product preview-gateway
	BENCHMARKS=1 swift build $(RELEASE_FLAGS) --product preview-benchmarks
	.build/release/preview-benchmarks --json $(BENCH_JSON) --markdown $(BENCH_JSON:.json=.md) $(if $(ONLY),--only $(ONLY))

pictures: ## Generate the pictures of Docs/Pictures, with Chromium
	@bash .ci/setup libraries
	@mkdir -p .build/pictures
	ENDED_PAGE='$(CURDIR)/.build/pictures/ended-page.html' swift test $(SWIFT_FLAGS) --filter PreviewServerTests.EndedPageTests
	ENDED_PAGE='$(CURDIR)/.build/pictures/ended-page.html' python3 .ci/pictures

fuzz: ## Fuzz everything that reads untrusted bytes, 60 s for each target; longer: make fuzz FUZZ_SECONDS=600
	@bash .ci/setup libraries
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' bash .ci/fuzz

check: ## Check format, imports and banned calls
	swift format lint --strict --recursive Package.swift Sources Tests
	swift build $(SWIFT_FLAGS)
	@bash .ci/check-calls

clean: ## Remove everything that was built
	rm -rf .build
