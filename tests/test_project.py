"""The project's own files agree: pyproject.toml, the lock file, environment.yml, the Makefile, the citation."""

import os
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import lrlib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LINES = [line for line in LOCK.splitlines() if line and not line.startswith("#")]
PINS = [Requirement(line.split("  #")[0]) for line in LINES]
PYTHONS = ["3.11", "3.12", "3.13"]
CONSTRAINTS = (ROOT / "tests" / "clients" / "constraints.txt").read_text(encoding="utf-8")
# What `make clients` installs, in an environment of its own; everything else is locked together.
BESIDE = {"jax", "clients"}
EXTRAS = PROJECT["optional-dependencies"].keys() - BESIDE
PLATFORMS = {
    "Linux": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"},
    "Linux, ARM": {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
        "os_name": "posix",
    },
    "macOS": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"},
    "Windows": {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "platform_machine": "AMD64",
        "os_name": "nt",
    },
}
ENVIRONMENTS = {
    f"{platform}, Python {python}": {**facts, "python_version": python, "python_full_version": f"{python}.0"}
    for platform, facts in PLATFORMS.items()
    for python in PYTHONS
}


def wanted(extra, environment):
    """What an extra asks for in an environment, extras of our own followed."""
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate(environment):
            continue
        if requirement.name == PROJECT["name"]:
            for other in requirement.extras:
                yield from wanted(other, environment)
        else:
            yield requirement


def pinned(environment):
    """Package → exact version that the lock file gives an environment; a second one is an error."""
    found = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(environment):
            name = canonicalize_name(pin.name)
            assert name not in found, f"{name} is pinned twice"
            [exact] = pin.specifier
            assert exact.operator == "==" and "*" not in exact.version, f"{pin} is not an exact version"
            found[name] = exact.version
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_lock_holds_what_the_project_asks_for(environment):
    versions = pinned(environment)
    for extra in EXTRAS:
        for requirement in wanted(extra, environment):
            assert canonicalize_name(requirement.name) in versions, f"{requirement} is not in the lock: make lock"
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement
    assert versions["torch"] == "2.13.0" and versions["jupyter-book"] == "1.0.4.post1"
    assert ("tensorflow" in versions) + ("tensorflow-cpu" in versions) == 1


def test_every_extra_is_in_what_is_locked_and_installed():
    everything = {requirement.name for requirement in wanted("dev", ENVIRONMENTS["Linux, Python 3.11"])}
    for extra in EXTRAS:
        assert {requirement.name for requirement in wanted(extra, ENVIRONMENTS["Linux, Python 3.11"])} <= everything


