"""The training panel: what it draws and foretells, what training in it gives, links, and what it refuses."""

import contextlib
import json
import re
from urllib.parse import quote, unquote

import explorer
import numpy as np
import panels
import pytest
import trainer_data
from browser import needs_browser, opened, served, still
from panels import BOOK, site_in
from playwright.sync_api import expect

from lrlib import from_dict
from lrlib.course import stats, tasks
from lrlib.course.experiments import foretold
from lrlib.course.experiments.equal_budget import schedules
from lrlib.course.prediction import expected_loss
from lrlib.course.training import all_finite

UPDATES = trainer_data.UPDATES
SEEDS = range(trainer_data.SEEDS)
SCRIPT = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
LINE = {"name": "linear", "factor": 0.1}


def link(rows=(LINE,), **others):
    return json.dumps({"rows": list(rows), **others})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The panel's page in the book's theme, without the explorer."""
    return site_in(
        tmp_path_factory.mktemp("site"), {"index": "# Train\n\n```{training-panel}\n```\n"}, ["training_panel"]
    )


@pytest.fixture(scope="module")
def home(site):
    with served(site) as address:
        yield address


class Panel(panels.Panel):
    """What the tests do with the page."""

    prefix, link = "training", "t"

    def train(self):
        self.part("train").click()
        expect(self.part("state")).to_contain_text("Trained")

    def table(self):
        rows = self.part("table").locator("tr").all()
        return [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]


@contextlib.contextmanager
def panel(browser, home, path="index.html", **options):
    with opened(browser, home, path, **options) as page:
        yield Panel(page)


def trained(schedule):
    """Held-out losses at the marks and test accuracies of the seeds, by the course's PyTorch bench."""
    images, losses = tasks.images("digits", SEEDS), []
    bench = tasks.bench("digits", "sgd", schedule, "pytorch", SEEDS)
    order = tasks.orders("digits", images.rows, 9, SEEDS)[:UPDATES]
    marks = foretold.Setting("digits", "sgd", foretold.FITTED[0]).marks
    history = bench.train(images.x, images.y, order, marks, lambda _: losses.append(bench.evaluate(*images.watched)[0]))
    assert all_finite(history.losses)
    return np.transpose(losses), np.array(bench.evaluate(*images.tested)[1])


# --- What it is given ---------------------------------------------------------------------------------------------


def task():
    text = trainer_data.task_script()
    return json.loads(text.removeprefix("globalThis.trainerTask = ").removesuffix(";\n"))


def test_the_schedules_are_lrlibs_and_each_has_a_label():
    named = task()["schedules"]
    assert list(named) == list(schedules(1.0, UPDATES)) and len({one["label"] for one in named.values()}) == len(named)
    for name, schedule in schedules(1.0, UPDATES).items():
        assert named[name]["rates"] == [schedule(t) for t in range(UPDATES)]
        assert from_dict(named[name]["state"]) == schedule


def test_the_law_is_fitted_on_two_runs_and_its_error_is_that_of_the_others():
    law, error = trainer_data.law()
    assert len(law.without) == foretold.SEEDS["digits"]["pytorch"]
    shapes = (*foretold.FITTED, *foretold.UNSEEN)
    losses = foretold.losses("digits", "sgd", shapes, "pytorch")
    said = foretold.foretold("digits", "sgd", losses, foretold.UNSEEN, "law")
    found = np.array([losses[shape.name][:, -1].mean() for shape in foretold.UNSEEN])
    assert error == pytest.approx(np.median(np.abs(np.log(said / found))))


def test_the_pages_say_what_is_trained():
    explorer, challenge = (
        " ".join((BOOK / f"{name}.md").read_text("utf-8").split()) for name in ("explorer", "challenge")
    )
    inputs, hidden, _ = tasks.PERCEPTRONS["digits"]
    assert f"{inputs} inputs, {hidden} hidden units, {UPDATES} updates" in explorer and "ten networks" in explorer
    assert f"{UPDATES} updates, ten seeds" in challenge and trainer_data.SEEDS == 10


