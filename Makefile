# `make help` lists what there is to do. For GNU Make 3.81 or later.

VENV := .venv
CLIENTS := .venv-clients
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
ALL_INSTALLED := $(VENV)/.all-installed
PYTHONS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3)
HTML := book/_build/html
JOBS ?= 2
PORT ?= 8000
UV := uv==0.13.9

# The same result on every run, whatever the caller's settings.
export PYTHONHASHSEED := 0
export PYTHONUTF8 := 1
export PYTHONNOUSERSITE := 1
export TF_CPP_MIN_LOG_LEVEL := 3
export CUDA_VISIBLE_DEVICES :=
unexport MPLBACKEND
unexport PYTHONPATH
# Many container images set it; without kept bytecode each process compiles PyTorch, Keras and TensorFlow anew.
unexport PYTHONDONTWRITEBYTECODE

# $(call step,what is done,the command,what to do where it fails)
define step
@printf '==> %s\n' "$(1)"
@( $(strip $(2)) ) || { printf '\nFailed: %s.\nWhat to do: %s\n' "$(1)" "$(strip $(3))" >&2; exit 1; }
endef

# $(call environment,folder) makes an environment with the first fitting Python, unless there is one.
define environment
	@if $(1)/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then exit 0; fi; \
	tried=; for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
			if $$python -c 'import ensurepip, venv' 2>/dev/null; then \
				$$python -m venv --clear $(1) && exit 0; why='could not make an environment'; \
			else why='lacks venv (on Debian and Ubuntu: apt install python3-venv)'; fi; \
		else why=$$($$python --version 2>/dev/null) || why='not found'; fi; \
		tried="$$tried\n  $$python: $$why"; \
	done; \
	printf "\nFailed: finding a Python 3.11, 3.12 or 3.13. Tried:$$tried\n" >&2; \
	printf '%s\n' 'What to do: install one of them, or name it with PYTHON=/path/to/python3.11' >&2; exit 1
endef

# Unit tests, the library's doctests and the guards; tests/conftest.py sets the frameworks up for them.
# A file or a class of tests stays in one worker. In the order of the folders: the assignments, which take longest, first.
# JAX and the clients cannot be imported here; `make clients` runs what needs them.
UNITS = $(RUN) -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder --doctest-modules \
	--ignore=lrlib/jax.py --ignore=tests/clients lrlib
# The facts of every committed notebook. A run of its own, so that nothing is set up but what a reader has.
# book/conftest.py orders the chapters, and locally leaves out what has passed unchanged.
FACTS = TQDM_DISABLE=1 $(RUN) -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder -p no:cacheprovider \
	--nbval --nbval-current-env --nbval-cell-timeout=600 book/chapters book/solutions

# The lock has more than a reader needs, so it is a constraint: pip takes its versions, and of its packages those asked for.
PIP = $(RUN) -m pip install --disable-pip-version-check --no-input --progress-bar off -c requirements.lock
COMMA := ,
define AFTER_PIP
read pip's message above; without a network see README.md (Where the data and packages come from). \
Then run make again: it goes on with what is there. If the environment is broken run make distclean first.
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help .venv book notebooks assignments grade leaderboard test check data experiments benchmarks machines clients mutants pdf slides serve lock clean distclean

help: ## list these targets
	@printf 'usage: make TARGET [NAME=VALUE]\n\n'
	@awk -F ':.*## ' '/^[.a-z]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.venv: $(ALL_INSTALLED) ## set up the environment; PYTHON=… names the interpreter

$(INSTALLED): requirements.lock pyproject.toml
	@printf '==> %s\n' 'setting up $(VENV)'
	$(call environment,$(VENV))
	$(call step,installing what the book needs in the versions of requirements.lock (some minutes the first time),\
		$(PIP) setuptools && $(PIP) --no-build-isolation -e '.[course$(COMMA)book]',$(AFTER_PIP))
	@touch $@

$(ALL_INSTALLED): $(INSTALLED)
	$(call step,installing the other packages of requirements.lock,$(PIP) -r requirements.lock,$(AFTER_PIP))
	@touch $@

book: notebooks ## execute the chapters that are out of date, then build the book
	$(render)

