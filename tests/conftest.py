"""Settings for the whole test run: quiet frameworks, few threads, repeatable property tests."""

import gc
import os
from pathlib import Path

# These must be set before a framework is imported; a value from outside wins.
for name, value in {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}.items():
    os.environ.setdefault(name, value)

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("harness", "reference", "waiting")  # their asserts say what was compared

collect_ignore_glob = ["assignments/answers/*"]  # no modules: cells that students could write

settings.register_profile(
    "lrlib",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
# For a longer look: HYPOTHESIS_PROFILE=long
settings.register_profile("long", settings.get_profile("lrlib"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "lrlib"))


def pytest_collection_finish():
    """What is imported stays: no collection of garbage need walk through the frameworks' objects again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, one for all tests of a worker; for tests marked ``needs_browser``."""
    from browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def home():
    """The address at which the built book is served."""
    from browser import served

    with served() as address:
        yield address


@pytest.fixture(scope="session")
def axe():
    """axe-core's script, from its npm package."""
    from browser import axe_script

    return axe_script()


def pytest_terminal_summary(terminalreporter):
    """After a run of the assignments' tests, what they proved; also written to book/_build/assignments/proof.md."""
    rows: dict[str, dict] = {}
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        given = dict(report.user_properties)
        if report.when == "call" and "assignment" in given:
            row = rows.setdefault(given["assignment"], {"wrong": [], "unusual": [], "reference": [], "untouched": []})
            row[given["kind"]].append(report.passed)
            row["seconds"] = given.get("seconds", row.get("seconds"))
    if not rows or any(row.get("seconds") is None for row in rows.values()):
        return
    lines = [
        "| assignment | reference | untouched | wrong: caught / tried | unusual: accepted / tried | seconds to grade |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in sorted(rows.items()):
        reference = "full marks" if all(row["reference"]) else "FAILED"
        untouched = "none" if all(row["untouched"]) else "FAILED"
        counts = [f"{sum(row[kind])} / {len(row[kind])}" for kind in ("wrong", "unusual")]
        lines.append(f"| {' | '.join([name, reference, untouched, *counts, row['seconds']])} |")
    table = "\n".join(lines) + "\n"
    place = Path(__file__).parents[1] / "book" / "_build" / "assignments"
    place.mkdir(parents=True, exist_ok=True)
    (place / "proof.md").write_text(table)
    terminalreporter.section("assignments")
    terminalreporter.write(table)
