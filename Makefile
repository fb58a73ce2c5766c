# Two commands matter on a fresh machine: `make demo` and `make test`. Both set up what is missing first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
TAGS     ?=
FUZZTIME ?= 20s
export TAGS FUZZTIME
ifdef ONNXRUNTIME_LIB # tests run in their package's folder
export ONNXRUNTIME_LIB := $(abspath $(ONNXRUNTIME_LIB))
endif

GOTAGS = $(if $(TAGS),-tags $(TAGS))
# bin/shardmill is compiled with this profile, and so is what is compared with limits. Tests do without: it would have
# all packages compiled once more.
PGO = -pgo "$(CURDIR)/cmd/shardmill/default.pgo"
# Test binaries do not lie beside the library in bin/, so the tests are told where it is.
RUNTIME = if [[ -z "$${ONNXRUNTIME_LIB:-}" && -e bin/libonnxruntime.so.1 ]]; then export ONNXRUNTIME_LIB="$(CURDIR)/bin/libonnxruntime.so.1"; fi;

.PHONY: help
help: ## print these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: build ## classify the small images in testdata/demo, recommend from its plays.csv, and show the results
	rm -rf demo-out demo-lists
	@echo 'One of the files is no picture: exit code 3 means complete, with rejects.'
	bin/shardmill classify --model testdata/demo/model.onnx --labels testdata/demo/labels.txt --preprocess testdata/demo/preprocess.yaml --label-col label --out demo-out testdata/demo/manifest.csv || [[ $$? -eq 3 ]]
	bin/shardmill show demo-out
	@echo; echo 'The Parquet files:'
	@find demo-out/out demo-out/rejects -name '*.parquet' | LC_ALL=C sort
	@echo; echo 'Fans of four genres played tracks; their names tell the genre. What each may like:'
	bin/shardmill recommend --value-col plays --top 4 --similar 5 --out demo-lists testdata/demo/plays.csv
	bin/shardmill show --user jazz-fan-07 demo-lists
	bin/shardmill show --item metal-track-03 demo-lists
	@find demo-lists/out -name '*.parquet' | LC_ALL=C sort

.PHONY: build
build: setup ## build bin/shardmill
	go build $(GOTAGS) -trimpath -o bin/shardmill ./cmd/shardmill

.PHONY: test
test: setup ## vet and run all tests
	go vet $(GOTAGS) ./... ./testdata/demo/gen ./testdata/pgo
	@$(RUNTIME) set -x; go test $(GOTAGS) -pgo off -timeout 15m ./... ./testdata/demo/gen ./testdata/pgo

.PHONY: race
race: setup ## run all tests under the race detector
	@$(RUNTIME) set -x; go test $(GOTAGS) -pgo off -race -timeout 40m ./...

.PHONY: fuzz
fuzz: setup ## run each fuzz target for FUZZTIME (default 20s)
	@$(RUNTIME) .ci/fuzz

.PHONY: bench
bench: setup ## compare whole jobs with their limits, then run the benchmarks of all packages
	@$(RUNTIME) set -x; go test $(GOTAGS) $(PGO) -run '^$$' -bench 'OverLimit|OverTwoPasses|SlowStorage' -benchtime 1x -timeout 60m ./jobs/classify
	@set -x; go test $(GOTAGS) $(PGO) -run '^$$' -bench OverFloor -benchtime 1x -timeout 5h ./jobs/rank
	@set -x; go test $(GOTAGS) $(PGO) -run '^$$' -bench OverMap -benchtime 1x -timeout 60m ./jobs/wordcount
	@set -x; go test $(GOTAGS) $(PGO) -run '^$$' -bench 'OverKernel|OverAlone|OverScoring' -benchtime 1x -timeout 60m ./jobs/recommend
	@$(RUNTIME) set -x; go test $(GOTAGS) -run '^$$' -bench . -benchmem -timeout 60m ./mapreduce/... ./formats/... ./jobs/classify/internal/... ./jobs/internal/...

.PHONY: pgo
pgo: build ## measure again what the compiler is told to inline, after changes to the engine
	go run ./testdata/pgo

.PHONY: lint
lint: setup bin/tools/golangci-lint ## run the linters and formatters of .golangci.yml
	bin/tools/golangci-lint run

.PHONY: check
check: lint test ## lint, test, and require tidy modules and nothing left to generate
	go mod tidy -diff
	go generate ./...
	git diff --exit-code

.PHONY: clean
clean: ## remove bin/ and demo-out/
	rm -rf bin demo-out

.PHONY: setup
setup: ## install what is missing: C compiler, libturbojpeg, ONNX Runtime
	@.ci/setup

# Made again when the version above changes.
bin/tools/golangci-lint: Makefile
	GOBIN="$(CURDIR)/bin/tools" go install $(GOLANGCI)
	@touch $@