# --- In the page --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_browser
class TestLinearRegression:
    """The panel's other model, whose expected loss is exact."""

    ROWS = ({"name": "constant", "factor": 0.3}, {"name": "linear", "factor": 0.3}, {"name": "sgdr", "factor": 0.05})

    def test_the_expected_loss_is_lrlibs(self, browser, home):
        x, y = trainer_data.linear_problem()
        with panel(browser, home, f"index.html#t={quote(link(self.ROWS, model='linear'))}") as page:
            drawn = page.drawn("losses")
            expect(page.part("law")).to_contain_text(f"with {x.shape[1]} weights")
            expect(page.part("law")).to_contain_text(f"batches of {trainer_data.LINEAR_BATCH} random rows")
            for name in ("momentum", "rule"):
                expect(page.part(name)).to_be_disabled()
        for points, row in zip(drawn, self.ROWS, strict=True):
            rates = schedules(row["factor"], UPDATES)[row["name"]](np.arange(UPDATES))
            expected = expected_loss(x, y, rates, trainer_data.LINEAR_BATCH)
            assert points[:, 1] == pytest.approx(expected[points[:, 0].astype(int)], rel=1e-9)

    def test_seeds_scatter_about_it(self, browser, home):
        with panel(browser, home, f"index.html#t={quote(link(self.ROWS, model='linear'))}") as page:
            expected = page.drawn("losses")
            page.train()
            expect(page.part("results")).to_be_hidden()  # no accuracy
            measured, said = page.drawn("losses")[len(expected) :], page.part("state").inner_text()
            assert page.page.watch.faults() == []
        for number, (line, row) in enumerate(zip(expected, self.ROWS, strict=True)):
            *seeds, band, mean = measured[12 * number : 12 * number + 12]
            losses = np.array(seeds)[..., 1]
            assert mean[:, 1] == pytest.approx(losses.mean(0))
            half = stats.half_width(1.0, 10) * np.std(losses, ddof=1, axis=0)
            assert band[:, 1] == pytest.approx(losses.mean(0) - half)
            assert (np.abs(line[:, 1] - mean[:, 1]) < 2 * half).mean() > 0.9, row
            assert f"{number + 1}: " in said and f"expected {float(f'{line[-1, 1]:.4g}'):g}" in said
            assert len({tuple(one) for one in losses}) == 10

    def test_its_seeds_train_as_sgd_does(self, browser, home):
        x, y = trainer_data.linear_problem()
        script = """() => {
            const drawn = [0.1, 0.7, 0.99, 0.31, 0.5, 0.0, 0.83, 0.26];
            let next = 0;
            const random = { double: () => drawn[next++ % drawn.length] };
            return linearModel.train([0.2, 0.1, 0.05], [1, 2, 3], random);
        }"""
        with panel(browser, home) as page:
            losses = page.page.evaluate(script)
        weights = np.zeros(x.shape[1])
        rows = (np.array([0.1, 0.7, 0.99, 0.31, 0.5, 0.0, 0.83, 0.26]) * len(x)).astype(int)
        for rate, loss in zip((0.2, 0.1, 0.05), losses, strict=True):
            weights -= rate * x[rows].T @ (x[rows] @ weights - y[rows]) / len(rows)
            assert loss == pytest.approx(((x @ weights - y) ** 2).mean() / 2)

    @pytest.mark.parametrize("press, said", [("stop", "Loading …"), ("add", "mean rate")])
    def test_a_run_that_is_stopped_while_it_loads_draws_nothing(self, browser, home, press, said):
        held = []
        with panel(browser, home, f"index.html#t={quote(link(self.ROWS, model='linear'))}") as page:
            page.page.route("**/core.js", lambda route: held.append(route))
            with page.page.expect_request("**/core.js"):
                page.part("train").click()
            page.part(press).click()
            expect(page.part("state")).to_contain_text(said)
            held[0].continue_()
            expect(page.part("state")).to_have_text("Stopped.")
            expect(page.part("stop")).to_be_hidden()
            assert len(page.drawn("losses")) == len(self.ROWS) + (press == "add")  # what is expected
            page.train()

    def test_beyond_its_limit_it_says_so_and_a_link_restores_the_model(self, browser, home):
        with panel(browser, home) as page:
            page.part("model").select_option("linear")
            page.part("factor-0").fill("2")
            page.part("factor-0").press("Enter")
            page.train()
            expect(page.part("state")).to_contain_text(
                "1: Constant ends at more than a million, expected more than a million."
            )
            address = page.part("link").input_value()
        with panel(browser, home, address.removeprefix(f"{home}/")) as page:
            expect(page.part("model")).to_have_value("linear")


