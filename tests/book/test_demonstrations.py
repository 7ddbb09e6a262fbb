"""The demonstrations beside chapters' figures: their numbers against NumPy's, what they say, and who can use them."""

import contextlib
import gzip
import re
import shutil

import demonstrations
import numpy as np
import pytest
from browser import needs_browser, opened, served, still
from page_faults import axe_faults, layout_faults
from panels import BOOK, site_in
from playwright.sync_api import expect

from lrlib import Constant, Linear, RangeTest, WarmupStableDecay
from lrlib.course import tasks
from lrlib.course.pytorch import bench
from lrlib.finder import ladder

CHAPTERS = {page: places for page, places in demonstrations.PLACES.items() if page != "index"}
NAMES = [name for places in CHAPTERS.values() for name in places.values()]
FIRST, FIRST_PLACES = next(iter(CHAPTERS.items()))
each = pytest.mark.parametrize("name", NAMES)
# What train in the page, with words of their result.
TRAINED = {
    "batch_size": "mean held-out loss ends at",
    "cliff": "mean held-out accuracy ends at",
    "range_test": "The thin line is your own run.",
}
STARTED = ("batch_size", "cliff")  # by a button; the others change with their sliders
each_moved = pytest.mark.parametrize("name", [name for name in NAMES if name not in STARTED])


def title(section):
    """The title of a section, by its name."""
    return section.replace("-", " ").capitalize()


def chapter(places):
    """A page with three predictions, and the figures and sections that a chapter's demonstrations belong to."""
    questions, answers = ("".join(f"{n}. {text}\n" for n in (1, 2, 3)) for text in ("It is **a / b**.", "**a**: so."))
    parts = ["# A chapter\n", f"## Your prediction\n\n{questions}"]
    for name in places:
        if name == "your-prediction":
            continue
        if name.startswith("fig-"):
            parts.append(f"```{{figure}} front.png\n:name: {name}\n:alt: A figure\n\nCaption of {name}\n```\n")
        else:
            parts.append(f"## {title(name)}\n\nText of the section.\n")
    result = f"## The result\n\n**Your predictions:**\n\n{answers}"
    return "\n".join([*parts, "## Afterwards\n\nMore text.\n", result])


