# `make` lists the targets. The two that matter first: `make demo` and `make test`.

PACKAGES ?=
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/boot2docker-py
PYENV_ROOT ?= $(HOME)/.pyenv
# The newest Python here runs the program; 3.8, the oldest supported, runs the unit tests too.
PYTHON ?= $(or $(lastword $(sort $(wildcard $(PYENV_ROOT)/versions/3.1[1-9].*/bin/python3))),python3)
PYTHON38 ?= $(or $(lastword $(wildcard $(PYENV_ROOT)/versions/3.8.*/bin/python3)),$(shell command -v python3.8))
BIN := .venv/bin
export PATH := $(CACHE)/bin:$(PATH)
# The guests of demonstrations, tests and measurements reach nothing but this machine.
export BOOT2DOCKER_QEMU := $(CURDIR)/tests/qemu-offline
# What a company added to this machine is no matter of theirs.
export BOOT2DOCKER_ENGINE_CA := off
export BOOT2DOCKER_PROXY := off

.PHONY: help demo test lint unit faults faults-guest unit-lowest e2e e2e-and-others test-custom-image custom-image test-swarm test-company testbed testbed-shell test-virtualbox test-virtualbox-e2e test-windows test-windows-core test-windows-com test-windows-vm test-windows7 bench fuzz soak iso image-wheel docs site recording deps clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: deps image-wheel ## From two wheels and no index to a container in a VM, and clean up
	@tests/demo/run $(BIN)/python build

test: ## Run every check and test, and count them
	@.ci/test

lint: .venv-lint/ready site ## Check style, types (also for Windows), the generated docs and all links
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	.venv-lint/bin/mypy --platform win32 boot2docker_py
	.venv-lint/bin/deptry boot2docker_py
	.venv-lint/bin/python docs/generate.py --check

unit: .venv/ready $(if $(PYTHON38),.venv38/ready) ## Run the unit tests, on the newest Python (with coverage) and on 3.8
	@mkdir -p build/results
	$(BIN)/coverage run -m pytest tests/unit --junitxml=build/results/unit.xml
	$(if $(PYTHON38),.venv38/bin/pytest tests/unit --junitxml=build/results/unit-3.8.xml,\
	  @echo "No Python 3.8 here: its floor is only held by mypy.")
	@echo "Coverage of the unit tests:"
	@$(BIN)/coverage report > build/results/coverage.txt; status=$$?; \
	  grep -E '^TOTAL|failure' build/results/coverage.txt; exit $$status

# Those that come in touch with no outside library: they take a quarter of the time.
WITHOUT_LIBRARIES = tests/unit/endpoint/relay tests/unit/endpoint/ports tests/unit/test_architecture.py

unit-lowest: $(if $(PYTHON38),.venv-lowest/ready) ## Run the unit tests with the lowest versions that pyproject.toml allows
	$(if $(PYTHON38),.venv-lowest/bin/pytest tests/unit $(WITHOUT_LIBRARIES:%=--ignore=%) \
	  --junitxml=build/results/unit-lowest.xml,\
	  @echo "No Python 3.8 here: the lowest versions were not run.")

e2e: deps iso .venv/ready ## Run the tests on a real VM, a real engine, a real docker client
	tests/e2e/run $(BIN)/pytest build/results

e2e-and-others: deps iso custom-image .venv/ready ## The same, and two more tiers behind one half
	tests/e2e/run $(BIN)/pytest build/results \
	  $(MAKE) --no-print-directory --keep-going test-custom-image test-windows-vm

test-custom-image: custom-image .venv/ready ## Run the VM of docs/images.md, from an image with ipvsadm
	$(BIN)/pytest tests/custom_image --junitxml=build/results/custom-image.xml

test-swarm: deps iso .venv/ready ## Run the tests on three real VMs with one Docker Swarm: slow
	@.ci/install "$(CACHE)" docker-registry
	$(BIN)/pytest tests/swarm --maxfail=1 -rP --junitxml=build/results/swarm.xml

test-company: deps iso .venv/ready ## Run the engine in a company: a registry, a mirror, a proxy, a certificate
	@.ci/install "$(CACHE)" docker-registry
	$(BIN)/pytest tests/company --junitxml=build/results/company.xml

faults: .venv/ready ## Kill commands at each of their durable steps, and type them again
	$(BIN)/pytest tests/faults --junitxml=build/results/faults.xml

faults-guest: deps iso .venv/ready ## The same with commands on a guest that runs: slow (FAULTS_SAMPLE=2)
	$(BIN)/pytest tests/guest_faults --junitxml=build/results/faults-guest.xml

testbed: deps ## Make a root with a real VirtualBox, beside this machine's own system
	@tests/virtualbox/testbed build

testbed-shell: testbed ## Open a shell in which boot2docker and VBoxManage work
	@tests/virtualbox/testbed shell

