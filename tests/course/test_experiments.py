"""What every experiment has to be, and what its stored results have to say."""

import ast
import dataclasses
import graphlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

import lrlib.course
from lrlib.course import experiments, processor, store
from lrlib.course.experiment import Trial
from lrlib.course.experiments import cycling, cycling_on_mnist, four_decays, one_cycle
from lrlib.course.networks import dense_weights

COURSE = Path(lrlib.course.__file__).parent
each_experiment = pytest.mark.parametrize(
    "experiment", list(map(experiments.get, experiments.NAMES)), ids=experiments.NAMES
)


@each_experiment
def test_an_experiment_has_the_name_that_it_is_listed_under(experiment):
    assert experiments.get(experiment.name) is experiment
    assert (store.results_folder() / experiment.name).is_dir()
    assert experiment.stacked <= set(experiment.frameworks) and experiment.optional <= set(experiment.settings)
    trials = experiment.trials()
    assert len(trials) == len(set(trials)) > 0


def test_an_unknown_experiment_is_named_with_those_there_are():
    with pytest.raises(
        ValueError, match="unknown experiment 'one-cycle'; known are equal_budget, budgets-digits-peaks, "
    ):
        experiments.get("one-cycle")


def test_missing_results_are_named(tmp_path):
    with pytest.raises(LookupError, match=r"triangular.*make experiments ONLY=cycling"):
        store.load(
            dataclasses.replace(cycling.EXPERIMENT, settings={"triangular": cycling.SETTINGS["triangular"]}), tmp_path
        )


@each_experiment
def test_settings_are_strict_json(experiment):
    for setting in experiment.settings.values():
        json.dumps(setting.to_dict(), allow_nan=False)


@each_experiment
def test_what_is_trained_is_counted_on_the_weights_that_a_trial_begins_with(experiment):
    """The models are built from these arrays, which PyTorch's and Keras's loaders take whole or refuse."""
    for setting in experiment.settings.values():
        trained = experiment.trains(setting)
        assert {"shapes", "weights", "initial", "loss", "optimizer", "split", "batches", "version"} == set(trained)
        shapes = [[int(n) for n in shape.split("x")] for shape in trained["shapes"].split(", ")]
        assert sum(math.prod(shape) for shape in shapes) == trained["weights"]


def test_a_changed_network_or_version_makes_results_stale(monkeypatch):
    folder, trial = store.results_folder(), Trial("cycling", "triangular", "pytorch", 0)
    assert store.find(cycling.EXPERIMENT, trial, folder) is not None
    raised = dataclasses.replace(
        cycling.EXPERIMENT, trains=lambda setting: {**cycling.EXPERIMENT.trains(setting), "version": 2}
    )
    assert store.find(raised, trial, folder) is None
    monkeypatch.setattr(cycling, "initial", lambda seed: dense_weights((64, 101, 10), seed))
    assert store.find(cycling.EXPERIMENT, trial, folder) is None


@each_experiment
def test_every_stored_result_is_there_and_says_what_it_ran_on(experiment):
    for by_framework in store.load(experiment).values():
        for result in itertools.chain(*by_framework.values()):
            assert result["versions"]
            assert result["hardware"]
            assert result["vendor"]
            assert result["capability"] in processor.CAPABILITIES
            assert isinstance(result["onednn"], bool)
            assert result["threads"] == 1
            assert result["device"]
            assert result["seconds"] > 0


def test_stored_files_are_strict_json():
    """What was not finite is None: NaN and infinity are words that no other program has to know."""

    def refuse(word):
        raise ValueError(word)

    files = list(store.results_folder().rglob("*.json"))
    assert len(files) > 100
    for path in files:
        json.loads(path.read_text(), parse_constant=refuse)


def check_rates(by_framework, schedule, per_epoch, epochs):
    updates = [*range(0, epochs * per_epoch, per_epoch), epochs * per_epoch - 1]
    for result in itertools.chain(*by_framework.values()):
        np.testing.assert_allclose(result["rates"], [schedule(update) for update in updates], rtol=1e-5)


def test_stored_rates_are_the_schedule_at_each_epochs_start_and_at_the_end():
    for name, by_framework in store.load(four_decays.EXPERIMENT).items():
        setting = four_decays.SETTINGS[name]
        per_epoch = 141 if setting.held_out else 157
        check_rates(by_framework, setting.on_updates(per_epoch), per_epoch, 50)
    for name, by_framework in store.load(cycling_on_mnist.EXPERIMENT).items():
        check_rates(by_framework, cycling_on_mnist.SETTINGS[name].schedule, 250, 8)
    for name, by_framework in store.load(one_cycle.EXPERIMENT).items():
        setting = one_cycle.SETTINGS[name]
        check_rates(by_framework, setting.schedule, one_cycle.PER_EPOCH, setting.epochs)


# ---- Imports ---------------------------------------------------------------------------------------------------------


def name_of(path, root):
    parts = ("lrlib.course", *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def import_graph(root, listed):
    """Module of the course → those of the course that it imports, wherever in it, those that it names in strings too.

    ``listed``: the experiments that ``experiments.get`` imports by name.
    """
    modules = {name_of(path, root): ast.parse(path.read_text(encoding="utf-8")) for path in root.rglob("*.py")}
    graph = {}
    for module, tree in modules.items():
        named = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{module} has a relative import"
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= {name if name in modules else node.module for name in whole}
        graph[module] = named & set(modules)
    graph["lrlib.course.experiments"] |= {f"lrlib.course.experiments.{name.partition('-')[0]}" for name in listed}
    return graph


def test_no_module_imports_itself_through_others():
    graph = import_graph(COURSE, experiments.NAMES)
    assert graph["lrlib.course.experiments"] <= set(graph)  # each that is listed is there
    list(graphlib.TopologicalSorter(graph).static_order())  # CycleError names the circle


def test_by_name_is_imported_in_two_places_only():
    """Experiments, which import_graph counts; in study a framework's module, and itself when it is run."""
    calls = [
        name_of(path, COURSE)
        for path in COURSE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "import_module"
    ]
    assert sorted(calls) == ["lrlib.course.experiments", "lrlib.course.study", "lrlib.course.study"]


def reached(graph, start):
    """All that a module imports, itself and through others."""
    found, left = set(), [start]
    while left:
        for name in graph[left.pop()] - found:
            found.add(name)
            left.append(name)
    return found


def test_experiments_know_neither_who_runs_nor_who_lists_them():
    graph = import_graph(COURSE, experiments.NAMES)
    for module in ("experiment", "store", "rules"):
        assert not [name for name in reached(graph, f"lrlib.course.{module}") if "experiments" in name]
    assert not reached(graph, "lrlib.course.experiments") & {"lrlib.course.study", "lrlib.course.claims"}


def test_a_circle_is_found(tmp_path):
    for name, text in {
        "rules": "def judge():\n    from lrlib.course import claims",
        "claims": "import lrlib.course.experiments",
        "experiments/__init__": "",
        "experiments/toy": "from lrlib.course.rules import Higher",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(graphlib.CycleError, match="cycle"):
        list(graphlib.TopologicalSorter(import_graph(tmp_path, ["toy"])).static_order())
