"""CLR's Table 1: the paper's lengths and rates, whole and at a tenth, and Caffe's network."""

import numpy as np
import pytest

from lrlib.course import store
from lrlib.course.experiments import clr_table1 as clr


@pytest.mark.parametrize(("suffix", "shortened"), [("", 1), ("-tenth", 10)])
def test_the_rates_are_the_papers(suffix, shortened):
    fixed, cycles, control = (clr.SETTINGS[name + suffix] for name in ("fixed", "triangular2", "fixed-early-drops"))
    assert [fixed.updates, cycles.updates, control.updates] == [n // shortened for n in (70_000, 25_000, 25_000)]

    def at(setting, update):
        return setting.schedule(update // shortened)

    assert [at(fixed, n) for n in (0, 59_990, 60_000, 65_000)] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])
    assert [at(control, n) for n in (0, 15_990, 16_000, 22_000)] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])
    # peaks halve above the base; the last drop makes a hundredth of all
    assert [at(cycles, n) for n in (0, 2000, 4000, 6000, 16_000)] == pytest.approx([1e-3, 6e-3, 1e-3, 3.5e-3, 1e-4])
    assert cycles.schedule(24_000 // shortened) == pytest.approx(1e-5)


def test_the_network_is_caffes():
    import torch

    model, groups = clr.cifar10_full(seed=0)
    assert sum(p.numel() for p in model.parameters()) == 89_578
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    assert [group["weight_decay"] for group in groups] == [0.004, 1.0, 0.004, 0.004, 0.0]
    images = torch.from_numpy(np.random.default_rng(0).normal(0, 60, (2, 32, 32, 3)).astype("float32"))
    sizes = []
    for layer in model:
        images = layer(images)
        sizes.append(tuple(images.shape[1:]))
    assert [size for size, layer in zip(sizes, model, strict=True) if "Pool" in type(layer).__name__] == [
        (32, 16, 16),
        (32, 8, 8),
        (64, 4, 4),
    ]


def test_response_normalisation_is_its_formula():
    import torch

    model, _ = clr.cifar10_full(seed=0)
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64) * 300
    window = x[0, 0, 1:4, 0:3]
    expected = x[0, 0, 2, 1] / (1 + 5e-5 / 9 * (window**2).sum()) ** 0.75
    assert model[4](x)[0, 0, 2, 1].item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_papers_lengths_wait_for_an_accelerator(tmp_path):
    """Their results may be lacking, and their trials are the same on every machine."""
    full = [name for name in clr.SETTINGS if not name.endswith("-tenth")]
    assert clr.EXPERIMENT.optional == set(full)
    assert all(clr.seeds_of(name, "pytorch") == (100, 101, 102, 103, 104) for name in full)
    stored = store.load(clr.EXPERIMENT)
    assert "fixed-tenth" in stored and "fixed" not in stored
    with pytest.raises(LookupError, match="fixed-tenth"):
        store.load(clr.EXPERIMENT, tmp_path)


@pytest.mark.parametrize(("suffix", "updates"), [("", 25_000), ("-tenth", 2500)])
def test_the_second_control_has_the_cycles_mean_rate_and_their_drops(suffix, updates):
    cycles, control = (clr.SETTINGS[name + suffix] for name in ("triangular2", "fixed-mean-early-drops"))
    assert control.updates == cycles.updates == updates
    means = [one.schedule.describe(updates)["mean"] for one in (control, cycles)]
    assert means[0] == pytest.approx(means[1], rel=1e-12)
    at = np.array([control.schedule(updates * part // 25) for part in (0, 15, 16, 21, 22, 24)])
    assert at / at[0] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_new_seeds_at_a_tenth_need_no_accelerator():
    (of_a_tenth,) = (claim.rule for claim in clr.EXPERIMENT.claims() if claim.text.endswith("divided by ten"))
    arms = [of_a_tenth.runs, of_a_tenth.control, of_a_tenth.as_written.control]
    assert [arm.setting for arm in arms] == [
        "triangular2-tenth",
        "fixed-mean-early-drops-tenth",
        "fixed-early-drops-tenth",
    ]
    assert not clr.EXPERIMENT.optional & {arm.setting for arm in arms}


@pytest.mark.slow
def test_each_group_has_its_rate(monkeypatch):
    """Biases move twice as far, but for the third convolution's."""
    import torch

    seen = {}
    step = torch.optim.SGD.step

    def watched(self, *args, **kwargs):
        seen["rates"] = [group["lr"] for group in self.param_groups]
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    random = np.random.default_rng(0)
    few = random.normal(0, 60, (200, 32, 32, 3)).astype("float32"), random.integers(0, 10, 200)
    monkeypatch.setattr(clr, "images", lambda: (few, few))  # 10,000 test images would take its time
    setting = clr.Setting(clr.SETTINGS["fixed"].schedule, updates=20, shortened=1)
    result = clr.trial(setting, "pytorch", 0, share=1 / clr.MARKS)
    assert seen["rates"] == pytest.approx([1e-3, 1e-3, 2e-3, 1e-3, 2e-3])
    assert result["rates"] == pytest.approx([1e-3, 1e-3]) and len(result["curve"]["accuracy"]) == 1
