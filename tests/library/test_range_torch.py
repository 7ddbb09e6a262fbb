"""The range test on a torch model: right pairing, the ladder, and no trace of it afterwards."""

import copy
import inspect
import math
import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lrlib import _torch_range, finder
from lrlib._torch_range import range_test

STEPS = 12


class Jitter(nn.Module):
    """Noise from the module's own generator, a tensor that is no buffer, a buffer that is replaced, a plain count."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(5)
        self.rng = np.random.default_rng(5)
        self.calls, self.kept = 0, {"seen": [torch.zeros(1)]}
        self.array, self.names = np.zeros(2), set()
        self.register_buffer("last", torch.zeros(8), persistent=False)

    def forward(self, x):
        self.calls += 1
        self.array += 1
        self.names.add(self.calls)
        self.kept["seen"][0] += 1
        self.kept["seen"].append(self.calls)
        self.last = x.detach().mean(0)
        return x + 0.01 * torch.randn(x.shape, generator=self.generator) + 0.01 * self.rng.standard_normal()


class Data(TensorDataset):
    """Augments by every global generator."""

    def __getitem__(self, i):
        x, y = super().__getitem__(i)
        return x + 0.01 * (random.random() + np.random.rand() + torch.rand(())), y  # noqa: NPY002


class Setting:
    """A model that keeps every kind of state, half-way through its training."""

    def __init__(self, optimizer="adam", warm=True, loader_seed=True):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        norm = nn.BatchNorm1d(8)
        self.model = nn.Sequential(nn.Linear(4, 8), norm, nn.ReLU(), nn.Dropout(0.3), Jitter(), nn.Linear(8, 2))
        norm.bias.requires_grad_(False)
        norm.eval()  # a mode of its own
        data = Data(torch.randn(32, 4), torch.randint(2, (32,)))
        generator = torch.Generator().manual_seed(3) if loader_seed else None
        self.loader = DataLoader(data, batch_size=8, shuffle=True, generator=generator)
        groups = [
            {"params": list(self.model[0].parameters()), "lr": 0.01},
            {"params": list(self.model[-1].parameters()), "lr": 0.1},
        ]
        self.optimizer = {
            "sgd": lambda: torch.optim.SGD(groups, momentum=0.9),
            "adam": lambda: torch.optim.Adam(groups, amsgrad=True),
            "tensor": lambda: torch.optim.Adam(self.model.parameters(), lr=torch.tensor(0.01)),
        }[optimizer]()
        self.loss_fn = nn.CrossEntropyLoss()
        if warm:
            self.train(1)
            self.model[0].weight.grad.fill_(7.0)

    def train(self, epochs=2):
        losses = []
        for _ in range(epochs):
            for x, y in self.loader:
                self.optimizer.zero_grad()
                loss = self.loss_fn(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                losses.append(loss.item())
        return losses

    def state(self):
        """Everything that must be the same, by value, and by identity where objects are shared with the user."""
        m, o = self.model, self.optimizer
        values = {
            "parameters": [p.detach().clone() for p in m.parameters()],
            "buffers": [b.clone() for b in m.buffers()],
            "gradients": [None if p.grad is None else p.grad.clone() for p in m.parameters()],
            "optimizer": copy.deepcopy(o.state_dict()),
            "modes": [part.training for part in m.modules()],
            "requires_grad": [p.requires_grad for p in m.parameters()],
            "attributes": (
                m[4].calls,
                m[4].array.tolist(),
                set(m[4].names),
                copy.deepcopy(m[4].kept),
                m[4].rng.bit_generator.state["state"]["state"],
            ),
            "generators": [torch.get_rng_state(), m[4].generator.get_state(), *map(hash, map(str, self.pseudo()))],
            "stepped": getattr(o, "_opt_called", "never"),
        }
        objects = [
            *m.parameters(),
            *m.buffers(),
            *(p.grad for p in m.parameters()),
            *(item for state in o.state.values() for item in (state, *state.values())),
            *(item for group in o.param_groups for item in (group, group["params"], group["lr"])),
            *vars(o).values(),
            *vars(self.loader).values(),
        ]
        if self.loader.generator is not None:
            values["loader"] = self.loader.generator.get_state()
        return values, objects

    def pseudo(self):
        return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def same(a, b):
    """Equal bit for bit, whatever the nesting."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a is b or a == b


