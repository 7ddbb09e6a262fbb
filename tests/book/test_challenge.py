"""The challenge: what is to beat, what a try gives, what the browser keeps, and what is done with damaged tries."""

import json
import re
import shutil

import challenge
import numpy as np
import pytest
from browser import needs_browser, opened, served, still
from page_faults import axe_faults
from panels import page_alone, site_in
from playwright.sync_api import expect
from test_site import built, project

from lrlib.course import samples, stats, store

TRY = {"name": "linear", "factor": 0.1, "accuracy": 90.5}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return site_in(tmp_path_factory.mktemp("site"), {"index": page_alone("challenge")}, ["challenge"])


@pytest.fixture(scope="module")
def home(site):
    with served(site) as address:
        yield address


def accuracies(name, factor, seeds):
    return np.array(challenge.trained(name, factor, seeds))


def signed(points):
    return f"{'−' if points < 0 else '+'}{abs(points):.2f}"


def attempt(page, name, factor):
    page.select_option("#challenge-name", name)
    page.fill("#challenge-factor", str(factor))
    page.click("#challenge-train")


def test_what_is_known_is_what_training_gives():
    best = challenge.known()[0]
    assert [np.mean(one.accuracies) for one in challenge.known()] == sorted(
        (np.mean(one.accuracies) for one in challenge.known()), reverse=True
    )
    again = accuracies(best.name, best.peak, challenge.STUDIED)
    assert np.abs(again - best.accuracies).max() < 100 / 300 * 1.01  # one image of 300


def test_the_fresh_seeds_chose_neither_side():
    every = [*challenge.STUDIED, *challenge.TRIED, *challenge.FRESH]
    assert len(set(every)) == len(every) == 30
    assert [min(challenge.STUDIED), max(challenge.STUDIED)] == [100, 109]  # whose stored runs `known` reads


def test_the_spread_of_differences_leaves_out_what_the_seeds_share(monkeypatch):
    random = np.random.default_rng(0)
    shared, own = random.normal(90, 5, 2000), random.normal(0, 0.5, (4, 2000))
    rows = [challenge.Known("linear", 0.1, tuple(row)) for row in shared + own]
    monkeypatch.setattr(challenge, "known", lambda: rows)
    assert challenge.paired_spread() == pytest.approx(0.5 * 2**0.5, rel=0.05)
    # Ten equal tries lead by what the best of ten means of such errors leads by: the shared part is none of it.
    lead = 1.5388 * 0.5 / challenge.SEEDS**0.5
    assert f"will lead by {lead:.1f} points" in challenge.luck() and "deviation of 5.0 points" in challenge.luck()


def test_the_lead_of_the_luckiest_is_that_of_the_highest_of_normal_numbers():
    assert challenge.lead(1.0, 1) == pytest.approx(0, abs=0.01)
    assert challenge.lead(1.0, 2) == pytest.approx(np.pi**-0.5, abs=0.01)
    assert challenge.lead(2.0, 10) == pytest.approx(2 * 1.5388, abs=0.02)


@pytest.mark.slow
def test_a_new_result_reaches_the_page(tmp_path, monkeypatch):
    results = tmp_path / "results"
    for folder in {path.parent for path in challenge.sources()}:
        shutil.copytree(folder, results / folder.name)
    monkeypatch.setattr(store, "results_folder", lambda: results)
    monkeypatch.setattr("trainer_data.write", lambda *_: None)  # reads what else is stored
    folder = project(tmp_path, known="# T\n\n```{challenge} known\n```")

    def known():
        challenge.known.cache_clear()
        samples.forget()
        return built(folder, "challenge")["known.html"].text

    try:
        before = known()
        best = next(path for path in challenge.sources() if path.stem.endswith(challenge.known()[0].name))
        best.write_text(re.sub('"test_accuracy": [0-9.]+', '"test_accuracy": 11.0', best.read_text()))
        assert "11.00 %" not in before and "11.00 %" in known()
    finally:
        challenge.known.cache_clear()
        samples.forget()


