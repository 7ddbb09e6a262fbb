"""Put demonstrations beside the figures, and the predictions, whose point a reader can try: sliders and a chart.

A demonstration is a script of ``book/_static/demonstrations``. ``PLACES`` says where in a chapter it stands: after the
cell of a figure, or at the end of a section. ``OWN_RUNS`` says which predictions the page's trainer can answer, and by
what. In each of these places a page gets an empty, hidden element, which the script fills.
Without JavaScript, in print and in the notebook nothing is missing. Scripts hold no schedule's formula: the rates that
they need are computed here, with lrlib, and stand in the page; so is what a range test suggests.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import trainer_data
from docutils import nodes
from page_files import add_where
from sphinx.application import Sphinx
from sphinx.util import logging

from lrlib import Constant, Linear, Piecewise, RangeTest, Schedule, combine
from lrlib.course import tasks
from lrlib.course.experiments import batch_and_momentum, constant_rates
from lrlib.finder import ladder

UPDATES = 100
RULE, RANGE, SWEEPS = "steepest", (0.001, 10.0), (50, 100, 300)  # of the range test: its rates, and how many updates
POINTS = 50  # of a smoothed curve
EPOCHS = 9  # of the runs with different batches

# By chapter, and in it by the name of a figure or a section.
PLACES = {
    "index": {"fig-front-cliff": "cliff"},
    "learning_rate": {"fig-parabola": "parabola", "fig-sweep": "cliff"},
    "finding_the_range": {"your-prediction": "range_test"},
    "momentum_and_noise": {"momentum": "valley", "fig-collapse": "batch_size"},
    "why_decay": {"fig-two-terms": "one_weight", "fig-river": "river"},
}


class OwnRuns(NamedTuple):
    """A prediction that the reader's own runs answer: what to compare, and how many images the chapter trains on."""

    settings: dict[str, Setting]  # by what they are called
    epochs: int
    images: int


class Setting(NamedTuple):
    """A run at a constant rate."""

    rate: float
    momentum: float = 0.0
    batch: int = 32


# By chapter, and in it by the number of the prediction.
OWN_RUNS = {
    "learning_rate": {
        2: OwnRuns({f"Rate {rate:g}": Setting(rate) for rate in (1.0, 0.1)}, 20, constant_rates.TRAINING),
        3: OwnRuns({f"Rate {rate:g}": Setting(rate) for rate in (1.0, 10.0)}, 20, constant_rates.TRAINING),
    },
    "momentum_and_noise": {
        1: OwnRuns(
            {
                f"Batch {batch} at rate {rate:g}": Setting(rate, batch=batch)
                for batch, rate in ((32, 0.04), (256, 0.04), (256, 0.12), (256, 0.32))
            },
            EPOCHS,
            batch_and_momentum.TRAINING,
        ),
        2: OwnRuns(
            {
                f"Momentum {momentum:g} at rate {rate:g}": Setting(rate, momentum)
                for momentum, rate in ((0.0, 0.16), (0.9, 0.16), (0.9, 0.08), (0.9, 0.016))
            },
            EPOCHS,
            batch_and_momentum.TRAINING,
        ),
    },
}
SCRIPTS = ("chart/chart.js", "demonstrations/demonstrations.js")  # of all
STYLES = ("controls.css", "chart/chart.css", "demonstrations/demonstrations.css")
TRAINER = ("trainer/trainer.js",)
NEEDED = {"cliff": TRAINER, "range_test": TRAINER, "batch_size": TRAINER}  # what else a demonstration calls

logger = logging.getLogger(__name__)


def rates(schedule: Schedule, updates: int) -> list[float]:
    """The rate of each update."""
    return [schedule(t) for t in range(updates)]


def of_one_weight() -> dict[str, Any]:
    """The rates of 100 updates, as multiples of the first one."""
    shapes = {"constant": Constant(1.0), "line": Linear(1.0, 0.0, steps=UPDATES)}
    return {"shapes": {name: rates(shape, UPDATES) for name, shape in shapes.items()}}


def of_river() -> dict[str, Any]:
    """A fall to zero, its end included."""
    return {"fall": rates(Linear(1.0, 0.0, steps=UPDATES), UPDATES + 1)}


def of_cliff() -> dict[str, Any]:
    """How many updates the page's trainer makes at most."""
    return {"updates": trainer_data.UPDATES}


def of_range_test() -> dict[str, Any]:
    """For each length of a sweep its rates and, by seed, what lrlib reads from it: smoothed curve, suggestion."""
    sweeps = []
    for updates in SWEEPS:
        rates = ladder(*RANGE, updates)
        read = combine(RangeTest(rates, losses) for losses in sweep_losses(rates))
        found = read.suggest(RULE)
        seeds = [
            {"rate": one.lr and significant(one.lr, 3), "reason": one.reason, "smoothed": thinned(*sweep.smoothed())}
            for one, sweep in zip(found.each, read.results, strict=True)
        ]
        sweeps.append({"rates": [significant(rate, 8) for rate in rates], "seeds": seeds})
    return {"rule": RULE, "sweeps": sweeps}