def assert_no_trace(before, after):
    for name in before[0]:
        assert same(before[0][name], after[0][name]), name
    assert len(before[1]) == len(after[1])
    assert all(a is b for a, b in zip(before[1], after[1], strict=True))


class Interrupting:
    """A loss that raises, or turns NaN or large, from the n-th call on."""

    def __init__(self, at, what):
        self.left, self.what = at, what

    def __call__(self, outputs, targets):
        self.left -= 1
        loss = nn.functional.cross_entropy(outputs, targets)
        if self.left > 0:
            return loss
        if isinstance(self.what, float):
            return loss * self.what
        raise self.what


ENDINGS = {
    "success": (lambda: nn.CrossEntropyLoss(), None, "completed"),
    "divergence": (lambda: Interrupting(5, 1e3), None, "diverged"),
    "NaN": (lambda: Interrupting(5, math.nan), None, "non-finite"),
    "error": (lambda: Interrupting(5, RuntimeError("loss")), RuntimeError, None),
    "Ctrl-C": (lambda: Interrupting(5, KeyboardInterrupt()), KeyboardInterrupt, None),
    "Ctrl-C at once": (lambda: Interrupting(1, KeyboardInterrupt()), KeyboardInterrupt, None),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "tensor"])
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "fresh"])
def test_no_trace(ending, optimizer, warm):
    make, error, stopped = ENDINGS[ending]
    one, other = Setting(optimizer, warm), Setting(optimizer, warm)
    one_before = one.state()
    options = {"steps": STEPS, "validation": one.loader, "metric": accuracy, "progress": False}
    for validation in (None, one.loader):
        options["validation"] = validation
        if error:
            with pytest.raises(error):
                range_test(one.model, one.optimizer, make(), one.loader, **options)
        else:
            result = range_test(one.model, one.optimizer, make(), one.loader, end=0.1, **options)
            assert result.stopped == stopped
        assert_no_trace(one_before, one.state())
    random_states = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    one_losses = one.train()
    torch.set_rng_state(random_states[0])
    random.setstate(random_states[1])
    np.random.set_state(random_states[2])  # noqa: NPY002
    assert other.train() == one_losses
    assert same(one.model.state_dict(), other.model.state_dict())


def accuracy(outputs, targets):
    return (outputs.argmax(1) == targets).float().mean()


def test_a_loader_without_a_generator_of_its_own_and_one_with_workers():
    one = Setting(loader_seed=False)
    before = one.state()
    loader = DataLoader(one.loader.dataset, batch_size=8, shuffle=True, num_workers=1, persistent_workers=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's own, on forking where threads run
        range_test(one.model, one.optimizer, one.loss_fn, loader, steps=3, progress=False)
    assert loader._iterator is None
    assert_no_trace(before, one.state())


def test_a_data_error_leaves_no_trace():
    one = Setting()
    before = one.state()

    def broken():
        x, y = one.loader.dataset.tensors
        yield x, y
        yield x + np.random.rand(), y  # noqa: NPY002
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        range_test(one.model, one.optimizer, one.loss_fn, broken(), steps=STEPS, progress=False)
    assert_no_trace(before, one.state())


def test_the_defaults_are_those_of_lrlibs_own_sweep():
    ours = inspect.signature(range_test).parameters
    theirs = {**inspect.signature(finder.ladder).parameters, **inspect.signature(finder.range_test).parameters}
    for name in ("start", "end", "steps", "mode", "diverge"):
        assert ours[name].default == theirs[name].default, name


@pytest.mark.filterwarnings("error:Detected call of")
def test_a_scheduler_on_the_optimizer_does_not_notice():
    one = Setting("sgd", warm=False)
    scheduler = torch.optim.lr_scheduler.StepLR(one.optimizer, 1)
    before, step = one.state(), one.optimizer.step
    range_test(one.model, one.optimizer, one.loss_fn, one.loader, steps=3, progress=False)
    assert_no_trace(before, one.state())
    assert one.optimizer.step is step
    assert not getattr(one.optimizer, "_opt_called", False)
    one.train(1)
    scheduler.step()
    assert scheduler.last_epoch == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_model():
    """Its tensors and its mode are not in its attributes."""
    model = torch.jit.script(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)).eval())
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [(torch.randn(8, 4), torch.randint(2, (8,)))]
    range_test(model, optimizer, nn.functional.cross_entropy, batches, steps=3, progress=False)
    assert same(before, model.state_dict())
    assert not any(part.training for part in model.modules())