notebooks: $(INSTALLED) ## execute the chapters that are out of date; FORCE=1 executes all, ONLY=cycling some
	@if [ -n "$(FORCE)" ] || ! $(RUN) book/_tools/notebooks.py --check $(ONLY) >/dev/null 2>&1; then $(MAKE) -s data; fi
	$(call step,executing the chapters that are out of date,\
		$(RUN) book/_tools/notebooks.py $(if $(FORCE),--force) $(ONLY),\
		mend the cell named above in the chapter's .py file and run make notebooks again.)

# What `assignments` and `grade` have in common: FRAMEWORK=keras leaves PyTorch out, SOURCES=… takes a private variant.
CHOICES = $(if $(FRAMEWORK),--framework $(FRAMEWORK)) $(if $(SOURCES),--sources "$(SOURCES)") $(if $(ONLY),--only $(ONLY))
# Not book/_build/assignments, where the build keeps what the site offers: a release may leave cells out.
RELEASED ?= released
RESULTS ?= grading

assignments: $(INSTALLED) ## write the students' notebooks to RELEASED=…; FRAMEWORK=keras or pytorch, ONLY=…, SOLUTIONS=1 for you
	$(call step,releasing the assignments,\
		$(RUN) book/_tools/assignments.py release "$(RELEASED)" $(CHOICES) $(if $(SOLUTIONS),--solutions),\
		read the message above; book/assignments/teachers.md says how assignments are made.)

grade: $(ALL_INSTALLED) ## grade SUBMISSIONS=…/STUDENT/NAME.ipynb into RESULTS=…; JOBS=…, SECONDS=…; read the teacher's page first
	@test -n "$(SUBMISSIONS)" || { echo 'Which folder? make grade SUBMISSIONS=…, with one folder a student' >&2; exit 1; }
	$(call step,grading $(SUBMISSIONS),$(RUN) book/_tools/assignments.py grade "$(SUBMISSIONS)" "$(RESULTS)" --jobs $(JOBS) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(CHOICES),\
		name the folder with one folder a student: make grade SUBMISSIONS=…)

leaderboard: $(INSTALLED) ## rank the capstone's SUBMISSIONS=…/STUDENT/capstone.py into RESULTS=…; THIRD=…, SEEDS=…, SECONDS=…
	@test -n "$(SUBMISSIONS)" || { echo 'Which folder? make leaderboard SUBMISSIONS=…, with one folder a student' >&2; exit 1; }
	$(call step,ranking $(SUBMISSIONS),$(RUN) book/_tools/leaderboard.py "$(SUBMISSIONS)" "$(RESULTS)" --jobs $(JOBS) \
		$(if $(THIRD),--third "$(THIRD)") $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SECONDS),--seconds $(SECONDS)),\
		read the message above; book/assignments/capstone.md says what an entry is.)

define render
$(call step,building the book,$(RUN) book/_tools/build.py,\
	mend what the warnings above name (each one stops the build) and run make book again.)
endef

test: $(ALL_INSTALLED) data ## build the book, run the tests and guards, and check the facts of every notebook
	$(render)
	@units=passed; facts=passed; \
	printf '==> %s\n' 'running the unit tests, doctests and guards'; \
	$(UNITS) tests || units=FAILED; \
	printf '==> %s\n' 'checking the facts of every notebook (nbval)'; \
	$(FACTS) || facts=FAILED; \
	if [ $$units = passed ] && [ $$facts = passed ]; then exit 0; fi; \
	{ printf '\n%s\n' "Failed: unit tests and guards $$units; facts of the notebooks $$facts."; \
	printf '%s\n' 'What to do: read the first failure above. A fact that has rightly moved is accepted as CONTRIBUTING.md says.'; \
	} >&2; exit 1

check: $(ALL_INSTALLED) ## lint, types and quick tests: the inner loop
	$(call step,linting (ruff),$(RUN) -m ruff check,$(RUN) -m ruff check --fix mends most of it.)
	$(call step,checking the format (ruff),$(RUN) -m ruff format --check -q,run $(RUN) -m ruff format)
	$(call step,checking the spelling (codespell),$(RUN) -m codespell_lib,\
		mend the words above or add them to ignore-words-list in pyproject.toml.)
	$(call step,checking the types (mypy),$(RUN) -m mypy,mend the lines above.)
	$(call step,running the unit tests and doctests,$(UNITS) tests --ignore tests/book -m 'not slow',\
		read the first failure above.)

data: $(INSTALLED) ## fetch and verify the data that the chapters read
	$(call step,fetching and verifying the data,\
		$(RUN) -c 'from lrlib.course import data; data.mnist(); data.cifar10()',\
		follow the message above: it lists each road and how to supply the files by hand.)

experiments: data ## run what book/results lacks, and claims' next looks; ONLY=cycling, PLAN=1 runs nothing, ACCELERATOR=1
	$(call step,$(if $(PLAN),what the claims need next,running the trials that book/results lacks),\
		$(if $(ACCELERATOR),env -u CUDA_VISIBLE_DEVICES )$(RUN) -m lrlib.course.study \
			$(if $(PLAN),--plan) $(if $(ACCELERATOR),--accelerator) $(ONLY),\
		mend what the message above names and run make experiments again: it goes on where it stopped.)

