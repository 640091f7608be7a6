# Keyhole: see README.md. Everything runs from a checkout; nothing is installed outside .venv, the user cache
# and (only when you are root) the Debian packages named in APT below.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
APT := qemu-system-x86 liblwip0 tshark
# A rig waits as much as it computes, several times for a minute over IEEE 802.15.4: workers share its cases.
RIGS ?= lwip-ble lwip-802154 lwip-802154 linux-802154 linux-802154 linux-802154 linux-802154 linux-802154 linux-ble linux-ble linux-ble
# A worker for each of them imports the same modules: byte code is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
PAIRS ?= linux-802154,linux-802154 linux-802154,reference linux-802154,lwip-802154 lwip-802154,reference \
  linux-ble,linux-ble linux-ble,lwip-ble linux-ble,reference-6lbr lwip-ble,reference-ble
ARGS ?=

RIG ?= reference
BUDGET ?= 10m

.PHONY: help setup conformance interop hunt fieldreport test lint mutants variants mutation stress fuzz bench clean
.DEFAULT_GOAL := help

help:
	@echo "make conformance   set up, then run the suites on the embedded rigs ($(sort $(RIGS))) and write the report"
	@echo "make interop       two nodes on one air, each way, and who is to blame ($(PAIRS))"
	@echo "make test          set up, then run Keyhole's own tests"
	@echo "make fieldreport   ping, iperf3 and TCP between two Linux guests over Bluetooth LE, with the causes"
	@echo "make hunt          search for sequences of frames that break a node: RIG=riot-zep BUDGET=10m"
	@echo "make mutants       show that the suites catch deliberately wrong nodes"
	@echo "make variants      show that the suites blame no conforming node that differs from the reference"
	@echo "make mutation      show that the tests catch changes to the oracle's code"
	@echo "make stress        show that a busy machine changes no verdict: the suites and the tests beside CPU hogs"
	@echo "make fuzz          20,000 damaged inputs: records, histories, evidence, rig files, captures, corpora, labs, wires, consoles"
	@echo "make bench         oracle and harness speed, as ratios to peers"
	@echo "make lint          ruff and mypy strict"
	@echo "make setup         what the others need: $(VENV), Debian packages ($(APT)), the guest in the user cache"
	@echo "make labgrid       labgrid's client (and coordinator) in an environment of its own, .labgrid: leases of a farm"
	@echo "make clean         remove $(VENV), caches and reports/out (not the user cache)"
	@echo "RIGS='a b' and ARGS='...' are passed on, for example: make conformance RIGS=lwip-ble ARGS='-k hop_limit'"

$(VENV)/.stamp: requirements.lock tools/venv.sh reports/interrupt.py
	@bash tools/venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

.PHONY: system
system:
	@bash tools/system.sh $(APT)

setup: system $(VENV)/.stamp

# labgrid, for leases of its farms: in an environment of its own, because its fork of pyserial replaces ours.
.labgrid/.stamp: tools/labgrid.lock
	@bash tools/venv.sh "$(PYTHON)" .labgrid $<
	@touch $@

.PHONY: labgrid
labgrid: .labgrid/.stamp

.PHONY: guest
guest: setup
	@$(PY) -m rigs.guests

conformance: guest
	@before=$$(readlink reports/out/latest); status=0; \
	 $(PY) -m pytest suites $(foreach rig,$(RIGS),--rig $(rig)) $(ARGS) || status=$$?; \
	 if [ "$$(readlink reports/out/latest)" = "$$before" ]; then echo "no case ran: there is no new report"; \
	 else $(PY) -m reports render reports/out/latest; fi; exit $$status

# One pair after the other: each may be two guests.
interop: guest
	@before=$$(readlink reports/out/latest); status=0; \
	 $(PY) -m pytest suites/interop -n0 $(foreach pair,$(PAIRS),--pairs $(pair)) $(ARGS) || status=$$?; \
	 if [ "$$(readlink reports/out/latest)" = "$$before" ]; then echo "no case ran: there is no new report"; \
	 else $(PY) -m reports render reports/out/latest && $(PY) -m reports matrix reports/out/latest; fi; exit $$status

hunt: setup
	@$(PY) -m pytest suites/hunt -m hunt --rig $(RIG) --hunt $(BUDGET) $(ARGS)

fieldreport: guest
	@$(PY) -m rigs.fieldreport $(ARGS)

test: guest
	@$(PY) -m pytest tests -n auto $(ARGS)

lint: $(VENV)/.stamp
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

mutants: setup
	@$(PY) -m tests.mutants $(ARGS)

variants: setup
	@$(PY) -m tests.variants $(ARGS)

mutation: setup
	@$(PY) -m tests.mutation $(ARGS)

stress: guest
	@$(PY) -m tests.stress $(foreach rig,$(sort $(RIGS)),--rig $(rig)) $(ARGS)

fuzz: setup
	@$(PY) -m tests.fuzz $(ARGS)

bench: setup
	@$(PY) -m tests.bench $(ARGS)

clean:
	rm -rf $(VENV) .labgrid reports/out .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