@pytest.mark.slow
@needs_browser
class TestPanel:
    @pytest.mark.parametrize("from_file", [False, True], ids=["http", "file"])
    def test_two_presses_train_a_run_of_ones_own(self, browser, site, home, from_file):
        with panel(browser, site.as_uri() if from_file else home) as page:
            before = len(page.page.watch.requested)
            page.train()
            asked = {url.rsplit("/", 1)[1] for url in page.page.watch.requested[before:] if not url.startswith("blob:")}
            assert asked == {"core.js", "digits.js"} and page.page.watch.faults() == []
            assert len(page.table()) == 2
            page.part("name-1").select_option("cosine")
            expect(page.part("results")).to_be_hidden()  # they belong to other schedules
            page.train()
            assert len(page.table()) == 2 and page.page.watch.faults() == []

    def test_what_is_drawn_and_told_is_what_the_course_gives(self, browser, home):
        rows = [{"name": "constant", "factor": 0.1}, {"name": "one-cycle", "factor": 0.2}]
        with panel(browser, home, f"index.html#t={quote(link(rows))}") as page:
            page.part("predict").click()  # no prediction is drawn
            drawn = page.drawn("rates")
            page.train()
            losses, table, said = page.drawn("losses"), page.table(), page.part("state").inner_text()
        ours = []
        for place, row in enumerate(rows):
            schedule = schedules(row["factor"], UPDATES)[row["name"]]
            assert np.abs(drawn[place][:, 1] - [schedule(t) for t in range(UPDATES)]).max() < 1e-15
            curves, accuracies = trained(schedule)
            thin, median = np.array(losses[11 * place : 11 * place + 10])[..., 1], losses[11 * place + 10][:, 1]
            assert np.abs(thin - curves)[:, :8].max() < 1e-3
            assert np.abs(median - np.median(thin, 0)).max() < 1e-9
            ours.append(accuracies)
            mean, low, high = map(float, re.findall(r"[\d.]+(?= %| to|\))", table[place][0]))
            assert abs(mean - accuracies.mean()) < 0.05  # a tenth of an image, and rounding
            assert high - low == pytest.approx(2 * stats.half_width(np.std(accuracies, ddof=1), 10), rel=0.1)
            assert table[place][2] == "0 of 10" and f"{mean:.2f} %" in said
        gain = float(table[1][1].split(" points")[0].replace("−", "-"))
        assert abs(gain - (ours[1] - ours[0]).mean()) < 0.05 and table[0][1] == "–"

    @pytest.mark.parametrize("name, factor", [("linear", 0.1), ("sgdr", 0.05), ("constant", 0.02)])
    def test_the_law_foretells_what_python_says(self, browser, home, name, factor):
        with panel(browser, home, f"index.html#t={quote(link([{'name': name, 'factor': factor}]))}") as page:
            band, line = page.drawn("losses")
            off = f"On {len(foretold.UNSEEN)} others its last loss was {100 * trainer_data.law()[1]:.0f} % off"
            expect(page.part("law")).to_contain_text(off)
            page.part("momentum").select_option("0.5")
            expect(page.part("law")).to_contain_text("fitted on runs with momentum 0.9")
            expect(page.part("losses")).to_have_attribute("data-empty", "")
        law, _ = trainer_data.law()
        rates, at = schedules(factor, UPDATES)[name](np.arange(UPDATES)), line[:, 0].astype(int)
        assert line[:, 1] == pytest.approx(law.predict(rates, at), rel=1e-9)
        assert band[:, 1] == pytest.approx(law.interval(rates, at)[0], rel=1e-9)

    def test_runs_beyond_the_limit_are_counted_as_lost(self, browser, home):
        with panel(browser, home, f"index.html#t={quote(link([{'name': 'constant', 'factor': 3}]))}") as page:
            page.train()
            [[_, _, lost, _]] = page.table()
            assert int(lost.split(" of ")[0]) > 5
            expect(page.part("state")).to_contain_text("runs lost")

    def test_a_press_gives_all_the_mean_rate_of_the_first(self, browser, home):
        with panel(browser, home) as page:
            page.part("add").click()
            page.part("level").click()
            expect(page.part("mean-1")).to_have_text(re.compile(r"mean rate 0\.(1|0999|1000)\d*$"))
            means = [points[:, 1].mean() for points in page.drawn("rates")]
            assert len(means) == 3 and means == pytest.approx([0.1] * 3, rel=1e-3)
            expect(page.part("add")).to_be_enabled()
            page.part("add").click()
            expect(page.part("add")).to_be_disabled()
            page.page.get_by_role("button", name="Remove schedule 2").click()
            expect(page.part("rows").locator("fieldset")).to_have_count(3)
            expect(page.part("add")).to_be_focused()

    def test_a_link_restores_all_of_it_and_trains_nothing_by_itself(self, browser, home):
        with panel(browser, home) as page:
            page.part("name-0").select_option("rex")
            page.part("factor-1").fill("0.25")
            page.part("factor-1").press("Enter")
            page.part("rule").select_option("keras")
            page.part("momentum").select_option("0.5")
            address, drawn = page.part("link").input_value(), page.drawn("rates")
            expect(page.page).to_have_url(address)
        with panel(browser, home, address.removeprefix(f"{home}/")) as page:
            assert [points.tolist() for points in page.drawn("rates")] == [points.tolist() for points in drawn]
            assert page.part("rule").input_value() == "keras" and page.part("momentum").input_value() == "0.5"
            assert not any(url.endswith("core.js") for url in page.page.watch.requested)

    def test_each_row_opens_in_the_explorer_as_the_panel_has_it(self, browser, home):
        with panel(browser, home) as page:
            page.part("factor-0").fill("0.3")
            page.part("factor-0").press("Enter")
            for name in schedules(1.0, UPDATES):
                page.part("name-0").select_option(name)
                state = unquote(page.part("open-0").get_attribute("href").removeprefix("#s="))
                answer = json.loads(explorer.answer(json.dumps({"read": state})))
                assert "refused" not in answer, answer
                drawn = page.drawn("rates")[0]
                points = np.array(answer["shown"]["points"]["schedule"])[:-1]  # without where it ends
                assert points.shape == drawn.shape and np.abs(points - drawn).max() < 1e-15, name
                assert answer["shown"]["facts"]["mean"] == pytest.approx(drawn[:, 1].mean()), name

    def test_a_run_can_be_stopped(self, browser, home):
        with panel(browser, home) as page:
            page.page.evaluate("""() => {
                const press = (name) => document.getElementById(`training-${name}`).click();
                const state = document.getElementById("training-state");
                new MutationObserver((_, observer) => {
                    if (!state.textContent.includes("updates.")) return;
                    observer.disconnect();
                    press("stop");
                }).observe(state, { childList: true, characterData: true, subtree: true });
                press("train");
            }""")
            expect(page.part("state")).to_have_text("Stopped.")
            expect(page.part("stop")).to_be_hidden()
            expect(page.part("results")).to_be_hidden()
            page.train()

    def test_a_link_to_unknown_rates_takes_away_the_lines_of_others(self, browser, home):
        with panel(browser, home) as page:
            assert len(page.drawn("rates")) == 2
            page.part("rates").hover()  # a cursor marks each line
            chart = page.part("rates").locator("svg.chart")
            expect(chart.locator("circle.cursor")).to_have_count(2)
            page.open_link(link([{"own": "{}", "factor": 1}]))
            expect(chart).to_have_attribute("aria-label", "No learning rates are known yet.")
            expect(chart.locator("*")).to_have_count(0)
            page.part("rates").hover(position={"x": 100, "y": 50})
            page.open_link(link())
            expect(chart).to_have_attribute("aria-label", re.compile(r"^Learning rates\. Line to zero: "))
            assert len(page.drawn("rates")) == 1 and page.page.watch.faults() == []

    @pytest.mark.parametrize(
        "text, words",
        {
            "no JSON": ("{", "holds no JSON"),
            "a list": ("[1]", "must hold an object"),
            "null": ("null", "must hold an object"),
            "no rows": ("{}", "1 to 4 schedules"),
            "too many": (link([LINE] * 5), "1 to 4 schedules"),
            "rows of text": (link("ab"), "must be an object"),
            "unknown": (link([{"name": SCRIPT, "factor": 1}]), "is not known; there are constant"),
            "prototype as name": (link([{"name": "__proto__", "factor": 1}]), "is not known"),
            "constructor": (link([{"name": "constructor", "factor": 1}]), "is not known"),
            "prototype": ('{"__proto__": {"polluted": 1}, "rows": []}', "is unknown"),
            "NaN": ('{"rows": [{"name": "linear", "factor": NaN}]}', "holds no JSON"),
            "1e999": ('{"rows": [{"name": "linear", "factor": 1e999}]}', "from 0.000001 to 1000"),
            "negative": (link([{"name": "linear", "factor": -1}]), "from 0.000001 to 1000"),
            "text as number": (link([{"name": "linear", "factor": "1"}]), "is a number from"),
            "momentum": (link(momentum=7), "The momentum is one of"),
            "rule": (link(rule=SCRIPT), "The rule is one of"),
            "model": (link(model=SCRIPT), "The model is one of"),
            "beside": (link(**{SCRIPT: 1}), "is unknown"),
            "own": (link([{"own": 7, "factor": 1}]), "is a text"),
            "own and named": (link([{"own": "{}", "name": "linear", "factor": 1}]), "is a text"),
            "long": (link([{"own": "x" * 50_000, "factor": 1}]), "too long"),
            "a megabyte": (" " * 1_000_000, "too long"),
        }.values(),
    )
    def test_hostile_links_are_refused_and_change_nothing(self, browser, home, text, words):
        with panel(browser, home) as page:
            before = page.part("link").input_value()
            page.open_link(text)
            expect(page.part("error")).to_contain_text(words)
            assert page.part("link").input_value() == before
            assert page.page.evaluate("[window.hacked, ({}).polluted]") == [None, None]
            assert page.page.locator("#training img, #training script").count() == 0
            page.page.evaluate("location.hash = 't=%E0%A4%A'")
            expect(page.part("error")).to_contain_text("cannot be decoded")
            page.open_link(link())
            expect(page.part("error")).to_have_text("")
            assert page.page.watch.faults() == []

    @pytest.mark.parametrize("typed", ["", "abc", "-1", "0", "NaN", "1e9", "Infinity"])
    def test_a_rate_that_is_none_is_refused_where_it_stands(self, browser, home, typed):
        with panel(browser, home) as page:
            before = [points.tolist() for points in page.drawn("rates")]
            page.part("factor-0").fill(typed)
            page.part("factor-0").press("Tab")
            expect(page.part("error")).to_have_text(f"A rate is a number from 0.000001 to 1000, got “{typed}”.")
            expect(page.part("factor-0")).to_have_attribute("aria-invalid", "true")
            assert [points.tolist() for points in page.drawn("rates")] == before
            page.part("factor-0").fill("0.3")
            page.part("factor-0").press("Tab")
            expect(page.part("error")).to_have_text("")
            expect(page.part("factor-0")).not_to_have_attribute("aria-invalid", "true")

    def test_the_keyboard_does_all(self, browser, home):
        with panel(browser, home) as page:
            slider = page.page.get_by_role("slider", name="Highest rate, slider (schedule 2)")
            slider.focus()
            expect(page.part("mean-1")).to_have_text("mean rate 0.05015")
            slider.press("ArrowRight")
            expect(page.part("mean-1")).not_to_have_text("mean rate 0.05015")
            page.part("train").focus()
            page.page.keyboard.press("Enter")
            expect(page.part("state")).to_contain_text("Trained")

    def test_without_javascript_it_says_so(self, browser, home):
        with panel(browser, home, java_script_enabled=False) as page:
            expect(page.part("why")).to_contain_text("needs JavaScript")
            expect(page.part("panel")).to_be_hidden()

    @pytest.mark.parametrize("width, mode", [(360, "dark"), (1440, "light")])
    def test_axe_finds_nothing(self, browser, home, axe, width, mode):
        with panel(browser, home, width=width, dark=mode == "dark") as page:
            page.train()
            page.part("factor-0").fill("x")
            page.part("factor-0").press("Tab")
            still(page.page)
            page.page.add_script_tag(content=axe)
            run = "axe.run('#training').then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
            assert page.page.evaluate(run) == []
            assert page.page.evaluate("document.documentElement.scrollWidth") <= width

    def test_the_page_answers_while_it_trains(self, browser, home):
        """Nine frames of ten come within a fifth of the time that the same training takes within the page itself."""
        with panel(browser, home) as page:
            page.train()  # all is loaded
            waits, alone = page.page.evaluate("""async () => {
                const { digits } = { digits: trainerCore().readDigits(trainerDigits) };
                const rates = trainerTask.schedules.linear.rates;
                const began = performance.now();
                const parts = trainerCore().training({ rates, marks: 30 }, digits);
                while (!parts.next().done);
                const alone = performance.now() - began;
                const waits = [];
                let last = performance.now();
                let going = true;
                const frame = (now) => { waits.push(now - last); last = now; if (going) requestAnimationFrame(frame); };
                requestAnimationFrame(frame);
                const state = document.getElementById("training-state");
                state.textContent = "";
                document.getElementById("training-train").click();
                await new Promise((resolve) => {
                    new MutationObserver(() => state.textContent.startsWith("Trained") && resolve()).observe(
                        state, { childList: true, characterData: true, subtree: true });
                });
                going = false;
                return [waits, alone];
            }""")
        assert len(waits) > 5 and sorted(waits)[len(waits) * 9 // 10] < alone / 5
