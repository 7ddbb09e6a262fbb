"""The trainer in the page: its numbers against NumPy's, PyTorch's and Keras's, what it refuses, and how it ends."""

import contextlib
import gzip
import json
import math
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trainer_data
from browser import needs_browser, opened, served
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from lrlib import Constant, Linear, Piecewise, Schedule
from lrlib.course import data, tasks
from lrlib.course.experiments.equal_budget import schedules
from lrlib.course.samples import level_of_chance

BOOK = Path(__file__).resolve().parents[2] / "book"
UPDATES = tasks.updates("digits", 9)
SEEDS = (0, 1, 2)
MANY = tuple(range(40))
PEAK = 0.1  # below the limit of stability: from about 0.3 on rounding grows
NAMES = ("constant", "linear", "cosine", "one-cycle", "wsd", "rex")
CLOSE = 1e-4
FIELDS = ("losses", "watched", "accuracies", "alive", "validation", "test", "lost")
IMAGE = 100 / 300  # of accuracy in percent
START = "() => { window.trainer = new Trainer(); return trainer.load(); }"
TRAIN = """async (options) => {
    const runs = await trainer.train(options);
    return runs.map((run) => ({ ...run, losses: Array.from(run.losses) }));
}"""


def site_in(folder):
    """Build a page with the trainer's files beside it; gives its folder."""
    shutil.copytree(BOOK / "_static" / "trainer", folder / "static" / "trainer")
    (folder / "index.rst").write_text("A page\n======\n", encoding="utf-8")
    config = {"extensions": ["trainer_data"], "html_theme": "basic", "html_static_path": ["static"]}
    config["html_favicon"] = str(BOOK / "_static" / "favicon.svg")  # else the browser asks for one in vain
    with docutils_namespace():
        Sphinx(folder, None, folder / "out", folder / "trees", "html", config, status=None, warningiserror=True).build()
    return folder / "out"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return site_in(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module", params=["http", "file"])
def address(request, site):
    """Where the site is: on a server, and as files."""
    with served(site) if request.param == "http" else contextlib.nullcontext(site.as_uri()) as place:
        yield place


@contextlib.contextmanager
def with_trainer(browser, address, **options):
    """A page that has the trainer's script, and has not asked it for anything."""
    with opened(browser, address, "index.html", **options) as page:
        page.add_script_tag(url=f"{address}/_static/trainer/trainer.js")
        yield page


@pytest.fixture(scope="module")
def started(browser, site):
    """A page with a trainer that is ready."""
    with served(site) as address, with_trainer(browser, address) as page:
        page.evaluate(START)
        yield page


def rates(schedule: Schedule, updates=UPDATES):
    return [schedule(t) for t in range(updates)]


def trained(page, schedule, seeds=SEEDS, updates=UPDATES, **options):
    """What the page's trainer gives: losses, seeds × updates, and its other fields, one a seed."""
    runs = page.evaluate(TRAIN, {"rates": rates(schedule, updates), "seeds": list(seeds), **options})
    return {key: np.array([run[key] for run in runs], float) for key in FIELDS}


def by_framework(bench, seeds, updates=UPDATES, batch=32):
    """What PyTorch or Keras gives, in the same form."""
    images = tasks.images("digits", seeds)
    order = tasks.orders("digits", images.rows, 9, seeds, batch)[:updates]
    losses = bench.train(images.x, images.y, order).losses.T
    validation, test = (np.array(bench.evaluate(*part)[1]) for part in (images.watched, images.tested))
    lost = ~np.isfinite(losses).all(1) | (test < level_of_chance(10, 300))
    return {"losses": losses, "validation": validation, "test": test, "lost": lost}


def by_pytorch(schedule, seeds=SEEDS, optimizer="sgd"):
    return by_framework(tasks.bench("digits", optimizer, schedule, "pytorch", seeds), seeds)


def assert_same(ours, theirs, updates):
    """The first losses are equal to rounding, and the accuracies to one image."""
    assert np.abs(ours["losses"] - theirs["losses"])[:, :updates].max() < CLOSE
    for part in ("validation", "test"):
        assert np.abs(ours[part] - theirs[part]).max() < IMAGE * 1.01, part
    assert (ours["lost"] == theirs["lost"]).all()


# --- The data -----------------------------------------------------------------------------------------------------


def test_the_data_are_scikit_learns_digits_and_small():
    script = trainer_data.digits_script()
    held = json.loads(script.removeprefix("globalThis.trainerDigits = ").removesuffix(";\n"))
    x, y = data.digits()
    pixels = np.array([int(letter, 17) for letter in held["pixels"]])
    assert (pixels.reshape(x.shape) == x).all() and list(map(int, held["labels"])) == y.tolist()
    assert len(gzip.compress(script.encode(), 6)) < 50_000


def test_two_builds_write_the_same_data(tmp_path, site):
    again = site_in(tmp_path) / "_static" / "trainer" / "digits.js"
    assert again.read_bytes() == (site / "_static" / "trainer" / "digits.js").read_bytes()


def test_the_book_is_built_with_them():
    assert "training_panel: book/_ext" in (BOOK.parent / "_config.yml").read_text(encoding="utf-8")


# --- Its numbers --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_browser
class TestNumbers:
    @pytest.mark.parametrize("seed", [0, 1, 9, 100, 139, 2**31 + 7, 2**32 - 1])
    def test_weights_and_batches_are_numpys(self, started, seed):
        read = """(seed) => {
            const { initial, split } = trainerCore();
            return [initial(seed), ...Object.values(split(seed, 9))].map((array) => Array.from(array));
        }"""
        weights, order, watched, tested = (np.array(array) for array in started.evaluate(read, seed))
        images = tasks.images("digits", [seed])
        batches = tasks.orders("digits", images.rows, 9, [seed]).ravel()
        assert (weights == np.concatenate([array.ravel() for array in tasks.initial("digits", seed)])).all()
        assert (order == batches[batches >= 0]).all()
        for rows, (x, y) in ((watched, images.watched), (tested, images.tested)):
            assert (images.x[rows] == x[0]).all() and (images.y[rows] == y[0]).all()

    @pytest.mark.parametrize("name", NAMES)
    def test_below_the_limit_its_losses_are_pytorchs(self, started, name):
        schedule = schedules(PEAK, UPDATES)[name]
        ours, theirs = trained(started, schedule), by_pytorch(schedule)
        assert_same(ours, theirs, 100)
        assert ours["test"].min() > 85 and not ours["lost"].any()  # such runs learn

    def test_without_momentum_too(self, started):
        schedule = Linear(0.5, 0.0, UPDATES)
        assert_same(trained(started, schedule, momentum=0), by_pytorch(schedule, optimizer="plain"), 100)

    @pytest.mark.parametrize("batch, updates", [(100, 108), (7, 200)])  # 1,197 images: the last of 100 is smaller
    def test_in_other_batches_too(self, started, batch, updates):
        schedule = Linear(0.3 * batch / 32, 0.0, updates)
        bench = tasks.bench("digits", "sgd", schedule, "pytorch", SEEDS)
        ours = trained(started, schedule, updates=updates, batch=batch)
        assert_same(ours, by_framework(bench, SEEDS, updates, batch), 100)
        assert ours["losses"].shape == (len(SEEDS), updates)

    def test_momentum_may_change_and_rest(self, started):
        from lrlib.course.pytorch import bench

        schedule, momentum = Constant(PEAK), Piecewise((40, 60), (0.9, 0.0, 0.8))
        model = tasks.torch_network("digits", SEEDS)
        theirs = by_framework(bench(model, tasks.torch_optimizer(model, "sgd"), schedule, momentum=momentum), SEEDS)
        assert_same(trained(started, schedule, momentum=rates(momentum)), theirs, 100)

    @pytest.mark.parametrize("updates, marks", [(UPDATES, 30), (50, 50), (50, 1)])
    def test_the_loss_on_other_images_is_measured_where_the_course_measures_it(self, started, updates, marks):
        schedule, pauses = Constant(PEAK), [updates * mark // marks for mark in range(1, marks + 1)]
        images, theirs = tasks.images("digits", SEEDS), []
        bench = tasks.bench("digits", "sgd", schedule, "pytorch", SEEDS)
        order = tasks.orders("digits", images.rows, 9, SEEDS)[:updates]
        bench.train(images.x, images.y, order, pauses, lambda _: theirs.append(bench.evaluate(*images.watched)[0]))
        ours = trained(started, schedule, updates=updates, marks=marks)["watched"]
        assert ours.shape == (len(SEEDS), marks)
        assert np.abs(ours - np.transpose(theirs))[:, : marks * 100 // updates].max() < CLOSE
        assert np.abs(np.log(ours[:, -1] / np.array(theirs[-1]))).max() < 0.01

    def test_accuracy_and_units_alive_are_measured_there_too(self, started):
        schedule, updates, marks = Constant(1.0), 40, 8  # a rate at which units die
        images, accuracies, alive = tasks.images("digits", SEEDS), [], []
        bench = tasks.bench("digits", "plain", schedule, "pytorch", SEEDS)

        def look(_):
            accuracies.append(bench.evaluate(*images.watched)[1])
            weight, bias, *_ = bench.weights()
            alive.append((images.watched[0] @ weight + bias > 0).any(1).sum(1))

        order = tasks.orders("digits", images.rows, 9, SEEDS)[:updates]
        bench.train(images.x, images.y, order, range(5, updates + 1, 5), look)
        ours = trained(started, schedule, updates=updates, marks=marks, momentum=0)
        assert np.abs(ours["accuracies"] - np.transpose(accuracies)).max() < IMAGE * 1.01
        assert np.abs(ours["alive"] - np.transpose(alive)).max() <= 1  # a unit may be on by rounding
        assert (ours["alive"][:, -1] < ours["alive"][:, 0]).all()

    def test_what_is_told_on_the_way_is_what_comes_back(self, started):
        script = """async (options) => {
            const told = [];
            const onProgress = ({ watched, accuracies, alive }) => told.push({ watched, accuracies, alive });
            return [told, await trainer.train(options, { onProgress })];
        }"""
        told, runs = started.evaluate(script, {"rates": [1] * 60, "momentum": 0, "marks": 12, "seeds": [3, 4]})
        for part, count in zip(told, (4, 8, 12), strict=True):
            for name, of_seeds in part.items():
                assert of_seeds == [run[name][:count] for run in runs]

    def test_kerass_rule_is_kerass(self, started):
        import keras

        from lrlib.course.keras import bench, perceptron
        from lrlib.course.training import stack_of_one

        schedule = Piecewise((10, 30), (PEAK, PEAK / 10, PEAK))
        model = perceptron(tasks.PERCEPTRONS["digits"], tasks.initial("digits", 3))
        keras_bench = stack_of_one(bench(model, keras.optimizers.SGD, schedule, momentum=0.9))
        theirs = by_framework(keras_bench, [3], 100)
        run = partial(trained, started, schedule, [3], 100)
        assert_same(run(rule="keras"), theirs, 100)
        assert np.abs(run(rule="pytorch")["losses"] - theirs["losses"]).max() > 100 * CLOSE  # the rules differ

    def test_any_seed_may_be_asked_for_and_knows_nothing_of_the_others(self, started):
        schedule = Linear(PEAK, 0.0, 50)
        together = trained(started, schedule, [139, 5], 50)
        assert (trained(started, schedule, [5], 50)["losses"][0] == together["losses"][1]).all()
        theirs = by_framework(tasks.bench("digits", "sgd", schedule, "pytorch", [139, 5]), [139, 5], 50)
        assert np.abs(together["losses"] - theirs["losses"]).max() < CLOSE

    @pytest.mark.parametrize("schedule", [Constant(0.7), Constant(1.0), Linear(1.0, 0.0, UPDATES), Constant(3.0)])
    def test_above_the_limit_the_share_of_lost_runs_is_alike(self, started, schedule):
        """There rounding decides which runs are lost, so that only their number can be compared."""
        ours, theirs = (run(schedule, MANY)["lost"].mean() for run in (partial(trained, started), by_pytorch))
        both = (ours + theirs) / 2
        assert both > 0.1
        assert abs(ours - theirs) <= 3 * math.sqrt(2 * both * (1 - both) / len(MANY))  # standard errors

    def test_what_is_not_finite_is_so_for_good(self, started):
        ours, theirs = trained(started, Constant(1e30)), by_pytorch(Constant(1e30))
        assert (np.isfinite(ours["losses"]) == np.isfinite(theirs["losses"])).all()
        assert not np.isfinite(ours["losses"][:, -1]).any() and ours["lost"].all()
        assert ours["test"] == pytest.approx(theirs["test"])


# --- What it refuses ----------------------------------------------------------------------------------------------

REFUSED = {
    "no rates": ("{}", "TypeError: rates must be a list of numbers, got undefined"),
    "a text": ('{rates: "0.1"}', 'TypeError: rates must be a list of numbers, got "0.1"'),
    "none": ("{rates: []}", "RangeError: rates must have 1 to 760 elements, got 0"),
    "too many": ("{rates: Array(761).fill(0.1)}", "RangeError: rates must have 1 to 760 elements, got 761"),
    "a text within": ('{rates: [0.1, "0.1"]}', 'TypeError: rates[1] must be a number, got "0.1"'),
    "a hole": ("{rates: [0.1, , 0.1]}", "TypeError: rates[1] must be a number, got undefined"),
    "NaN": ("{rates: [0.1, NaN]}", "RangeError: rates[1] must be finite and not below 0, got NaN"),
    "Infinity": ("{rates: [Infinity]}", "RangeError: rates[0] must be finite and not below 0, got Infinity"),
    "negative": ("{rates: [-0.1]}", "RangeError: rates[0] must be finite and not below 0, got -0.1"),
    "momentum": ("{rates: [1], momentum: 1.5}", "RangeError: momentum must be from 0 to 1, got 1.5"),
    "momentum's kind": ("{rates: [1], momentum: null}", "TypeError: momentum must be a number or a list of"),
    "one momentum": ("{rates: [1, 1], momentum: [0, 2]}", "RangeError: momentum[1] must be from 0 to 1, got 2"),
    "few momenta": ("{rates: [1, 1], momentum: [0]}", "RangeError: momentum must be as long as rates, 2, got 1"),
    "rule": ('{rates: [1], rule: "Keras"}', 'RangeError: rule must be "pytorch" or "keras", got "Keras"'),
    "no seeds": ("{rates: [1], seeds: []}", "RangeError: seeds must have 1 to 100 elements, got 0"),
    "seed": ("{rates: [1], seeds: [0.5]}", "RangeError: seeds[0] must be a whole number from 0 to 2^32 − 1, got 0.5"),
    "large seed": ("{rates: [1], seeds: [2 ** 32]}", "RangeError: seeds[0] must be a whole number from 0 to 2^32 − 1"),
    "marks": (
        "{rates: [1], marks: 2}",
        "RangeError: marks must be a whole number from 0 to 1, one for each rate, got 2",
    ),
    "half a mark": ("{rates: [1], marks: 0.5}", "RangeError: marks must be a whole number from 0 to 1, one for each"),
    "no batch": ("{rates: [1], batch: 0}", "RangeError: batch must be a whole number from 1 to 1197, got 0"),
    "too large a batch": ("{rates: [1], batch: 1198}", "RangeError: batch must be a whole number from 1 to 1197, got"),
    "a batch's kind": (
        '{rates: [1], batch: "32"}',
        'RangeError: batch must be a whole number from 1 to 1197, got "32"',
    ),
    "too many of a batch": (
        "{rates: Array(101).fill(1), batch: 256}",
        "RangeError: rates must have 1 to 100 elements, got 101",
    ),
    "another name": (
        "{rates: [1], lr: 1}",
        'TypeError: options are rates, momentum, rule, seeds, marks and batch, got "lr"',
    ),
}


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("name", REFUSED)
def test_bad_options_are_refused_with_what_is_allowed(started, name):
    options, words = REFUSED[name]
    said = started.evaluate(f"trainer.train({options}).then(() => 'trained', String)")
    assert said.startswith(words)


# --- In the page --------------------------------------------------------------------------------------------------

OPTIONS = {"rates": [0.1] * UPDATES, "seeds": [0, 1]}


@pytest.mark.slow
@needs_browser
class TestPage:
    def test_it_trains_and_says_how_far_it_is(self, browser, address):
        with with_trainer(browser, address) as page:
            before = len(page.watch.requested)
            script = """async (options) => {
                const told = [];
                const onProgress = ({ updates, losses }) => {
                    told.push([updates, losses.map((part) => Array.from(part))]);
                };
                const runs = await new Trainer().train(options, { onProgress });
                return [runs.map((run) => Array.from(run.losses)), told];
            }"""
            losses, told = page.evaluate(script, OPTIONS)
            names = [url.rsplit("/", 1)[1] for url in page.watch.requested[before:] if not url.startswith("blob:")]
            assert sorted(names) == ["core.js", "digits.js"]  # neither before it was asked to train, nor more
            assert page.watch.faults() == []
        assert [updates for updates, _ in told] == [*range(20, UPDATES, 20), UPDATES]
        for seed in range(2):
            assert losses[seed] == [loss for _, parts in told for loss in parts[seed]]
        theirs = by_pytorch(Constant(0.1), (0, 1))["losses"]
        assert np.abs(np.array(losses) - theirs)[:, :100].max() < CLOSE

    def test_a_run_can_be_ended_and_no_other_ends_with_it(self, browser, address):
        script = """async (options) => {
            const trainer = new Trainer();
            const named = (run) => run.then((runs) => runs.length, ({ name }) => name);
            const controller = new AbortController();
            const told = [];
            const onProgress = ({ updates }) => {
                told.push(updates);
                if (updates === 60) controller.abort();
            };
            const runs = [
                trainer.train(options, { onProgress, signal: controller.signal }),
                trainer.train(options),
                trainer.train(options, { signal: AbortSignal.abort() }),
            ];
            const ends = await Promise.all(runs.map(named));
            return [ends, told, await named(trainer.train(options))];
        }"""
        with with_trainer(browser, address) as page:
            assert page.evaluate(script, OPTIONS) == [["AbortError", 2, "AbortError"], [20, 40, 60], 2]
            assert page.watch.faults() == []

    def test_an_ended_run_costs_no_more(self, browser, address):
        """What the worker itself says is counted, by the runs' numbers."""
        script = """async (options) => {
            const heard = [];
            const post = Worker.prototype.postMessage;
            Worker.prototype.postMessage = function (message) {
                this.onmessage = ({ data }) => heard.push(data.id);
                post.call(this, message);
            };
            const trainer = new Trainer();
            const controller = new AbortController();
            const onProgress = () => controller.abort();
            const many = { ...options, seeds: Array.from({ length: 100 }, (_, seed) => seed) };
            await trainer.train(many, { onProgress, signal: controller.signal }).catch(() => {});
            await trainer.train(options);
            return heard;
        }"""
        with with_trainer(browser, address) as page:
            heard = page.evaluate(script, OPTIONS)
        parts = math.ceil(UPDATES / 20)
        assert heard.count(2) == parts + 1 and heard.count(1) < parts

    def test_it_can_be_closed_and_starts_anew(self, browser, address):
        script = """async (options) => {
            const trainer = new Trainer();
            const named = (run) => run.then((runs) => runs.length, ({ name, message }) => `${name}: ${message}`);
            const ends = [];
            const whileItLoads = named(trainer.train(options));
            trainer.close();
            ends.push(await whileItLoads);
            ends.push(await named(trainer.train(options, { onProgress: () => trainer.close() })));
            await trainer.load();
            const atOnce = named(trainer.train(options));
            trainer.close();
            ends.push(await named(trainer.train(options)), await atOnce);
            return ends;
        }"""
        closed = "AbortError: the trainer was closed"
        with with_trainer(browser, address) as page:
            assert page.evaluate(script, OPTIONS) == [closed, closed, 2, closed]
            assert page.watch.faults() == []

    def test_closing_ends_the_worker(self, browser, address):
        script = """async (options) => {
            let ended = 0;
            const { terminate } = Worker.prototype;
            Worker.prototype.terminate = function () {
                ended += 1;
                terminate.call(this);
            };
            const trainer = new Trainer();
            await trainer.train(options);
            const before = ended;
            trainer.close();
            trainer.close();
            return [before, ended];
        }"""
        with with_trainer(browser, address) as page:
            assert page.evaluate(script, OPTIONS) == [0, 1]

    @pytest.mark.parametrize("name", ["core.js", "digits.js"])
    def test_what_cannot_be_fetched_is_named_and_tried_again(self, browser, site, address, name):
        train = "([trainer, options]) => trainer.train(options).then((runs) => runs.length, String)"
        there = site / "_static" / "trainer" / name
        with with_trainer(browser, address) as page:
            trainer = page.evaluate_handle("new Trainer()")
            away = there.rename(f"{there}.away")
            assert page.evaluate(train, [trainer, OPTIONS]) == f"Error: {name} could not be loaded"
            away.rename(there)
            assert page.evaluate(train, [trainer, OPTIONS]) == 2

    def test_where_no_worker_may_be_started_it_says_so(self, browser, address):
        forbid = """() => {
            const policy = Object.assign(document.createElement("meta"), { httpEquiv: "Content-Security-Policy" });
            policy.content = "worker-src 'none'";
            document.head.append(policy);
        }"""
        with with_trainer(browser, address, policy=True) as page:
            page.evaluate(forbid)
            said = page.evaluate("(options) => new Trainer().train(options).then(() => 'trained', String)", OPTIONS)
        assert said == "Error: no worker can be started here"