benchmarks: $(ALL_INSTALLED) data ## run tests/benchmarks: ratios against what lrlib replaces
	$(call step,running the benchmarks,\
		for file in $$(grep -l __main__ tests/benchmarks/*.py); do printf '%s\n' "-- $$file"; $(RUN) $$file || exit 1; done,\
		read the message above; a missed target is worth a second run on an idle machine.)

machines: $(ALL_INSTALLED) data ## other Pythons, versions and builds of PyTorch; ONLY="3.13 lowest cuda" takes some, FOLDER=…
	$(call step,installing $(UV),$(RUN) -m pip install --disable-pip-version-check --no-input -q $(UV),\
		read pip's message above.)
	$(call step,running the tests of the library and three chapters on each machine,\
		$(RUN) tests/machines.py $(ONLY) $(if $(FOLDER),--folder "$(FOLDER)"),\
		read the logs in the folder that the environments were made in: FOLDER=… or lrlib-machines in the cache.)

clients: ## the documented examples in Lightning, Trainer, Accelerate, ignite, Keras, optax and Flax; NEWEST=1 takes no lock
	@printf '==> %s\n' 'setting up $(CLIENTS)'
	$(call environment,$(CLIENTS))
	$(call step,installing the clients $(if $(NEWEST),in their newest versions,in the versions of tests/clients/constraints.txt),\
		$(CLIENTS)/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off -q \
			$(if $(NEWEST),--upgrade --upgrade-strategy eager,-c tests/clients/constraints.txt) -e '.[clients]',$(AFTER_PIP))
	$(call step,running the examples and the tests that need JAX,\
		$(CLIENTS)/bin/python -m pytest --doctest-modules lrlib/jax.py \
			tests/clients tests/library/test_jax.py tests/library/test_backends.py,\
		read the first failure above.)

mutants: $(ALL_INSTALLED) ## how many small faults in lrlib its quick tests find; ONLY=schedules takes one module, COUNT=40
	$(call step,running the tests on mutants,\
		$(RUN) tests/mutants.py $(if $(COUNT),--count $(COUNT)) $(ONLY),\
		read the message above.)

pdf: $(ALL_INSTALLED) book ## print the whole book into book/_build/learning-rate-schedules.pdf; needs Chromium
	$(call step,printing the book,$(RUN) book/_tools/pdf.py,read the message above.)

slides: $(ALL_INSTALLED) ## make slides of each part for teachers in book/_build/slides; they need no network
	$(call step,making the slides,$(RUN) book/_tools/slides.py,read the message above.)

serve: ## serve the built book on this machine only; PORT=8000
	@test -f $(HTML)/index.html || $(MAKE) book
	@printf '==> %s\n' 'the book: http://127.0.0.1:$(PORT)/ (stop with Ctrl-C)'
	@$(RUN) -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT) >/dev/null 2>&1 || { status=$$?; \
		[ $$status -gt 128 ] || { printf '%s\n' 'Failed: port $(PORT) cannot be used.' \
		'What to do: name another: make serve PORT=8001' >&2; exit 1; }; }

lock: $(ALL_INSTALLED) ## renew requirements.lock from pyproject.toml; UPGRADE=1 takes newer versions
	$(call step,installing $(UV),$(RUN) -m pip install --disable-pip-version-check --no-input -q $(UV),\
		read pip's message above.)
	@cp requirements.lock .requirements.lock.new
	$(call step,resolving the versions,$(RUN) -m uv pip compile -q --universal --python-version 3.11 \
		--fork-strategy fewest --extra dev $(if $(UPGRADE),--upgrade) --no-header --annotation-style line \
		pyproject.toml -o .requirements.lock.new >/dev/null,\
		read uv's message above; mend the ranges in pyproject.toml.)
	@{ sed -n '/^#/p;/^[^#]/q' requirements.lock; \
	grep -vE "^(nvidia-|cuda-|triton)|'pypy'" .requirements.lock.new | sed -E \
		-e "s/ ; python_full_version < '3\.14' and / ; /" -e "s/ ; python_full_version < '3\.14'//" \
		-e 's/ \(pyproject\.toml\)//' -e '/^#/d'; } >.requirements.lock.new.done
	@mv .requirements.lock.new.done requirements.lock; rm .requirements.lock.new

clean: ## remove the built book and the tools' caches
	rm -rf book/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find lrlib book tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## also remove the environment and the npm packages
	rm -rf $(VENV) $(CLIENTS) book/_static/vendor book/node_modules lrlib.egg-info