def test_a_loss_module_with_state_of_its_own():
    class Centres(nn.Module):
        def __init__(self):
            super().__init__()
            self.centres = nn.Parameter(torch.zeros(2, 2))
            self.register_buffer("count", torch.zeros(1))

        def forward(self, outputs, targets):
            self.count += 1
            return ((outputs - self.centres[targets]) ** 2).mean()

    one, loss_fn = Setting(), Centres().eval()
    one.optimizer.add_param_group({"params": list(loss_fn.parameters()), "lr": 0.1})
    range_test(one.model, one.optimizer, loss_fn, one.loader, steps=3, progress=False)
    assert loss_fn.count == 0
    assert not loss_fn.centres.any()
    assert loss_fn.centres.grad is None
    assert not loss_fn.training
    assert loss_fn.centres not in one.optimizer.state


def test_a_generator_that_only_the_dataset_or_the_batches_hold():
    class Batches:
        def __init__(self):
            self.rng, self.own = np.random.default_rng(1), random.Random(1)

        def __iter__(self):
            x = torch.from_numpy(self.rng.standard_normal((8, 4)).astype("float32")) + self.own.random()
            yield x, torch.zeros(8, dtype=torch.long)

    one, batches = Setting(), Batches()
    expected = next(iter(Batches()))
    range_test(one.model, one.optimizer, one.loss_fn, batches, steps=3, progress=False)
    assert same(list(next(iter(batches))), list(expected))


def test_generators_of_a_sampler_and_of_a_dataset():
    class Noisy(TensorDataset):
        def __getitem__(self, i):
            x, y = super().__getitem__(i)
            return x + self.rng.random(), y

    def loader():
        data = Noisy(torch.arange(32.0).reshape(8, 4), torch.zeros(8, dtype=torch.long))
        data.rng = np.random.default_rng(1)
        sampler = torch.utils.data.RandomSampler(data, generator=torch.Generator().manual_seed(1))
        return DataLoader(data, batch_size=4, sampler=sampler)

    one, tested = Setting(), loader()
    range_test(one.model, one.optimizer, one.loss_fn, tested, steps=3, end=1e-3, progress=False)
    assert same(list(tested), list(loader()))


# -- the sweep itself --------------------------------------------------------------------------------------------------


def line(rate=0.5):
    """w ← w − rate·d/dw of (w·x − y)², from w = 1 on x = 1, y = 0: the loss is w², and w shrinks by 1 − 2·rate."""
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.ones_(model.weight)
    batch = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    return model, torch.optim.SGD(model.parameters(), lr=rate), nn.functional.mse_loss, [batch]


def test_the_rate_in_force_and_the_loss_are_paired():
    seen = []
    model, optimizer, mse, batches = line()

    def loss_fn(outputs, targets):
        seen.append((optimizer.param_groups[0]["lr"], model.training, torch.is_grad_enabled()))
        return mse(outputs, targets)

    result = range_test(model, optimizer, loss_fn, batches, start=0.01, end=0.3, steps=5, metric=lambda o, t: o.mean())
    ladder = finder.ladder(0.01, 0.3, 5)
    assert result.rates == ladder == tuple(rate for rate, *_ in seen)
    assert all(training and grad for _, training, grad in seen)
    shrunk = np.cumprod([1.0, *(1 - 2 * np.array(ladder))])
    np.testing.assert_allclose(result.losses, shrunk[:-1] ** 2, rtol=1e-12)  # before the update
    np.testing.assert_allclose(result.accuracies, shrunk[:-1], rtol=1e-12)
    seen.clear()
    held = [(2 * x, y) for x, y in batches]
    options = {"mode": "linear", "validation": held}
    result = range_test(model, optimizer, loss_fn, batches, start=0.01, end=0.3, steps=5, **options)
    ladder = finder.ladder(0.01, 0.3, 5, "linear")
    np.testing.assert_allclose(result.losses, 4 * np.cumprod(1 - 2 * np.array(ladder)) ** 2, rtol=1e-12)  # after it
    assert [rate for rate, *_ in seen[1::2]] == list(ladder)
    assert [flags for _, *flags in seen] == [[True, True], [False, False]] * 5