@pytest.mark.slow
@needs_browser
class TestPage:
    def test_a_try_is_scored_kept_and_looked_at_on_fresh_seeds(self, browser, home, site):
        with opened(browser, home, "index.html") as page:
            expect(page.locator("#challenge-tries")).to_be_hidden()
            for name, factor in (("constant", 0.02), ("linear", 0.1)):
                attempt(page, name, factor)
                ours = accuracies(name, factor, range(10)).mean()
                expect(page.locator("#challenge-table")).to_contain_text(f"{ours:.2f} %")
            rows = page.locator("#challenge-table tr")
            expect(rows.nth(0)).to_contain_text("Line to zero")
            page.reload()
            expect(rows).to_have_count(2)
            page.click("#challenge-fresh")
            best = challenge.known()[0]
            fresh, known = (accuracies(*one, challenge.FRESH) for one in (("linear", 0.1), (best.name, best.peak)))
            state = page.locator("#challenge-state")
            expect(state).to_contain_text(f"on fresh seeds: {fresh.mean():.2f} %, where seeds 0 to 9 gave")
            low, high = stats.interval(fresh - known)
            gained = f"{signed((fresh - known).mean())} points ({signed(low)} to {signed(high)})"
            expect(state).to_contain_text(f"Against the best known, seed by seed: {gained}.")
            page.click("#challenge-fresh")
            expect(page.locator("#challenge-state")).to_contain_text("looked at these seeds 2 times")
            page.click("#challenge-clear")
            expect(page.locator("#challenge-tries")).to_be_hidden()
            assert page.evaluate("localStorage.getItem('challenge-tries')") is None
            assert page.watch.faults() == []

    def test_what_is_to_beat_gains_nothing_on_itself(self, browser, home):
        best = challenge.known()[0]
        same = "Against the best known, seed by seed: +0.00 points (+0.00 to +0.00)."
        with opened(browser, home, "index.html") as page:
            state = page.locator("#challenge-state")
            attempt(page, best.name, best.peak)
            expect(state).to_contain_text(f"{same} Not there yet.")
            to_beat = page.locator("#challenge > p strong").inner_text().removeprefix("To beat: ")
            expect(page.locator("#challenge-table tr")).to_contain_text(to_beat)
            page.click("#challenge-fresh")
            expect(state).to_contain_text(f"{same} These seeds leave it open.")

    def test_its_buttons_are_held_while_it_trains(self, browser, home):
        held = []
        with opened(browser, home, "index.html") as page:
            page.evaluate("tries => localStorage.setItem('challenge-tries', tries)", json.dumps([TRY]))
            page.reload()
            page.route("**/core.js", lambda route: held.append(route))
            with page.expect_request("**/core.js"):
                page.press("#challenge-train", "Enter")
            for name in ("train", "fresh", "clear"):
                expect(page.locator(f"#challenge-{name}")).to_be_disabled()
            held[0].continue_()
            for name in ("train", "fresh", "clear"):
                expect(page.locator(f"#challenge-{name}")).to_be_enabled()
            expect(page.locator("#challenge-train")).to_be_focused()

    def test_tries_of_two_tabs_are_kept(self, browser, home):
        with opened(browser, home, "index.html") as page:
            page.evaluate("tries => localStorage.setItem('challenge-tries', tries)", json.dumps([TRY]))  # another tab's
            attempt(page, "constant", 0.02)
            expect(page.locator("#challenge-table tr")).to_have_count(2)
            page.evaluate("localStorage.removeItem('challenge-tries')")  # forgotten there, so forgotten here
            page.evaluate("dispatchEvent(new StorageEvent('storage', { key: 'challenge-tries' }))")
            expect(page.locator("#challenge-tries")).to_be_hidden()
            attempt(page, "constant", 0.1)
            expect(page.locator("#challenge-table tr")).to_have_count(1)

    @pytest.mark.parametrize(
        "kept, left",
        {
            "no JSON": ("{", 0),
            "no list": ('{"length": 3}', 0),
            "null": ("null", 0),
            "a megabyte": (json.dumps([TRY] * 20_000), 0),
            "some damaged": (
                json.dumps(
                    [
                        TRY,
                        None,
                        7,
                        {**TRY, "name": "<img src=x onerror=window.hacked=1>"},
                        {**TRY, "name": "__proto__"},
                        {**TRY, "name": ["linear"]},
                        {**TRY, "name": {"toString": 1, "valueOf": 1}},
                        {**TRY, "accuracy": 800},
                        {**TRY, "accuracy": "95"},
                        {**TRY, "factor": -1},
                        {**TRY, "factor": None},
                    ]
                ),
                1,
            ),
        }.values(),
    )
    def test_damaged_tries_are_left_out_and_run_nothing(self, browser, home, kept, left):
        with opened(browser, home, "index.html") as page:
            page.evaluate("text => localStorage.setItem('challenge-tries', text)", kept)
            page.reload()
            expect(page.locator("#challenge-panel")).to_be_visible()
            expect(page.locator("#challenge-table tr")).to_have_count(left)
            assert page.evaluate("[window.hacked, ({}).polluted]") == [None, None]
            assert page.locator("#challenge img").count() == 0 and page.watch.errors == []

    def test_from_a_file_and_where_nothing_can_be_kept_it_still_scores(self, browser, site):
        with opened(browser, site.as_uri(), "index.html") as page:
            page.add_init_script("""{
                const { setItem } = Storage.prototype;
                Storage.prototype.setItem = function (key, text) {
                    if (key.startsWith("challenge")) throw new Error("full");
                    setItem.call(this, key, text);
                };
            }""")
            page.reload()
            attempt(page, "linear", 0.1)
            expect(page.locator("#challenge-table tr")).to_have_count(1)
            assert page.watch.faults() == []

    @pytest.mark.parametrize("typed", ["", "x", "-1", "0", "1e9"])
    def test_a_rate_that_is_none_is_refused_where_it_stands(self, browser, home, typed):
        with opened(browser, home, "index.html") as page:
            attempt(page, "linear", typed)
            expect(page.locator("#challenge-error")).to_have_text(
                f"A rate is a number from 0.000001 to 1000, got “{typed}”."
            )
            expect(page.locator("#challenge-factor")).to_have_attribute("aria-invalid", "true")

    def test_without_javascript_what_is_known_stands(self, browser, home):
        with opened(browser, home, "index.html", java_script_enabled=False) as page:
            expect(page.locator("#challenge-why")).to_be_visible()
            expect(page.locator("#challenge-panel")).to_be_hidden()
            expect(page.get_by_role("row", name="Cosine to zero")).to_be_visible()

    @pytest.mark.parametrize("width, mode", [(360, "dark"), (1440, "light")])
    def test_axe_finds_nothing(self, browser, home, axe, width, mode):
        with opened(browser, home, "index.html", width=width, dark=mode == "dark") as page:
            attempt(page, "linear", 0.1)
            expect(page.locator("#challenge-table tr")).to_have_count(1)
            attempt(page, "linear", "x")
            expect(page.locator("#challenge-error")).not_to_have_text("")
            still(page)
            assert axe_faults(page, axe, "#challenge") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