test-virtualbox: testbed ## Run the tests on a real VirtualBox, on its own Python and on 3.8
	@mkdir -p build/results
	tests/virtualbox/testbed run python3 -m pytest tests/virtualbox -p no:cacheprovider \
	  --junitxml=build/results/test-virtualbox.xml
	$(if $(PYTHON38),tests/virtualbox/testbed run --python38 python3 -m pytest tests/virtualbox \
	  -p no:cacheprovider --junitxml=build/results/test-virtualbox-3.8.xml,\
	  @echo "No Python 3.8 here: VirtualBox was tried with one Python alone.")

test-virtualbox-e2e: testbed iso ## Run a VM from our image in VirtualBox, the CPU interpreted: slow
	tests/virtualbox/testbed run tests/virtualbox/whole-life build/boot2docker.iso

test-windows: deps iso .venv/ready ## Run the tests with Pythons for Windows, and boot2docker.exe, in Wine
	tests/windows/run $(BIN)/pytest build/results core other newest com vm installer

.PHONY: windows-installer
windows-installer: ## Build the installer for Windows (make windows-installer IMAGE=build/boot2docker.iso)
	@installer/build build "$(CACHE)/windows" $(IMAGE)

test-windows-core: deps ## Run those of them that CI runs, by their rooms
	tests/windows/run pytest build/results core

test-windows-com: deps ## Run the driver's rules on a VirtualBox that stands in, through COM
	WITHIN_MINUTES=15 tests/windows/run pytest build/results com

test-windows-vm: deps iso .venv/ready ## Run those of boot2docker.exe with a VM, and of the installer
	WITHIN_MINUTES=10 tests/windows/run $(BIN)/pytest build/results vm installer

test-windows7: .venv/ready ## Fetch the libraries for Windows 7, and look at what they ask of it
	$(BIN)/pytest tests/windows7 --junitxml=build/results/test-windows7.xml

bench: deps iso testbed .venv/ready ## Measure, as ratios to a reference in the same run
	$(BIN)/python -m tests.bench.run build/boot2docker.iso
	tests/virtualbox/testbed run python3 -m tests.bench.virtualbox build/boot2docker.iso

iso: deps ## Build build/boot2docker.iso (make iso PACKAGES="ipvsadm htop")
	@.ci/iso "$(PACKAGES)" "$(CACHE)"

custom-image: deps ## Build build/custom/boot2docker.iso, with ipvsadm in it
	@.ci/iso ipvsadm "$(CACHE)" build/custom

image-wheel: iso .venv/ready ## Build build/boot2docker_image-VERSION-py3-none-any.whl, the image for pip
	@iso/wheel/build $(BIN)/python build

site: .venv-site/ready ## Build the pages of docs/ as a site, build/site; broken links are errors
	NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict --quiet
	@! grep -rEl --include='*.html' '(src|href)="(https?:)?//[^"]+\.(js|css|woff2?)' build/site \
	  || { echo "These pages load something from the net."; false; }

recording: deps image-wheel ## Record `make demo` for the site: docs/demo.svg
	PIP_QUIET=2 python3 docs/recording.py docs/demo.svg tests/demo/run $(BIN)/python build

docs: .venv-lint/ready ## Write the pages of docs/ that follow from the code
	.venv-lint/bin/python docs/generate.py

deps:
	@.ci/install "$(CACHE)"

# make_environment PYTHON FOLDER GROUPS: the program as it is here, and what its tests or checks need.
make_environment = $(1) -m venv --clear $(2) && $(2)/bin/pip install --quiet dependency-groups tomli \
  && $(2)/bin/dependency-groups --output $(2)/groups.txt $(3) \
  && $(2)/bin/pip install --quiet -e . -r $(2)/groups.txt

.venv/ready: pyproject.toml
	$(call make_environment,$(PYTHON),.venv,test) && touch $@

.venv38/ready: pyproject.toml
	$(call make_environment,$(PYTHON38),.venv38,test) && touch $@

# Both of the lowest: Python, and what pyproject.toml asks for.
.venv-lowest/ready: pyproject.toml .ci/lowest
	$(call make_environment,$(PYTHON38),.venv-lowest,test) \
	  && .venv-lowest/bin/pip install --quiet packaging \
	  && .venv-lowest/bin/python .ci/lowest > .venv-lowest/lowest.txt \
	  && .venv-lowest/bin/pip install --quiet -r .venv-lowest/lowest.txt && touch $@

.venv-lint/ready: pyproject.toml
	$(call make_environment,$(PYTHON),.venv-lint,test lint) && touch $@

.venv-site/ready: pyproject.toml
	$(call make_environment,$(PYTHON),.venv-site,site) && touch $@

fuzz: .venv/ready ## Read senseless inputs (make fuzz SECONDS=3600 SEED=7 TARGETS="profile")
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED)) $(TARGETS)

soak: deps iso .venv/ready ## A VM under load for an hour (make soak SECONDS=600 SEED=7)
	$(BIN)/python -m tests.soak build/boot2docker.iso --seconds $(or $(SECONDS),3600) \
	  $(if $(SEED),--seed $(SEED))

clean: ## Remove what was built here (the cache of images stays)
	rm -rf build dist .venv .venv38 .venv-lint .venv-lowest .venv-site .mypy_cache .ruff_cache .pytest_cache
