# The commands of this project. Each does the set-up that it needs; the presets do the work.
BIN := build/release/bin
PREFIX ?= /usr/local
SOURCES = git ls-files '*.h' '*.cpp'

ifneq ($(shell command -v ccache),)
export CMAKE_CXX_COMPILER_LAUNCHER ?= ccache
export CMAKE_CUDA_COMPILER_LAUNCHER ?= ccache
endif
build = cmake --preset $(1) >/dev/null && cmake --build --preset $(1) -j $$(nproc)

.PHONY: help setup build demo wheel package docs test test-long asan tsan bench-htdemucs bench-dsp bench-nn bench-cuda format tidy install

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the Debian packages that are missing
	@tools/setup.sh

build: setup ## build everything, optimised, in build/release
	@$(call build,release)

demo: setup ## separate the bundled clip, and play a guitar through the bundled amp, into out/
	@$(call build,release) --target metalaudio_cli amp_demo_sounds
	@tools/demo.sh $(BIN)

wheel: build ## build a wheel of the Python package in dist/
	@tools/wheel.sh build/release dist

package: build ## build Debian packages of the program, the libraries and the Python package in dist/
	@tools/package.sh build/release dist

docs: setup ## make the reference of the public headers in build/docs/html
	@cmake --preset release >/dev/null
	@tools/docs.sh build/release/tests/public_headers.txt build/docs

test: build ## build and run every test but the long ones
	@tools/test.sh release --label-exclude long

test-long: ## run every test, with the fuzzers and the full-size models
	@tools/setup.sh --dev
	@$(call build,release)
	@tools/test.sh release

asan: setup ## run the tests under the address and undefined-behaviour sanitizers
	@$(call build,asan)
	@tools/test.sh asan --label-exclude long

tsan: setup ## run the tests under the thread sanitizer
	@$(call build,tsan)
	@tools/test.sh tsan --label-exclude long

bench-htdemucs: build ## time HTDemucs, beside PyTorch where it is installed (ARGS="--threads 1 2 --precision bf16")
	@benchmarks/htdemucs/run.sh $(ARGS)

bench-dsp: build ## time the signal processing, beside its peers
	@benchmarks/dsp/run.sh

bench-nn: build ## time the neural amps and ONNX models, step by step, beside ONNX Runtime
	@benchmarks/nn/run.sh

bench-cuda: build ## run the GPU tests and time HTDemucs and transforms on this machine's GPU, into out/bench-cuda*.json
	@tools/gpu.sh

format: ## format every source
	@tools/setup.sh --dev
	@$(SOURCES) | xargs clang-format -i

tidy: build ## lint every source
	@tools/setup.sh --dev
	@$(SOURCES) | grep '\.cpp$$' | xargs -P $$(nproc) -n 4 clang-tidy -quiet -p build/release

install: build ## install the library and the program under PREFIX (/usr/local)
	@cmake --install build/release --prefix $(PREFIX)
