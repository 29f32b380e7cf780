# `make run` and `make test` do all the set-up that is missing, then the main job or the tests.
# PYTHON=… chooses the interpreter (3.11), GPU=1 torch's CUDA build.

PYTHON ?=
GPU ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# "moved" for the environment of a checkout that was moved or copied: its commands name the folder of before.
MOVED := $(shell [ -L $(VENV) ] || [ ! -s $(INSTALLED) ] || [ "$$(cat $(INSTALLED))" = "$$(pwd)" ] || echo moved)
# One more than the two cores of CI: the rehearsals of a bench mostly wait for sound that plays in real time.
JOBS ?= 3
# A test that hangs ends its worker after 10 minutes, whatever holds it, and the others go on in a new worker. Its stacks are
# printed before: those that pytest-timeout prints do not leave a worker.
LIMIT := --timeout 600 --timeout-method thread -o faulthandler_timeout=590

# gcc and g++: the cycle model and the host tests of the sketch's logic. The arm toolchain: firmware. QEMU: the emulated board.
# espeak-ng: the synthetic corpus. libportaudio2, libsndfile1: sound. python3-venv: the environment.
# pulseaudio, pulseaudio-utils, libasound2-plugins: the rehearsal bench, whose speaker and microphone are a null sink.
# ser2net: its board behind another host. sshd, the other half of that host, would open a port of this one: see CONTRIBUTING.md.
PACKAGES := gcc g++ gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm \
	espeak-ng libportaudio2 libsndfile1 python3-venv pulseaudio pulseaudio-utils libasound2-plugins ser2net

# Compiling the imported sources of torch, pandas and SciPy takes every process 6 s where bytecode is not kept.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: $(if $(MOVED),$(INSTALLED)) run test lint format bench docs doctor setup labgrid packages lock clean

run: setup
	$(BIN)/earshot run

# mypy takes one core for 40 s; another one compiles the test modules, which each worker would do for itself.
test: setup
	$(BIN)/pytest --collect-only -q >/dev/null & $(MAKE) lint && wait
	$(BIN)/pytest -m "not hardware" --earshot-variants tinyconv-int8 -n $(JOBS) --dist worksteal $(LIMIT)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	git ls-files 'sketches/*.h' 'sketches/*.cpp' 'sketches/*.c' 'sketches/*.ino' | xargs $(BIN)/clang-format --dry-run --Werror

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files 'sketches/*.h' 'sketches/*.cpp' 'sketches/*.c' 'sketches/*.ino' | xargs $(BIN)/clang-format -i

bench: setup
	PYTHONPATH=tests $(BIN)/python -m benchmarks

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

doctor: setup
	$(BIN)/earshot doctor

setup: packages $(INSTALLED)

# Optional: for boards that are places of labgrid.
labgrid: setup
	python3 harness/bootstrap.py --labgrid

packages:
	@command -v dpkg-query >/dev/null || { \
		for c in python3 gcc g++ arm-none-eabi-g++ qemu-system-arm espeak-ng; do \
			command -v $$c >/dev/null || missing="$$missing $$c"; done; \
		[ -z "$$missing" ] && exit 0; \
		echo "setup: install these commands, then run make again:$$missing (docs/platforms.md names the packages)"; exit 2; }; \
	for p in $(PACKAGES); do \
		dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	[ "$$(id -u)" = 0 ] || sudo=sudo; \
	[ -z "$$sudo" ] || command -v sudo >/dev/null || { \
		echo "setup: Debian packages are missing; as root: apt-get install$$missing"; exit 2; }; \
	echo "Installing Debian packages:$$missing"; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $$missing >/dev/null || { \
		echo "setup: apt-get failed, see above; as root: apt-get install$$missing, then run make again"; exit 2; }

$(INSTALLED): pyproject.toml requirements.lock harness/bootstrap.py
	$(if $(MOVED),rm -rf $(VENV) .bootstrap .labgrid)
	@echo "Setting up the Python environment in $(VENV), a minute or two …"
	@python3 harness/bootstrap.py --python '$(PYTHON)' $(if $(GPU),--gpu)
	@pwd >$@

# Raises every locked package to the newest version that pyproject.toml admits.
lock: setup
	python3 harness/bootstrap.py --lock

clean:
	rm -rf $(VENV) .labgrid .bootstrap .earshot reports/nights
