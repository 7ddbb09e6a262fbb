"""The range test on a torch model: right pairing, the ladder, and no trace of it afterwards."""

import collections
import contextlib
import copy
import dataclasses
import inspect
import itertools
import math
import random
import typing
import warnings

import numpy as np
import pytest
import torch
from reference import Closing
from torch import nn
from torch.nn.utils.prune import l1_unstructured
from torch.utils.data import DataLoader, TensorDataset

import lrlib
from lrlib import _torch_range, finder
from lrlib._torch_range import _moved, no_trace, range_test

STEPS = 24


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
    "divergence": (lambda: Interrupting(17, 1e3), None, "diverged"),
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
def test_what_an_iterator_does_when_it_is_closed_is_undone_too(name):
    model, optimizer, loss_fn, batches = line()
    before = torch.get_rng_state()
    given = {"batches": batches, "validation": None, name: Closing(batches * 9, lambda: torch.rand(1))}
    range_test(model, optimizer, loss_fn, steps=5, end=0.1, **given)
    assert torch.equal(torch.get_rng_state(), before)


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
        ({"model": nn.Sequential(nn.Linear(1, 1), nn.LazyLinear(1))}, ValueError, "uninitialised"),
        (
            {"optimizer": torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=torch.tensor(1))},
            ValueError,
            "a float tensor",
        ),
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


# -- batches as people have them ---------------------------------------------------------------------------------------


@dataclasses.dataclass
class Record:
    image: torch.Tensor
    label: torch.Tensor


class Pair(typing.NamedTuple):
    image: torch.Tensor
    label: torch.Tensor


ONE, NOUGHT = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)


@pytest.mark.parametrize(
    ("batch", "got"),
    [
        ({"image": ONE, "label": NOUGHT}, "dict"),
        ({"image": ONE, "label": NOUGHT, "id": ONE}, "dict"),
        (torch.ones(2, 1, dtype=torch.float64), "Tensor"),
        (np.ones((2, 1)), "ndarray"),
        ("ab", "str"),
        (Record(ONE, NOUGHT), "Record"),
        ({ONE, NOUGHT}, "set"),
        ((ONE,), "tuple of 1"),
        ((ONE, NOUGHT, ONE), "tuple of 3"),  # a weight or a length is not left out silently
    ],
)
@pytest.mark.parametrize("name", ["batches", "validation"])
def test_a_batch_is_told_by_its_type_never_by_unpacking(batch, got, name):
    model, optimizer, loss_fn, batches = line()
    given = {"batches": batches, name: [batch]}
    with pytest.raises(TypeError, match=rf"a pair \(inputs, targets\).*, got {got}; pass .*lrlib\.torch\.no_trace"):
        range_test(model, optimizer, loss_fn, **given)
    assert model.weight.item() == 1 and optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("batch", [[ONE, NOUGHT], Pair(ONE, NOUGHT)], ids=["list", "NamedTuple"])
def test_a_pair_may_be_a_list_or_a_named_tuple(batch):
    model, optimizer, loss_fn, batches = line()
    options = {"steps": 5, "end": 0.1}
    assert range_test(model, optimizer, loss_fn, [batch], **options).losses == (
        range_test(model, optimizer, loss_fn, batches, **options).losses
    )