@pytest.mark.parametrize(
    ("own", "share"),
    [((0.1, 0.01), (1.0, 0.1)), ((0.01, 0.1), (0.1, 1.0)), ((0.0, 0.0), (1.0, 1.0)), ((0.0, 1.0), (0.0, 1.0))],
)
def test_groups_keep_their_ratios(own, share):
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    groups = [{"params": part.parameters(), "lr": rate} for part, rate in zip((first, second), own, strict=True)]
    optimizer, seen = torch.optim.SGD(groups, lr=1.0), []

    def loss_fn(outputs, targets):
        seen.append([group["lr"] for group in optimizer.param_groups])
        return nn.functional.mse_loss(outputs, targets)

    batches = [(torch.ones(1, 1), torch.ones(1, 1))]
    range_test(nn.Sequential(first, second), optimizer, loss_fn, batches, start=1e-4, end=1e-2, steps=3, progress=False)
    np.testing.assert_allclose(seen, np.outer(finder.ladder(1e-4, 1e-2, 3), share), rtol=1e-12)
    assert [group["lr"] for group in optimizer.param_groups] == list(own)


def test_batches_are_cycled_and_may_be_dicts():
    seen = []

    class Add(nn.Linear):
        def forward(self, x):
            seen.append(float(x["a"][0, 0]))
            return super().forward(x["a"] + x["b"])

    model = Add(1, 1)
    batches = [({"a": torch.full((1, 1), float(i)), "b": torch.zeros(1, 1)}, torch.ones(1, 1)) for i in range(3)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    range_test(model, optimizer, nn.functional.mse_loss, batches, steps=7, end=1e-3, diverge=None, progress=False)
    assert seen == [0, 1, 2, 0, 1, 2, 0]


def test_a_one_shot_iterator_must_be_long_enough():
    model, optimizer, loss_fn, batches = line()
    assert len(range_test(model, optimizer, loss_fn, iter(batches * 5), steps=5, end=0.1).losses) == 5
    for name in ("batches", "validation"):
        given = {"batches": batches, "validation": None, name: iter(batches * 4)}
        with pytest.raises(ValueError, match=f"{name}: an iterator that cannot start again"):
            range_test(model, optimizer, loss_fn, steps=5, end=0.1, **given)
    assert model.weight.item() == 1
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", ["batches", "validation"])
def test_no_batch_is_refused(name):
    model, optimizer, loss_fn, batches = line()
    given = {"batches": batches, "validation": None, name: []}
    with pytest.raises(ValueError, match=f"{name}: there is no batch"):
        range_test(model, optimizer, loss_fn, **given)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": lambda x: x}, TypeError, "model must be"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be"),
        ({"batches": 3}, TypeError, "batches must be an iterable"),
        ({"validation": 3}, TypeError, "validation must be an iterable"),
        ({"batches": [1.0]}, TypeError, r"a pair \(inputs, targets\)"),
        ({"loss_fn": lambda outputs, targets: 1.0}, TypeError, "loss_fn must return a tensor"),
        ({"loss_fn": lambda outputs, targets: torch.ones(2)}, TypeError, "loss_fn must return a tensor"),
        ({"model": nn.LazyLinear(1)}, ValueError, "uninitialised"),
        ({"progress": "bar"}, TypeError, "progress must be"),
        ({"start": 1.0, "end": 0.1}, ValueError, "ladder: "),
        ({"steps": 0}, ValueError, "steps must be"),
        ({"diverge": 0.5}, ValueError, "diverge must be"),
    ],
)
def test_bad_input_is_refused(change, error, words):
    model, optimizer, loss_fn, batches = line()
    given = {"model": model, "optimizer": optimizer, "loss_fn": loss_fn, "batches": batches, **change}
    with pytest.raises(error, match=words):
        range_test(**given)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_progress(capsys):
    model, optimizer, loss_fn, batches = line()
    told = []
    range_test(model, optimizer, loss_fn, batches, steps=3, end=0.1, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    range_test(model, optimizer, loss_fn, batches, steps=3, end=0.1)  # too short for a bar
    assert capsys.readouterr() == ("", "")


def test_within_no_grad():
    model, optimizer, loss_fn, batches = line()
    with torch.no_grad():
        result = range_test(model, optimizer, loss_fn, batches, steps=3, end=0.1)
        assert not torch.is_grad_enabled()
    assert result.losses[-1] < 1


def test_the_examples_in_the_docstrings():
    import doctest

    assert doctest.testmod(_torch_range).failed == 0
