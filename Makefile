# Sets itself up: every target that needs Python makes .venv first, without root, and only once.
# It never installs a system package; where one is missing it says how to get it.

PYTHONS ?= python3.13 python3.12 python3.11 python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PROGRAMS := var/programs
# Daemons that tests start themselves: unpacked, since installing them would start them or take a port.
UNPACKED := nginx nginx-common prometheus
# Servers that tests put behind midmile, with the libraries that these want.
BEHIND := apache2-bin haproxy varnish
# Those that `make bench` runs beside midmile, and the programs that put load on them.
PEERS := nginx varnish trafficserver gdnsd knot knot-module-geoip wrk nghttp2-client dnsperf
CACHE_TESTS := http-cache-tests@0.4.5
ARGS ?=
KILLS ?= 1000
# Under sudo: what is made for good still belongs to whoever typed it.
AS_USER := $(if $(SUDO_USER),sudo -u $(SUDO_USER))

.PHONY: help up test torture check format docs pins containers-test programs cache-tests bench bench-programs lab clean
.DEFAULT_GOAL := help

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

up: $(VENV)/.runtime  ## Run the demo network until Ctrl-C (more with ARGS="...")
	@exec $(VENV)/bin/midmile up $(ARGS)

test: check  ## All checks and all tests (pytest's arguments with ARGS="...")
	@$(VENV)/bin/python -m pytest --durations=10 $(ARGS)

torture: $(VENV)/.dev  ## Kill an edge's and a parent's processes 1,000 times; KILLS=... for another number
	@MIDMILE_KILLS=$(KILLS) $(VENV)/bin/python -m pytest -s tests/scenario/test_torture.py $(ARGS)

check: $(VENV)/.dev  ## Lint, formatting, types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(VENV)/.dev  ## Put the code into its house format
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

docs: $(VENV)/.runtime  ## Write docs/network-file.md and the README's table anew from models and results
	@$(VENV)/bin/python -m deploy.network.docs > docs/network-file.md.new
	@mv docs/network-file.md.new docs/network-file.md
	@$(VENV)/bin/python -m bench.summary

pins: $(VENV)/.dev  ## Write constraints.txt anew from what .venv holds
	@{ sed -n '/^#/p' constraints.txt; $(VENV)/bin/python -m pip freeze --exclude-editable; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt

containers-test: $(VENV)/.dev  ## Build and try the containers (root, Docker)
	@$(VENV)/bin/python -m pytest --durations=10 tests/containers $(ARGS)

programs: $(UNPACKED:%=$(PROGRAMS)/.%)  ## Unpack the servers that tests use, without root
	@bench/peers/unpack.sh $(PROGRAMS) $(BEHIND)

# The public suite for HTTP caches, without what it needs to show results on a web site.
cache-tests: $(PROGRAMS)/cache-tests/.complete  ## Fetch the public suite for HTTP caches (npm)

$(PROGRAMS)/cache-tests/.complete:
	@command -v npm >/dev/null || { echo "npm is missing; install with: sudo apt-get install npm" >&2; exit 1; }
	@echo "fetching $(CACHE_TESTS) into $(@D)"
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd $(@D) && npm install --silent --no-save --no-package-lock --ignore-scripts node-fetch@2.7.0
	@cd $(@D) && npm pack --silent $(CACHE_TESTS) >/dev/null && tar xzf *.tgz && rm *.tgz && touch .complete

bench-programs:  ## Unpack the peers and load tools that benchmarks use, without root
	@bench/peers/unpack.sh $(PROGRAMS) $(PEERS)

bench: bench-programs $(VENV)/.dev  ## Measure everything beside its peers; bench-NAME for one, BENCH_SMOKE=1 for a tiny run
	@$(VENV)/bin/python -m bench

bench-%: bench-programs $(VENV)/.dev
	@$(VENV)/bin/python -m bench $*

lab:  ## The shop 210 ms away, at three addresses for your own browser: sudo make lab
	@$(AS_USER) $(MAKE) --silent --no-print-directory bench-programs $(VENV)/.dev
	@PYTHONDONTWRITEBYTECODE=1 exec $(VENV)/bin/python -m bench.tour $(ARGS)

clean:  ## Remove what was made but for var/: .venv, caches, unpacked programs
	rm -rf $(VENV) $(PROGRAMS) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@if test -d var; then echo "var/ stays: keys, pictures and screenshots; remove it yourself: rm -r var"; fi

# The newest Python named above that is new enough and can make a venv. Debian ships ensurepip apart.
$(VENV)/bin/python:
	@old=; bare=; for python in $(PYTHONS); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { old="$$old $$version"; continue; }; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { bare="$$bare $$python"; continue; }; \
	  echo "making $(VENV) with Python $$version"; \
	  exec $$python -m venv --clear $(VENV); \
	done; \
	if test -n "$$bare"; then \
	  echo "$${bare##* } cannot make a virtual environment; install with: sudo apt-get install $${bare##* }-venv" >&2; \
	else \
	  echo "midmile needs Python 3.11 or newer (found:$${old:- none}); install with: sudo apt-get install python3 python3-venv" >&2; \
	fi; exit 1

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing midmile into $(VENV)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing midmile and its development tools into $(VENV)"
	@$(PIP) -e '.[dev,bench]'
	@touch $(VENV)/.runtime $@

$(PROGRAMS)/.%:
	@echo "unpacking $* into $(PROGRAMS)"
	@mkdir -p $(PROGRAMS)
	@cd $(PROGRAMS) && apt-get download -qq -o APT::Sandbox::User=root $* && dpkg -x $*_*.deb . && rm $*_*.deb && touch .$*