def test_inputs_that_are_a_named_tuple_stay_one():
    class Wide(nn.Linear):
        def forward(self, x):
            return super().forward(x.image) + x.label

    model = Wide(1, 1, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [(Pair(ONE, NOUGHT), NOUGHT)]
    assert len(range_test(model, optimizer, nn.functional.mse_loss, batches, steps=3, end=0.1).losses) == 3


def test_a_model_that_computes_its_own_loss_from_a_dict():
    class Keyword(nn.Linear):
        def forward(self, batch):
            return nn.functional.mse_loss(super().forward(batch["image"]), batch["label"])

    model = Keyword(1, 1, bias=False, dtype=torch.float64)
    nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = [{"image": ONE, "label": NOUGHT}]
    pairs = [(batch, None) for batch in loader]
    found = range_test(model, optimizer, lambda loss, _: loss, pairs, steps=5, end=0.1)
    assert found == range_test(*line(), steps=5, end=0.1)


# -- training as the user does -----------------------------------------------------------------------------------------


def modes_seen(prepare, **options):
    """The modes of the whole, its BatchNorm and its Dropout at each forward pass of two steps."""
    norm, dropout = nn.BatchNorm1d(1), nn.Dropout(0.0)
    model = nn.Sequential(nn.Linear(1, 1), norm, dropout)
    prepare(model, norm)
    before, seen = [part.training for part in model.modules()], []

    def loss_fn(outputs, targets):
        seen.append((model.training, norm.training, dropout.training))
        return nn.functional.mse_loss(outputs, targets)

    batches = [(torch.randn(4, 1), torch.ones(4, 1))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    range_test(model, optimizer, loss_fn, batches, steps=2, **options)
    assert [part.training for part in model.modules()] == before
    return seen, norm


def test_a_frozen_batch_norm_stays_in_eval_mode():
    def freeze(model, norm):
        model.train()
        norm.eval()

    assert modes_seen(freeze)[0] == [(True, False, True)] * 2
    held = [(torch.randn(4, 1), torch.ones(4, 1))]
    assert modes_seen(freeze, validation=held)[0] == [(True, False, True), (False, False, False)] * 2


def test_a_model_that_was_just_evaluated_is_trained_in_train_mode_by_its_own_rule():
    class Frozen(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[1].eval()
            return self

    assert modes_seen(lambda model, norm: model.eval())[0] == [(True, True, True)] * 2
    seen, _ = modes_seen(lambda model, norm: (setattr(model, "__class__", Frozen), model.eval()))
    assert seen == [(True, False, True)] * 2


class Batch:
    def to(self, device):
        return device


def test_packed_sequences_and_batches_with_a_method_are_moved_as_they_say():
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(2, 2)])
    device = torch.device("meta")  # as an accelerator: what is not there cannot be read
    moved = _moved({"packed": packed, "own": (Batch(), "a name")}, device)
    assert moved["packed"].data.device == device and moved["packed"].batch_sizes.tolist() == [2, 2, 1]
    assert moved["own"] == (device, "a name")
    assert _moved((packed, own := Batch()), None) == (packed, own)  # a model without parameters


def test_an_optimizer_of_another_model_is_refused():
    _, stale, *_ = line()
    model, _, loss_fn, batches = line()
    with pytest.raises(ValueError, match=r"none of the model's parameters.*was the model built anew"):
        range_test(model, stale, loss_fn, batches)


def test_an_optimizer_that_needs_a_closure_is_refused_with_the_way_out():
    model, _, loss_fn, batches = line()
    optimizer = torch.optim.LBFGS(model.parameters())
    with pytest.raises(TypeError, match=r"LBFGS\.step needs a closure; .*no_trace"):
        range_test(model, optimizer, loss_fn, batches)

    def step(rate):
        optimizer.param_groups[0]["lr"] = rate

        def closure():
            optimizer.zero_grad()
            loss = loss_fn(model(batches[0][0]), batches[0][1])
            loss.backward()
            return loss

        return optimizer.step(closure)  # a tensor with a gradient

    with no_trace(model, optimizer):
        assert len(finder.range_test(step, finder.ladder(1e-5, 1e-1, 10)).losses) == 10
    assert model.weight.item() == 1 and not optimizer.state


class Odd(nn.Module):
    """Buffers that cannot be written to just so."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1, dtype=torch.float64)
        self.register_buffer("expanded", torch.ones(1, 1).expand(3, 4))
        self.register_buffer("windows", torch.arange(5.0).unfold(0, 3, 1))
        self.register_buffer("transposed", torch.arange(6.0).reshape(2, 3).T)
        with torch.inference_mode():
            self.register_buffer("inferred", torch.ones(2))
            self.register_buffer("both", torch.ones(1).expand(3))

    def forward(self, x):
        return self.layer(x)


def test_expanded_and_inference_mode_buffers_are_restored():
    model = Odd()
    before = copy.deepcopy({name: buffer.tolist() for name, buffer in model.named_buffers()})
    objects = list(model.buffers())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert len(range_test(model, optimizer, nn.functional.mse_loss, [(ONE, NOUGHT)], steps=3, end=0.1).losses) == 3
    with no_trace(model, optimizer):
        for name in ("expanded", "windows", "transposed", "inferred", "both"):
            buffer = getattr(model, name)
            with torch.inference_mode():
                (buffer[0, 0] if buffer.dim() == 2 else buffer[0]).fill_(7.0)
        assert model.expanded[2, 3] == 7 and model.inferred[0] == 7
    assert {name: buffer.tolist() for name, buffer in model.named_buffers()} == before
    assert all(a is b for a, b in zip(objects, model.buffers(), strict=True))


def test_hooks_and_other_ordered_dicts_are_restored_in_their_order():
    model, ran = nn.Sequential(nn.Linear(1, 1)), []
    model.cache = collections.OrderedDict(first=1, second=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    first = model.register_forward_hook(lambda *_: ran.append("first"))
    model.register_forward_hook(lambda *_: ran.append("second"))
    before = model[0].weight.tolist()
    with no_trace(model, optimizer):
        first.remove()
        optimizer.register_step_post_hook(lambda *_: ran.append("block"))
        l1_unstructured(model[0], "weight", 0.5)
        model.cache.move_to_end("first")
        model.cache["third"] = 3
        model(torch.ones(1, 1)).sum().backward()
        optimizer.step()
    assert model[0].weight.tolist() == before
    ran.clear()
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert ran == ["first", "second"]
    assert list(model.cache.items()) == [("first", 1), ("second", 2)]
    assert copy.deepcopy(model)[0].weight.shape == (1, 1)


def test_other_containers_that_a_module_holds_are_restored():
    class Remembers(nn.Linear):
        def __init__(self):
            super().__init__(1, 1)
            self.recent, self.seen = collections.deque([torch.zeros(1)], maxlen=2), bytearray(b"0")

        def forward(self, x):
            self.recent[0].add_(1)
            self.recent.append(x)
            self.seen += b"1"
            return super().forward(x)

    model = Remembers()
    recent, seen = model.recent, model.seen
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    range_test(model, optimizer, nn.functional.mse_loss, [(torch.ones(1, 1), torch.ones(1, 1))], steps=3, end=0.1)
    assert model.recent is recent and list(recent) == [torch.zeros(1)] and recent.maxlen == 2
    assert model.seen is seen and seen == b"0"


@pytest.mark.parametrize("change", [lambda m: m.half(), lambda m: setattr(m.weight, "data", torch.zeros(2, 3))])
def test_a_tensor_is_restored_from_another_type_or_shape(change):
    model = nn.Linear(3, 1)
    before = copy.deepcopy(model.state_dict())
    with no_trace(model, torch.optim.SGD(model.parameters(), lr=0.1)):
        change(model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


# -- a step of one's own -----------------------------------------------------------------------------------------------


def accumulating(one):
    """Two micro-batches an update, clipped."""
    batches = itertools.cycle(one.loader)

    def step(rate):
        one.optimizer.param_groups[0]["lr"] = rate
        one.optimizer.zero_grad()
        total = 0.0
        for x, y in itertools.islice(batches, 2):
            loss = one.loss_fn(one.model(x), y) / 2
            loss.backward()
            total += loss.item()
        nn.utils.clip_grad_norm_(one.model.parameters(), 0.1)
        one.optimizer.step()
        return total

    return step


def scaled(one):
    """Mixed precision with loss scaling."""
    batches = itertools.cycle(one.loader)

    def step(rate):
        one.optimizer.param_groups[0]["lr"] = rate
        one.optimizer.zero_grad()
        x, y = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            loss = one.loss_fn(one.model(x), y)
        one.scaler.scale(loss).backward()
        one.scaler.step(one.optimizer)
        one.scaler.update()
        return loss.item()

    return step


def rough(one):
    """Leaves flags, gradients and modes as no step should."""
    step = accumulating(one)

    def careless(rate):
        loss = step(rate)
        one.model.eval()
        one.model[0].weight.requires_grad_(False)
        return loss

    return careless


@pytest.mark.parametrize("ending", [None, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("make_step", [accumulating, scaled, rough])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "tensor"])
def test_a_step_of_ones_own_leaves_no_trace(optimizer, make_step, ending):
    one, other = Setting(optimizer), Setting(optimizer)
    for setting in (one, other):
        setting.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    before, scale = one.state(), one.scaler.state_dict()

    def step(rate):
        loss = inner(rate)
        if ending and rate > 1e-4:
            raise ending
        return loss

    with pytest.raises(ending) if ending else contextlib.nullcontext():  # noqa: SIM117
        with no_trace(one.model, one.optimizer, one.loader, one.scaler):
            inner = make_step(one)
            result = lrlib.range_test(step, finder.ladder(1e-5, 1e-2, 10))
            assert len(result.losses) == 10
            assert (one.scaler.state_dict() != scale) == (make_step is scaled)
    assert_no_trace(before, one.state())
    assert one.scaler.state_dict() == scale
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    losses = one.train(), accumulating(one)(0.01), scaled(one)(0.01)
    torch.set_rng_state(states[0])
    random.setstate(states[1])
    np.random.set_state(states[2])  # noqa: NPY002
    assert (other.train(), accumulating(other)(0.01), scaled(other)(0.01)) == losses
    assert same(one.model.state_dict(), other.model.state_dict())


def test_two_models_and_two_optimizers():
    """A GAN's step; a second optimizer or model may stand in a list or among the others."""
    torch.manual_seed(0)
    generator, critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)), nn.Linear(4, 1)
    optimizers = [torch.optim.Adam(part.parameters(), lr=0.01) for part in (generator, critic)]
    schedulers = [torch.optim.lr_scheduler.StepLR(optimizer, 1) for optimizer in optimizers]

    def step(rate=None):
        for optimizer in optimizers:
            if rate is not None:
                optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
        fake = generator(torch.randn(8, 2))
        critic.requires_grad_(False)
        loss = critic(fake).mean()
        loss.backward()
        optimizers[0].step()
        critic.requires_grad_(True)
        difference = critic(fake.detach()).mean() - critic(torch.randn(8, 4)).mean()
        difference.backward()
        optimizers[1].step()
        for scheduler in schedulers:
            scheduler.step()
        return loss.item()

    step()

    def state():
        kept = [part.state_dict() for part in (generator, critic, *optimizers, *schedulers)]
        return copy.deepcopy([kept, torch.get_rng_state()])

    before = state()
    for given in (
        ([generator, critic], optimizers, None, schedulers),
        (generator, optimizers[0], None, critic, optimizers[1], *schedulers),
    ):
        with no_trace(*given):
            finder.range_test(step, finder.ladder(1e-5, 1e-2, 5))
            assert not same(before, state())
        assert same(before, state())