def build(folder, pages):
    """Build pages with demonstrations."""
    shutil.copyfile(BOOK / "_static" / "front.png", folder / "front.png")
    index = chapter(demonstrations.PLACES["index"]) + "\n```{toctree}\n:glob:\n*\n```\n"
    return site_in(folder, {"index": index, **pages}, ["demonstrations"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Small chapters with all demonstrations, and a page with none."""
    pages = {name: chapter(places) for name, places in CHAPTERS.items()}
    return build(tmp_path_factory.mktemp("site"), {**pages, "other": "# Another page\n\nText.\n"})


@pytest.fixture(scope="module", params=["http", "file"])
def address(request, site):
    """Where the site is: on a server, and as files."""
    with served(site) if request.param == "http" else contextlib.nullcontext(site.as_uri()) as place:
        yield place


@pytest.fixture(scope="module")
def home(site):
    with served(site) as place:
        yield place


def page_of(name):
    return next(f"{page}.html" for page, places in CHAPTERS.items() if name in places.values())


class Demonstration:
    """What the tests do with one of a page."""

    def __init__(self, page, name):
        self.page, self.name = page, name
        self.panel = page.locator(f"#demonstration-{name}")
        self.words = self.panel.locator("output")

    def set(self, label, value):
        """Move a slider to the value that it says."""
        found = self.panel.get_by_label(label, exact=True).evaluate(
            """(slider, value) => {
                for (slider.value = 0; ; slider.value = Number(slider.value) + 1) {
                    slider.dispatchEvent(new Event("input", { bubbles: true }));
                    if (slider.ariaValueText === value) return true;
                    if (slider.value === slider.max) return false;
                }
            }""",
            value,
        )
        assert found, f"{label} has no {value}"

    def drawn(self, chart=0):
        """The points of each line of a chart."""
        lines = self.panel.locator("svg.chart[role=img]").nth(chart).evaluate("(svg) => svg.drawn")
        return [np.array(line, float) for line in lines]

    def train(self, rate):
        """Press the button, and wait until the runs have ended."""
        self.set("Rate", rate)
        self.panel.get_by_role("button", name="Train ten seeds").click()
        self.says(f"At rate {rate} the mean")

    def press(self):
        """Press the only button, and wait until what it started has ended."""
        self.panel.get_by_role("button").click()
        self.says(TRAINED[self.name])

    def says(self, words):
        expect(self.words).to_contain_text(words)


# The next training never ends by itself: on a busy machine, else, a press from here comes when it is over.
HOLD = """() => {
    const { train } = Trainer.prototype;
    Trainer.prototype.train = async function (options, more) {
        Trainer.prototype.train = train;
        await train.call(this, options, more);
        return new Promise((_, reject) => more.signal.addEventListener("abort", () => reject(more.signal.reason)));
    };
}"""


@contextlib.contextmanager
def shown(browser, address, name, page=None, **options):
    """Open a demonstration: the only one of its name, or that of a page."""
    with opened(browser, address, f"{page}.html" if page else page_of(name), **options) as page:
        expect(page.locator(f"#demonstration-{name}")).to_be_visible()
        yield Demonstration(page, name)


@pytest.fixture(scope="module")
def tried(browser, home):
    """Give a function that opens a demonstration; each is opened once for the tests that only move its controls."""
    with contextlib.ExitStack() as stack:
        kept = {}

        def get(name):
            if name not in kept:
                kept[name] = stack.enter_context(shown(browser, home, name))
            return kept[name]

        yield get


# --- The extension ------------------------------------------------------------------------------------------------


def test_rates_are_computed_with_lrlib():
    shapes = demonstrations.of_one_weight()["shapes"]
    assert shapes["line"] == [Linear(1.0, 0.0, steps=100)(t) for t in range(100)]
    assert shapes["constant"] == [1.0] * 100
    fall = demonstrations.of_river()["fall"]
    assert demonstrations.of_cliff() == {"updates": 342}
    assert fall == [WarmupStableDecay(1.0, warmup=0, stable=0, decay=100)(t) for t in range(101)]


def test_scripts_hold_no_schedule_and_are_small():
    folder = BOOK / "_static" / "demonstrations"
    for name in (*NAMES, "own_run"):
        text = (folder / f"{name}.js").read_text(encoding="utf-8")
        assert "Math.PI" not in text.replace("(i * Math.PI) / 36", "")  # that one draws an ellipse
        assert len(gzip.compress(text.encode())) < 2_500, name
    shared = [(folder / f"demonstrations.{kind}").read_bytes() for kind in ("js", "css")]
    assert sum(len(gzip.compress(text)) for text in shared) < 4_500


def test_the_chapters_have_the_figures_and_the_book_has_the_extension():
    for page, places in CHAPTERS.items():
        text = (BOOK / "chapters" / f"{page}.py").read_text(encoding="utf-8")
        for name in places:
            assert f'"name": "{name}"' in text or re.search(f"^# ##+ {title(name)}$", text, re.M), name
    front = (BOOK / "index.md").read_text(encoding="utf-8")
    assert all(f":name: {name}\n" in front for name in demonstrations.PLACES["index"])
    assert "demonstrations: book/_ext" in (BOOK.parent / "_config.yml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_demonstration_without_its_figure_stops_the_build(tmp_path):
    pages = {FIRST: chapter(FIRST_PLACES).replace(next(iter(FIRST_PLACES)), "fig-another")}
    with pytest.raises(Exception, match=r"'fig-parabola', but learning_rate has no such place"):
        build(tmp_path, pages)


@pytest.mark.slow
def test_own_runs_without_their_prediction_stop_the_build(tmp_path):
    pages = {FIRST: re.sub(r"^3\. .*\n", "", chapter(FIRST_PLACES), flags=re.M)}
    with pytest.raises(Exception, match="prediction 3, but learning_rate has no such place"):
        build(tmp_path, pages)


@pytest.mark.slow
def test_places_follow_their_figures_and_only_their_pages_load_scripts(site):
    for page, places in demonstrations.PLACES.items():
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        for name, demonstration in places.items():
            after = html.index(f'id="demonstration-{demonstration}"')
            assert html.index(f'id="{name}"') < after < html.index('id="afterwards"')
        loaded = re.findall(r'src="_static/demonstrations/(\w+)\.js', html)
        own_runs = ["own_run"] if page in demonstrations.OWN_RUNS else []
        assert loaded[0] == "demonstrations" and sorted(loaded[1:]) == sorted([*places.values(), *own_runs])
        assert ("trainer/trainer.js" in html) == any(name in loaded for name in (*TRAINED, "own_run"))
        assert not re.findall(r'<script (?!defer)[^>]*src="_static/(?:demonstrations|chart|trainer)/', html)
    assert "demonstration" not in (site / "other.html").read_text(encoding="utf-8")


def test_a_figure_in_a_folded_cell_gets_it_after_the_cell_and_a_folded_section_within_the_fold():
    from docutils import nodes

    figure, after = nodes.figure(ids=["fig-a"]), nodes.paragraph()
    cell = nodes.container("", nodes.container("", figure, classes=["cell_output"]), classes=["cell"])
    section = nodes.section("", cell, after)
    new = nodes.comment()
    demonstrations.insert(figure, new)
    assert section.children == [cell, new, after]
    fold = nodes.container("", nodes.paragraph(), classes=["gives-away", "answers-1"])
    demonstrations.insert(nodes.section("", nodes.paragraph(), fold), new)
    assert fold.children[-1] is new


# --- Their numbers ------------------------------------------------------------------------------------------------


def descend(rate, momentum, curvature, start, updates):
    """Gradient descent with momentum: updates + 1 by weights."""
    weights, velocity = np.array(start, float), np.zeros(len(start))
    path = [weights]
    for _ in range(updates):
        velocity = momentum * velocity + np.array(curvature) * weights
        weights = weights - rate * velocity
        path.append(weights)
    return np.array(path)


def travel(rates, start, curvature, noise):
    """Mean and variance of a noisy weight after each update."""
    mean, square = [start], [0.0]
    for rate in rates:
        mean.append((1 - rate * curvature) * mean[-1])
        square.append((1 - rate * curvature) ** 2 * square[-1] + (rate * noise) ** 2)
    return np.array(mean), np.array(square)


@pytest.mark.slow
@needs_browser
class TestNumbers:
    @pytest.mark.parametrize(
        ("rate", "words"),
        [
            (
                "0.02",
                "multiplies the weight by 0.92. It slides down one side and creeps: after 20 updates it is 0.19 away",
            ),
            (
                "0.1",
                "multiplies the weight by 0.6. It slides down one side and settles: after 20 updates it is less than",
            ),
            ("0.25", "multiplies the weight by 0. It arrives at the first update."),
            ("0.4", "by −0.6. It jumps from side to side and settles"),
            ("0.48", "by −0.92. It jumps from side to side and closes in slowly: after 20 updates it is 0.19 away"),
            (
                "0.5",
                "by −1. It jumps from side to side for ever, and comes no closer. The limit for curvature 4 is 2/4 =",
            ),
            ("0.55", "by −1.2. It diverges: each jump lands farther out, and after 20 updates it is 38 away"),
        ],
    )
    def test_parabola(self, tried, rate, words):
        one = tried("parabola")
        one.set("Rate", rate)
        path = descend(float(rate), 0, [4], [1], 20)[:, 0]
        bowl, weights, _ = one.drawn(0)
        assert np.allclose(weights, np.stack([path, 2 * path**2], 1), rtol=1e-9, atol=1e-30)
        assert np.allclose(bowl[:, 1], 2 * bowl[:, 0] ** 2)
        distance = one.drawn(1)[1]
        assert np.allclose(distance[:, 1], abs(path), rtol=1e-9, atol=1e-30)
        one.says(words)

    @pytest.mark.parametrize(
        ("rate", "momentum", "words"),
        [
            ("0.09", "0", "2(1 + 0)/20 = 0.1. The rate is below it: after 40 updates the path is 0.23 away"),
            ("0.1", "0", "The rate is at the limit: the path jumps across the valley for ever."),
            ("0.105", "0", "The rate is above it: the path diverges, and after 40 updates it is 45 away."),
            ("0.12", "0", "it is more than 1,000 away."),
            (
                "0.12",
                "0.5",
                "2(1 + 0.5)/20 = 0.15. The rate is below it: after 40 updates the path is less than 0.001 away",
            ),
            ("0.19", "0.9", "The rate is at the limit"),
            ("0.195", "0.9", "2(1 + 0.9)/20 = 0.19. The rate is above it"),
        ],
    )
    def test_valley(self, tried, rate, momentum, words):
        one = tried("valley")
        one.set("Rate", rate)
        one.set("Momentum", momentum)
        path = descend(float(rate), float(momentum), [1, 20], [10, 1], 10_000 if "below" in words else 40)
        seen = one.drawn(0)[-1]
        assert np.allclose(seen, path[: len(seen)])
        assert len(seen) == 41 or abs(seen[-1, 1]) > 7  # it left
        distance = np.hypot(*path.T)
        assert np.allclose(one.drawn(1)[0][:, 1], distance[:41])
        one.says(words)
        if "below" in words:
            near = int(np.flatnonzero(distance > 0.1)[-1]) + 1
            one.says(f"from update {near} on it stays within 0.1")

    @pytest.mark.parametrize("kind", ["constant", "line to zero"])
    @pytest.mark.parametrize("rate", ["0.01", "0.3", "1.5"])
    def test_one_weight(self, tried, kind, rate):
        one = tried("one_weight")
        one.set("First rate", rate)
        one.panel.get_by_label(kind).check()
        rates = np.array([(Linear(1, 0, steps=100) if kind != "constant" else Constant(1))(t) for t in range(100)])
        mean, variance = travel(float(rate) * rates, 10, 1, 4)
        expected = mean[-1] ** 2 + variance[-1]
        one.says(f"the formula says {expected:#.2g}")
        found = float(re.search(r"of these runs is ([\d.]+);", one.words.inner_text())[1])
        assert abs(found / expected - 1) < 0.35  # 200 runs
        low = one.drawn()[1]
        runs = np.stack([line[:, 1] for line in one.drawn()[2:]], 1)
        assert low[0, 1] == 10 and runs.shape == (101, 6)
        assert (abs(runs - mean[:, None]) <= 5 * np.sqrt(variance)[:, None] + 1e-9).all()
        assert (abs(low[:, 1] - (mean - 1.645 * np.sqrt(variance))) <= 0.6 * np.sqrt(variance) + 1e-9).all()

    def test_the_best_rates_are_the_chapters(self, tried):
        text = (BOOK / "chapters" / "why_decay.ipynb").read_text(encoding="utf-8")
        printed = re.search(
            r"The best constant rate is ([\d.]+) and leaves a mean squared distance of ([\d.]+)\. The best line starts "
            r"more than twice as high, from ([\d.]+), and leaves ([\d.]+),",
            text,
        )
        constant, left, line, less = printed.groups()
        tried("one_weight").says(
            f"The best constant rate, {constant}, leaves {left}; the best line, from {line}, leaves {less}."
        )

    def test_noise_is_the_same_each_time_until_other_is_drawn(self, browser, tried, home):
        with shown(browser, home, "one_weight") as one:
            first = one.drawn()
            other = one.panel.get_by_role("button", name="Other noise")
            other.click()
            second = one.drawn()
            assert not np.array_equal(first[1], second[1])
        with shown(browser, home, "one_weight") as one:
            assert all(map(np.array_equal, one.drawn(), first))
            one.panel.get_by_role("button", name="Other noise").click()
            assert all(map(np.array_equal, one.drawn(), second))

    def test_its_random_numbers_are_standard_normal(self, tried):
        script = "() => { const next = demonstration.normals(7); return Array.from({ length: 40000 }, next); }"
        numbers = np.array(tried("one_weight").page.evaluate(script))
        assert abs(numbers.mean()) < 0.02 and abs(numbers.var() - 1) < 0.03
        assert abs(np.mean(abs(numbers) < 1) - 0.6827) < 0.01 and 3.5 < abs(numbers).max() < 6
        assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.02

    @pytest.mark.parametrize("begin", [0, 370, 800, 990, 1000])
    def test_river(self, tried, begin):
        one = tried("river")
        one.set("The fall begins at update", {1000: "1,000 (never)"}.get(begin, str(begin)))

        def ways(begin):
            schedule = WarmupStableDecay(0.08, warmup=0, stable=begin, decay=1000 - begin)
            parts = [travel(schedule(np.arange(1000)), *weight) for weight in ((-10, 0.02, 0.3), (1, 20, 3))]
            loss = sum(c / 2 * (m**2 + v) for (m, v), c in zip(parts, (0.02, 20), strict=True))
            return loss, parts[0][0] + 10

        loss, come = ways(begin)
        assert np.allclose(one.drawn(0)[1][:, 1], loss, rtol=1e-9)
        assert np.allclose(one.drawn(1)[1][:, 1], come, rtol=1e-9)
        assert np.allclose(one.drawn(0)[0][:, 1], ways(1000)[0], rtol=1e-9)
        one.says(f"the mean loss is {float(f'{loss[-1]:.2g}'):g}, and the runs have come {come[-1]:.1f} of 10")
        ends = {b: ways(b)[0][-1] for b in range(0, 1001, 10)}
        best = min(ends, key=ends.get)
        one.says(f"lowest, at {ends[best]:.2g}, when the fall begins at update {best}.")

    def test_river_is_the_chapters_valley(self):
        """What its 2,000 runs ended with, to within their spread."""
        text = (BOOK / "chapters" / "why_decay.ipynb").read_text(encoding="utf-8")
        printed = re.search(r"The loss falls by ([\d.]+), to ([\d.]+), although", text)
        schedule = WarmupStableDecay(0.08, warmup=0, stable=800, decay=200)
        parts = [travel(schedule(np.arange(1000)), *weight) for weight in ((-10, 0.02, 0.3), (1, 20, 3))]
        loss = sum(c / 2 * (m**2 + v) for (m, v), c in zip(parts, (0.02, 20), strict=True))
        assert abs(loss[-1] - float(printed[2])) < 0.01
        assert abs(loss[800] - loss[1000] - float(printed[1])) < 0.05


@pytest.mark.slow
@needs_browser
class TestCliff:
    def test_what_it_draws_is_what_the_trainer_measures(self, tried):
        one = tried("cliff")
        expect(one.panel.locator(".demonstration-charts")).to_be_hidden()
        one.train("0.3")
        images, seeds = tasks.images("digits", range(10)), range(10)
        cliff, accuracies, alive = tasks.bench("digits", "plain", Constant(0.3), "pytorch", seeds), [], []

        def look(_):
            accuracies.append(cliff.evaluate(*images.watched)[1])
            weight, bias, *_ = cliff.weights()
            alive.append((images.watched[0] @ weight + bias > 0).any(1).sum(1))

        cliff.train(images.x, images.y, tasks.orders("digits", images.rows, 9, seeds), range(9, 343, 9), look)
        for chart, theirs, close in ((0, accuracies, 0.34), (1, alive, 1)):
            lines = one.drawn(chart)
            assert len(lines) == 11 and all((line[:, 0] == range(9, 343, 9)).all() for line in lines)
            ours = np.stack([line[:, 1] for line in lines], 1)
            assert np.abs(ours[:11, :10] - np.array(theirs)[:11]).max() <= close  # later, rounding has grown
            assert np.allclose(ours[:, 10], ours[:, :10].mean(1))
        end = one.drawn(0)[-1][-1, 1], one.drawn(1)[-1][-1, 1]
        one.says(f"ends at {end[0]:.2g} %, and {end[1]:.2g} of 32 hidden units are alive; every seed does better")

    def test_below_the_cliff_it_learns_and_above_it_the_units_die(self, tried):
        one = tried("cliff")
        one.train("1")
        one.says("every seed does better than guessing")
        accuracy, alive = (one.drawn(chart)[-1][-1, 1] for chart in (0, 1))
        assert accuracy > 85 and alive > 15
        one.train("2")
        one.says("no seed does better than guessing. Dashed: rate 1, before.")
        before, mean = one.drawn(1)[-2:]
        assert before[-1, 1] == alive and mean[-1, 1] < 4 and one.drawn(0)[-1][-1, 1] < 15

    def test_by_keyboard_it_trains_and_stops(self, browser, home):
        with shown(browser, home, "cliff") as one:
            one.panel.get_by_role("slider").focus()
            one.page.keyboard.press("ArrowRight")
            one.says("Nothing is trained yet.")
            one.page.keyboard.press("Tab")
            expect(one.panel.get_by_role("button")).to_be_focused()
            one.page.evaluate(HOLD)
            one.page.keyboard.press("Enter")
            one.page.wait_for_function("document.querySelector('#demonstration-cliff svg[role=img]')?.drawn?.length")
            one.page.keyboard.press("Enter")
            one.says("The training was stopped.")
            expect(one.panel.get_by_role("button")).to_have_text("Train ten seeds")
            one.page.keyboard.press("Enter")
            one.says("At rate 1.2 the mean held-out accuracy ends at")
            assert "Dashed" not in one.words.inner_text()  # a run that was stopped is none

    def test_it_says_why_it_could_not_train(self, browser, site, home):
        there = site / "_static" / "trainer" / "digits.js"
        away = there.rename(f"{there}.away")
        try:
            with shown(browser, home, "cliff") as one:
                one.panel.get_by_role("button").click()
                one.says("The training failed: digits.js could not be loaded.")
                away.rename(there)
                one.panel.get_by_role("button").click()
                one.says("At rate 1 the mean")
        finally:
            if away.exists():
                away.rename(there)


def faults_of(one, axe, width):
    """What keeps somebody from using a demonstration: layout, what axe finds, light and dark, the page's complaints."""
    faults = layout_faults(one.page)
    for scheme in ("light", "dark"):
        one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        still(one.page)
        faults += [f"{scheme}: {fault}" for fault in axe_faults(one.page, axe, f"#demonstration-{one.name}")]
    inside = one.panel.bounding_box()
    if inside["x"] < 0 or inside["x"] + inside["width"] > width:
        faults.append(f"it is wider than the page: {inside}")
    return faults + one.page.watch.faults()


@pytest.mark.slow
@needs_browser
class TestRangeTest:
    @pytest.mark.parametrize("updates, seed", [(50, 0), (50, 7), (100, 3), (300, 9)])
    def test_lrlib_reads_the_same_from_what_is_trained_here(self, tried, updates, seed):
        one = tried("range_test")
        one.set("Updates of the sweep", str(updates))
        one.set("Seed", str(seed))
        one.panel.get_by_role("button").click()
        expect(one.panel.get_by_role("button")).to_have_text("Run the sweep")  # "Stop" while it runs
        one.says("The thin line is your own run.")
        [band, run, smoothed, *suggestion] = one.drawn()
        assert np.allclose(run[:, 0], ladder(*demonstrations.RANGE, updates))
        sweep = RangeTest(run[:, 0].tolist(), run[:, 1].tolist())
        found = sweep.suggest(demonstrations.RULE)
        if found.lr is None:
            assert not suggestion and not len(smoothed)
            one.says(f"The curve supports no rate: {found.reason}.")
        else:
            assert suggestion[0][:, 0] == pytest.approx(found.lr, rel=5e-3)
            assert band[0, 0] <= suggestion[0][0, 0] <= band[1, 0]
            theirs = np.interp(np.log(smoothed[:, 0]), np.log(sweep.smoothed()[0]), sweep.smoothed()[1])
            assert np.abs(smoothed[:, 1] - theirs).max() < 0.02
            one.says(f"Seed {seed}, {updates} updates. The loss falls most steeply at {found.lr:.2g}.")

    def test_another_sweep_ends_the_one_before(self, browser, home):
        with shown(browser, home, "range_test") as one:
            one.panel.get_by_role("button").click()
            one.set("Seed", "4")
            one.says("Seed 4, 300 updates.")
            expect(one.panel.get_by_role("button")).to_have_text("Run the sweep")
            assert len(one.drawn()[1]) == 0
            one.panel.get_by_role("button").click()
            one.says("The thin line is your own run.")
            assert len(one.drawn()[1]) == 300 and one.page.watch.faults() == []


def trained(rate, epochs, seeds, batch=32, momentum=0.0):
    """By PyTorch: training losses, updates × seeds, and the mean held-out loss after each epoch."""
    images, model, held_out = tasks.images("digits", seeds), tasks.torch_network("digits", seeds), []
    optimizer = tasks.torch_optimizer(model, "sgd" if momentum else "plain")
    bound = bench(model, optimizer, Constant(rate))
    order = tasks.orders("digits", images.rows, epochs, seeds, batch)
    ends = range(len(order) // epochs, len(order) + 1, len(order) // epochs)

    def look(_):
        held_out.append(bound.evaluate(*images.watched)[0])

    return bound.train(images.x, images.y, order, ends, look).losses, np.mean(held_out, 1)


@pytest.mark.slow
@needs_browser
class TestBatchSize:
    def test_what_it_draws_is_pytorchs_and_the_line_is_the_rule(self, browser, home):
        with shown(browser, home, "batch_size") as one:
            expect(one.panel.locator(".demonstration-charts")).to_be_hidden()
            for number, (batch, rate) in enumerate(((32, 0.08), (128, 0.32))):
                one.set("Batch", str(batch))
                one.set("Rate", str(rate))
                one.panel.get_by_role("button").click()
                one.says(f"Batch {batch} at rate {rate}: the mean held-out loss ends at")
                *_, mean = one.drawn(0)
                _, theirs = trained(rate, 9, range(10), batch)
                assert (mean[:, 0] == range(1, 10)).all() and np.abs(mean[:, 1] - theirs).max() < 2e-3
                one.says(f"{mean[-1, 1]:.2g}; rate / batch is 0.0025.".removeprefix("0"))
                one.page.wait_for_function(
                    "document.querySelectorAll('#demonstration-batch_size svg[role=img]')[1].drawn"
                )
                line, *dots = one.drawn(1)
                assert line[:, 1] == pytest.approx(0.0025 * line[:, 0])
                assert [dot.tolist() for dot in dots] == [[[32, 0.08]], [[128, 0.32]]][: number + 1]
            one.says("Before: Batch 32 at rate 0.08")
            one.set("Rate", "2.56")
            one.panel.get_by_role("button").click()
            one.says("seeds ended no better than guessing.")


OWN_RUNS = [(page, number) for page, asked in demonstrations.OWN_RUNS.items() for number in asked]


def answered(page, number):
    """What the chapter answers to its prediction, as its notebook says."""
    text = (BOOK / "chapters" / f"{page}.ipynb").read_text(encoding="utf-8")
    return re.search(rf"prediction {number}: ([^\\\"]+)", text)[1]


@pytest.mark.slow
@needs_browser
class TestOwnRuns:
    @pytest.mark.parametrize("page, number", OWN_RUNS)
    def test_it_is_pytorchs_and_answers_as_the_chapter_does(self, browser, home, page, number):
        asked = demonstrations.OWN_RUNS[page][number]
        with shown(browser, home, f"prediction-{number}", page) as one:
            expect(one.page.locator(f".questions.prediction > li:nth-child({number}) > .demonstration")).to_be_visible()
            one.panel.get_by_role("button").click()
            one.says(f"own runs train on {asked.images:,} images, these on 1,197.")
            lines, words = one.drawn(), one.words.inner_text()
            assert one.page.watch.faults() == []
        ends = []
        for line, (label, setting) in zip(lines, asked.settings.items(), strict=True):
            losses, _ = trained(setting.rate, asked.epochs, range(3), setting.batch, setting.momentum)
            theirs = losses.reshape(asked.epochs, -1, 3).mean((1, 2))
            assert (line[:, 0] == range(1, asked.epochs + 1)).all()
            if setting.rate <= 0.32:  # above, rounding grows
                assert np.abs(np.log(line[:, 1] / theirs)).max() < 0.02
            ends.append(line[-1, 1])
            assert f"{label}: {ends[-1]:.2g}" in words
        times = np.array(ends) / ends[0]
        same = [label for label, ratio in zip(asked.settings, times, strict=True) if abs(ratio - 1) < 0.1]
        found = {
            ("learning_rate", 2): 9 < times[1] < 12 and "about ten times higher",
            ("learning_rate", 3): "3 of 3 seeds end guessing; no loss became infinite" in words
            and "stays finite, and nothing is learnt",
            ("momentum_and_noise", 1): same[1:] == ["Batch 256 at rate 0.32"] and "eight times as large",
            ("momentum_and_noise", 2): same[1:] == ["Momentum 0.9 at rate 0.016"] and "divided by ten",
        }
        assert found[page, number] == answered(page, number)

    def test_it_leaves_the_question_and_its_fold_as_they_are(self, browser, home):
        with shown(browser, home, "prediction-2", "learning_rate") as one:
            one.panel.get_by_role("button").click()
            one.says("own runs train on")
            expect(one.page.locator("#the-result")).to_be_hidden()
            expect(one.page.locator(".prediction-status")).to_contain_text("0 of 3 answered")
            for n in (1, 2, 3):
                one.page.get_by_role("radio", name="a", exact=True).nth(n - 1).check()
            expect(one.page.locator("#the-result")).to_be_visible()
            assert one.words.inner_text()

    @pytest.mark.parametrize("width", [360, 1440])
    def test_anyone_can_use_it(self, browser, home, axe, width):
        with shown(browser, home, "prediction-3", "learning_rate", width=width) as one:
            one.panel.get_by_role("button").press("Enter")
            one.says("own runs train on")
            assert faults_of(one, axe, width) == []

    def test_from_a_file_and_without_javascript_or_on_paper(self, browser, site):
        with shown(browser, site.as_uri(), "prediction-2", "momentum_and_noise") as one:
            one.panel.get_by_role("button").click()
            one.says("own runs train on")
            assert one.page.watch.faults() == []
            one.page.emulate_media(media="print")
            expect(one.panel).to_be_hidden()
        with opened(browser, site.as_uri(), "momentum_and_noise.html", java_script_enabled=False) as page:
            expect(page.locator("#demonstration-prediction-2")).to_be_hidden()

    def test_it_can_be_stopped_and_says_what_failed(self, browser, site, home):
        there = site / "_static" / "trainer" / "digits.js"
        away = there.rename(f"{there}.away")
        try:
            with shown(browser, home, "prediction-3", "learning_rate") as one:
                button = one.panel.get_by_role("button")
                button.click()
                one.says("The training failed: digits.js could not be loaded.")
                away.rename(there)
                one.page.evaluate(HOLD)
                button.press("Enter")
                expect(button).to_have_text("Stop")
                button.press("Enter")
                one.says("The training was stopped.")
                expect(button).to_have_text("Train it here")
        finally:
            if away.exists():
                away.rename(there)


# --- In the page --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_browser
class TestPage:
    @each
    def test_it_works_where_the_page_is_opened(self, browser, address, name):
        with shown(browser, address, name) as one:
            if name in TRAINED:
                assert not any("core.js" in url or "digits.js" in url for url in one.page.watch.requested)
                one.press()
            assert one.words.inner_text() and one.drawn()
            assert one.page.watch.faults() == []

    @each
    @pytest.mark.parametrize("width", [360, 1440])
    def test_anyone_can_use_it(self, browser, home, axe, name, width):
        with shown(browser, home, name, width=width) as one:
            if name in TRAINED:
                one.press()
            assert faults_of(one, axe, width) == []

    @each_moved
    def test_by_keyboard_alone(self, browser, home, name):
        with shown(browser, home, name) as one:
            slider = one.panel.get_by_role("slider").first
            slider.focus()
            before = slider.get_attribute("aria-valuetext"), one.drawn(), one.words.inner_text()
            for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft"):
                one.page.keyboard.press(key)
            expect(slider).not_to_have_attribute("aria-valuetext", before[0])
            expect(one.words).not_to_have_text(before[2])
            changed = [
                not np.array_equal(*lines, equal_nan=True) for lines in zip(before[1], one.drawn(), strict=False)
            ]
            assert any(changed)
            stops = one.panel.locator("input:not([type=radio]), input:checked, button")
            for i in range(1, stops.count()):
                one.page.keyboard.press("Tab")
                expect(stops.nth(i)).to_be_focused()
            assert one.panel.locator("input").evaluate_all("all => all.every((e) => e.labels.length === 1)")

    @each_moved
    def test_words_change_only_when_the_reader_rests(self, browser, home, name):
        with shown(browser, home, name) as one:
            one.page.clock.install()
            one.page.clock.pause_at(one.page.evaluate("Date.now() + 1000"))  # on a busy machine no time passes either
            slider = one.panel.get_by_role("slider").first
            slider.focus()
            said = one.words.inner_text()
            for _ in range(5):
                one.page.keyboard.press("ArrowLeft")
                one.page.clock.run_for(100)
                assert one.words.inner_text() == said
            one.page.clock.run_for(500)
            expect(one.words).not_to_have_text(said)

    @each
    def test_nothing_moves_by_itself(self, browser, home, name):
        with shown(browser, home, name, reduced_motion="reduce") as one:
            one.page.clock.install()  # before the page is loaded: all its timers are of this clock
            one.page.reload()
            expect(one.panel).to_be_visible()
            one.page.clock.run_for(100)  # the first drawing
            one.panel.evaluate(
                """(panel) => {
                    const watch = { subtree: true, childList: true, attributes: true, characterData: true };
                    window.changes = [];
                    new MutationObserver((all) => window.changes.push(...all)).observe(panel, watch);
                }"""
            )
            one.page.clock.run_for(10_000)
            assert one.page.evaluate("window.changes.map((one) => one.target.nodeName)") == []
            assert one.panel.evaluate("(panel) => panel.getAnimations({ subtree: true }).length") == 0

    @each
    def test_without_javascript_and_on_paper_nothing_shows(self, browser, home, name):
        with opened(browser, home, page_of(name), java_script_enabled=False) as page:
            panel = page.locator(f"#demonstration-{name}")
            assert panel.count() == 1 and not panel.is_visible() and panel.inner_text() == ""
        with shown(browser, home, name) as one:
            one.page.emulate_media(media="print")
            expect(one.panel).to_be_hidden()

    @each_moved
    def test_a_change_costs_little(self, browser, home, name):
        """A redraw takes less of the page's time than ten sorts of 100,000 numbers, tens of milliseconds."""
        with shown(browser, home, name) as one:
            times = one.panel.get_by_role("slider").first.evaluate(
                """(slider) => {
                    const least = (work) => Math.min(...[1, 2, 3, 4, 5].map(() => {
                        const began = performance.now();
                        work();
                        return performance.now() - began;
                    }));
                    const numbers = Array.from({ length: 100_000 }, (_, i) => Math.sin(i));
                    const move = () => {
                        slider.value = slider.value === slider.min ? slider.max : slider.min;
                        slider.dispatchEvent(new Event("input"));
                    };
                    const sort = () => {
                        for (let i = 0; i < 10; i += 1) Float64Array.from(numbers).sort();
                    };
                    return [least(move), least(sort)];
                }"""
            )
            assert times[0] < times[1]