def sweep_losses(rates: tuple[float, ...]) -> list[tuple[float, ...]]:
    """The training losses of the page's network at rising rates, by PyTorch, for each of the trainer's seeds."""
    from lrlib.course.pytorch import one_thread

    one_thread()
    seeds = range(trainer_data.SEEDS)
    images = tasks.images("digits", seeds)
    order = tasks.orders("digits", images.rows, -(-len(rates) // tasks.updates("digits", 1)), seeds)
    sweep = Piecewise(tuple(range(1, len(rates))), rates)
    bench = tasks.bench("digits", "plain", sweep, "pytorch", seeds)
    return list(map(tuple, bench.train(images.x, images.y, order[: len(rates)]).losses.T.tolist()))


def thinned(rates: Sequence[float], losses: Sequence[float]) -> list[list[float]]:
    """At most ``POINTS`` points of a smoothed curve, its ends among them."""
    count = min(POINTS, len(rates))
    places = [round(i * (len(rates) - 1) / (count - 1)) for i in range(count)]
    return [[significant(rates[i], 4), significant(losses[i], 4)] for i in places]


def significant(number: float, digits: int) -> float:
    """Rounded: what is beyond differs between machines, and makes the page longer."""
    return float(f"{number:.{digits}g}")


def of_batch_size() -> dict[str, Any]:
    """How many images the page's trainer trains on, in each of how many epochs."""
    return {"images": tasks.TASKS["digits"].sizes[0], "epochs": EPOCHS}


VALUES: dict[str, Callable[[], dict[str, Any]]] = {
    "batch_size": of_batch_size,
    "cliff": of_cliff,
    "one_weight": of_one_weight,
    "range_test": of_range_test,
    "river": of_river,
}


def own_runs(asked: OwnRuns) -> dict[str, Any]:
    """What the page's trainer is to train, and how the chapter's runs differ."""
    settings = [{"label": label, **setting._asdict()} for label, setting in asked.settings.items()]
    images = tasks.TASKS["digits"].sizes[0]
    return {"settings": settings, "epochs": asked.epochs, "images": images, "theirs": asked.images}


def place(name: str, script: str, values: dict[str, Any]) -> nodes.raw:
    """The element that a demonstration's script fills."""
    escaped = html.escape(json.dumps(values, separators=(",", ":")), quote=False).replace("'", "&#39;")
    names = f'class="demonstration controls" id="demonstration-{name}" data-demonstration="{script}"'
    return nodes.raw("", f"<div {names} role='group' hidden data-values='{escaped}'></div>", format="html")


def insert(target: nodes.Element, new: nodes.Node) -> None:
    """Put a node after a figure's cell, or at the end of a section, within the fold if the end is folded."""
    if isinstance(target, nodes.section):
        last = target.children[-1]
        (last if isinstance(last, nodes.container) and "gives-away" in last["classes"] else target).append(new)
        return
    while not (isinstance(target, nodes.container) and "cell" in target["classes"]):
        if target.parent is None or isinstance(target.parent, nodes.section):
            break  # a figure of a page that is no notebook
        target = target.parent
    target.parent.insert(target.parent.index(target) + 1, new)


def question(document: nodes.document, number: int) -> nodes.list_item | None:
    """The chapter's prediction of this number, which ``predictions`` has marked."""
    for questions in document.findall(nodes.enumerated_list):
        if "prediction" in questions["classes"] and "questions" in questions["classes"] and number <= len(questions):
            return questions[number - 1]
    return None


def add_places(app: Sphinx, document: nodes.document) -> None:
    """Add a chapter's demonstrations, after its cells have been folded and put into tabs. One without a place warns."""
    chapter = app.env.docname.rpartition("/")[2]

    def missing(what: str, where: str) -> None:
        message = f"the demonstration {what!r} belongs to {where}, but {chapter} has no such place"
        logger.warning(message, type="demonstrations", location=document)

    for name, demonstration in PLACES.get(chapter, {}).items():
        targets = [node for node in document.findall(nodes.Element) if name in node.get("ids", [])]
        if targets:
            values = VALUES[demonstration]() if demonstration in VALUES else {}
            insert(targets[0], place(demonstration, demonstration, values))
        else:
            missing(demonstration, repr(name))
    for number, asked in OWN_RUNS.get(chapter, {}).items():
        item = question(document, number)
        if item is not None:
            item.append(place(f"prediction-{number}", "own_run", own_runs(asked)))
        else:
            missing("own_run", f"prediction {number}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what adds them."""
    for extension in ("predictions", "trainer_data"):
        app.setup_extension(extension)
    app.connect("doctree-read", add_places)
    for name in dict.fromkeys(name for places in PLACES.values() for name in places.values()):
        scripts = (*SCRIPTS, *NEEDED.get(name, ()), f"demonstrations/{name}.js")
        add_where(app, f"demonstration-{name}", scripts, STYLES)
    for number in {number for asked in OWN_RUNS.values() for number in asked}:
        scripts = (*SCRIPTS, *TRAINER, "demonstrations/own_run.js")
        add_where(app, f"demonstration-prediction-{number}", scripts, STYLES)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