def test_what_else_a_step_changes():
    class Average:
        """Of the weights, in a plain object, which holds what is known to have a state."""

        def __init__(self):
            self.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=1)
            self.scaler.scale(torch.ones(1))
            self.schedule = torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.zeros(1)], lr=0.1), 1)
            self.calls, self.kept, self.rng = 0, [torch.zeros(1)], np.random.default_rng(0)

    model, optimizer, *_ = line()
    average, counts, generator, array = Average(), {"n": 0}, torch.Generator().manual_seed(1), np.zeros(2)
    loader = DataLoader(TensorDataset(torch.arange(8.0)), shuffle=True, generator=torch.Generator().manual_seed(1))
    expected = loader.generator.get_state(), generator.get_state(), average.rng.bit_generator.state
    with no_trace(model, optimizer, None, average, [counts, generator], array, loader):
        average.calls, counts["n"] = 1, 1
        average.kept[0] += 1
        average.new = True
        average.scaler.update(8.0)
        average.schedule.last_epoch = 3
        array += 1
        next(iter(loader))
        torch.rand(1, generator=generator)
        average.rng.random()
    assert (average.calls, counts, average.kept[0].item(), hasattr(average, "new")) == (0, {"n": 0}, 0.0, False)
    assert array.tolist() == [0, 0]
    assert (average.scaler.get_scale(), average.schedule.last_epoch) == (4.0, 0)
    assert same(expected, (loader.generator.get_state(), generator.get_state(), average.rng.bit_generator.state))