def test_clients_have_a_lock_of_their_own():
    pins = [Requirement(line) for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    assert [pin.name for pin in pins] == sorted(canonicalize_name(pin.name) for pin in pins)
    versions = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    for requirement in wanted("clients", ENVIRONMENTS["Linux, Python 3.11"]):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement
    same = {"torch", "keras", "tensorflow-cpu"}  # what the lock has, for the clients' tests are about ours with theirs
    assert same <= versions.keys()
    locked = pinned(ENVIRONMENTS["Linux, Python 3.11"])
    assert {name: versions[name] for name in same} == {name: locked[name] for name in same}


def test_clients_are_tried_every_week_and_not_in_make_test():
    workflow = yaml.safe_load((ROOT / ".github/workflows/clients.yml").read_text(encoding="utf-8"))
    assert workflow[True]["schedule"]  # YAML takes `on` for a truth value
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert any(step.startswith("make clients") for step in steps)
    assert "tests/clients" in make("-n", "clients") and "-c tests/clients/constraints.txt" in make("-n", "clients")
    assert "constraints.txt" not in make("-n", "clients", "NEWEST=1")


def test_this_environment_is_the_locked_one():
    different = []
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate():
            [exact] = pin.specifier
            try:
                found = Version(version(pin.name)).public  # 2.13.0+cpu counts as 2.13.0
            except PackageNotFoundError:
                found = "missing"
            different += [f"{pin.name}: {found}, not {exact.version}"] if found != exact.version else []
    assert not different, "run make .venv"


def installed(extras):
    """The packages that some of our extras bring, as this environment's packages name their own."""
    left, found = [one for extra in extras for one in wanted(extra, default_environment())], set()
    while left:
        requirement = left.pop()
        asked = {(canonicalize_name(requirement.name), extra) for extra in ("", *requirement.extras)}
        for name, extra in asked - found:
            further = map(Requirement, requires(name) or [])
            left += [one for one in further if not one.marker or one.marker.evaluate({"extra": extra})]
        found |= asked
    return {name for name, _ in found}


def test_book_is_built_without_nbgrader_in_locked_versions():
    """`make book` installs its extras with the lock as a constraint, so the lock must pin all that they bring."""
    locked = {canonicalize_name(pin.name) for pin in PINS}
    for_gpus = re.compile("nvidia-|cuda-|triton")
    reader, everything = installed(["course", "book"]), installed(["dev"])
    assert {name for name in everything - locked if not for_gpus.match(name)} == set()
    assert "nbgrader" in everything - reader and len(everything - reader) > 40


@pytest.mark.slow
def test_readers_get_the_book_s_packages_and_others_all():
    book, test, grade = (make("-n", "-W", "requirements.lock", target) for target in ("book", "test", "grade"))
    assert "-c requirements.lock" in book and "'.[course,book]'" in book and "-r requirements.lock" not in book
    assert "-r requirements.lock" in test and "-r requirements.lock" in grade


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "environment.yml",
        "pyproject.toml",
        "Makefile",
        ".ci/run",
        "book/package-lock.json",
        "tests/clients/constraints.txt",
    ],
)
def test_no_download_address(name):
    """Whoever installs decides where from; what a package index is called stands nowhere."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("http://127.0.0.1", "")
    assert not re.findall(r"(?i)\w+://\S+|--(?:extra-)?index-url|--find-links|--trusted-host|--hash| @ ", text)


def test_lock_is_for_cpus_and_sorted():
    names = [pin.name for pin in PINS]
    assert names == sorted(names)
    assert not [name for name in names if re.match("nvidia-|cuda-|triton", name)]


def test_conda_environment_installs_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["name"]
    [pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip[:2] == ["-r requirements.lock", "-e ."]
    plain = {
        re.match(r"[\w-]+", entry).group(): entry for entry in environment["dependencies"] if isinstance(entry, str)
    }
    python = plain["python"].split("=")[1]
    assert python in PYTHONS and Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)
    assert {"pip", "nodejs", "make"} <= plain.keys()
    # What pip pins must not come from conda as well, nor in another version.
    locked = {canonicalize_name(pin.name) for pin in PINS}
    assert not locked & {canonicalize_name(name) for name in plain}
    for entry in pip[2:]:
        assert canonicalize_name(Requirement(entry).name) not in locked


def test_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == lrlib.__version__ == version("lrlib")
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in text and "Creative Commons" in text


def test_supported_pythons_are_named_alike():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    for python in PYTHONS:
        assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
        assert f"python{python}" in makefile and f'"{python}"' in workflow
    assert "(3, 11) <= sys.version_info < (3, 14)" in makefile and PROJECT["requires-python"] == ">=3.11,<3.14"


def test_tests_wait_for_conditions_and_compare_no_seconds():
    """A busy machine must fail no test: see tests/waiting.py, and Playwright's expect."""
    pattern = r"\bsleep[ (](?!.*done)|wait_for_time[o]ut|perf_count[e]r|monoton[i]c"
    kept = {"answers", "benchmarks"}  # answers that students could write; what does compare seconds
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path.parent.name not in kept]
    found = [path.name for path in tests if re.search(pattern, path.read_text(encoding="utf-8"))]
    assert found == ["waiting.py"]


def make(*arguments):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.findall(r"^  (\S+)  ", make(), re.MULTILINE)
    assert listed == re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split()
    for name in ("README.md", "CONTRIBUTING.md"):
        named = re.findall(r"(?:`|^)make (\.?[a-z]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= set(listed), name


@pytest.mark.slow
def test_test_target_executes_no_chapter():
    assert "notebooks.py" not in make("-n", "test")
    assert "notebooks.py" in make("-n", "book")


@pytest.mark.slow
def test_the_pdf_is_printed_of_a_book_that_is_up_to_date(tmp_path):
    (tmp_path / "index.html").write_text("of an earlier build")
    done = make("-n", "pdf", f"HTML={tmp_path}")
    assert 0 < done.index("build.py") < done.index("pdf.py")


def test_a_teachers_release_leaves_the_sites_downloads_alone():
    released = re.search(r'assignments\.py release "(.+?)"', make("-n", "assignments", "FRAMEWORK=keras"))[1]
    assert released == "released" and f"{released}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_readme_names_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for place in re.findall(r"`([\w./-]+)`", text[text.index("## Map") : text.index("## Licence")]):
        assert (ROOT / place).exists() or place == "benchmarks/", place