def test_gradients_are_set_aside():
    one, loose = Setting(), nn.Parameter(torch.ones(1))
    loose.grad = torch.ones(1)
    with no_trace(one.model, one.optimizer, None, torch.optim.SGD([loose], lr=0.1)):
        assert loose.grad is None and all(p.grad is None for p in one.model.parameters())
    assert (one.model[0].weight.grad == 7).all() and loose.grad == 1


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": 3}, TypeError, "model must be a torch.nn.Module, or a list of them, got int"),
        ({"model": []}, TypeError, "model must be .* got none"),
        ({"optimizer": nn.Linear(1, 1)}, TypeError, "optimizer must be a torch.optim.Optimizer, .* got Linear"),
        ({"optimizer": None}, TypeError, "optimizer must be .* got NoneType"),
        (
            {"loader": nn.Sequential()},
            TypeError,
            "loader must be an iterable .* got Sequential; several models or opti",
        ),
        ({"loader": 3}, TypeError, "loader must be an iterable"),
        ({"other": 0.1}, TypeError, "others must be objects that hold a state, got 0.1"),
        ({"other": "scaler"}, TypeError, "others must be objects"),
        ({"model": nn.LazyLinear(1)}, ValueError, "uninitialised parameters; pass one batch"),
    ],
)
def test_no_trace_refuses_what_it_cannot_restore(change, error, words):
    model, optimizer, *_ = line()
    given = {"model": model, "optimizer": optimizer, "loader": None, "other": {}, **change}
    with pytest.raises(error, match=words), no_trace(*given.values()):
        pytest.fail("the block was entered")


def test_small_batches_of_a_regression_reach_the_end_of_the_curve():
    """512 rows, default settings: with single losses for a measure sweeps ended after 5 to 40 rates."""
    for seed in range(5):
        torch.manual_seed(seed)
        x = torch.randn(512, 10)
        data = TensorDataset(x, x @ torch.randn(10, 1) + 0.1 * torch.randn(512, 1))
        for size in (4, 8, 16, 32):
            model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            loader = DataLoader(data, size, shuffle=True)
            result = range_test(model, optimizer, nn.functional.mse_loss, loader, progress=False)
            assert 80 <= len(result.rates) < 100 and result.stopped != "completed", (seed, size, result)


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
