"""What decides a claim without training: each function says for a framework whether it holds, and what was seen."""

import math
from typing import Any

import numpy as np

import lrlib
from lrlib.course import s4, study


def time_based_table(framework: str) -> tuple[bool, str]:
    """S4's time-based row, to its printed digits: epochs 0, 10, 25 and the end of the stored runs."""
    rates = study.load("s4")["time-based"][framework][0]["rates"]
    in_force = [rates[epoch] for epoch in (0, 10, 25, -1)]
    return np.allclose(in_force, [0.1, 0.099, 0.097, 0.095], atol=5e-4), ", ".join(f"{rate:.3g}" for rate in in_force)


def step_table(framework: str) -> tuple[bool, str]:
    """S4's step row at epoch 50, the one after the last; the rule is one in both frameworks."""
    rate = s4.SETTINGS["step"].schedule(50)
    return math.isclose(rate, 0.00625), f"{rate:g}"


def is_share_of_the_images(framework: str) -> tuple[bool, str]:
    """Whether S1's 98.2638 % of 2,000 images is a whole number of them, to its printed digits."""
    images = {count: 0.982638 * count for count in (2000, 2016)}
    whole = abs(images[2000] - round(images[2000])) < 5e-7 * 2000
    return whole, "; ".join(f"{number:.2f} of {count}" for count, number in images.items())


def steepest(result: dict[str, Any]) -> float:
    """The steepest point of a stored sweep; NaN where its curve supports none."""
    found = lrlib.RangeTest.from_dict(result["range_test"]).suggest("steepest").lr
    return float("nan") if found is None else found


def _combined(framework: str) -> Any:
    results = study.load("s1-range")["held-out-batches"][framework]
    return lrlib.combine([lrlib.RangeTest.from_dict(result["range_test"]) for result in results])


def in_usable_range(framework: str) -> tuple[bool, str]:
    """S1's steepest point lies from 3e-4 to 1e-3."""
    found = _combined(framework).suggest("steepest").lr
    return found is not None and 3e-4 <= found <= 1e-3, "no number" if found is None else f"{found:.2g}"


def smiths_range(framework: str) -> tuple[bool, str]:
    """3e-4 to 1e-3 lies within Smith's range."""
    found = _combined(framework).suggest("smith")
    if found.base_lr is None or found.max_lr is None:
        return False, "no range"
    return found.base_lr <= 3e-4 and found.max_lr >= 1e-3, f"{found.base_lr:.2g} to {found.max_lr:.2g}"


def _cyclic_rates(framework: str, updates: int, mode: Any, low: float, high: float, step: int, gamma: float) -> Any:
    """The rates of PyTorch's own CyclicLR, or of the TensorFlow function with the interface of S2."""
    if framework == "keras":
        import tensorflow as tf

        import lrlib.keras

        t = tf.range(updates)
        return np.array(lrlib.keras.cyclic_learning_rate(t, low, max_lr=high, step_size=step, gamma=gamma, mode=mode))
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=low)
    cyclic = torch.optim.lr_scheduler.CyclicLR(
        optimizer, low, high, step_size_up=step, mode=mode, gamma=gamma, cycle_momentum=False
    )
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cyclic.step()
    return np.array(rates)


def cyclic_is_the_function(framework: str) -> tuple[bool, str]:
    """S1's function of the update count, as its text prints it, against the framework's cyclical rate."""
    t, low, high, step = np.arange(2000), 1e-3, 1e-2, 500
    cycle = np.floor(1 + t / (2 * step))
    x = np.abs(t / step - 2 * cycle + 1)
    apart = np.abs(
        low + (high - low) * np.maximum(0, 1 - x) - _cyclic_rates(framework, 2000, "triangular", low, high, step, 1.0)
    )
    return bool(apart.max() < 1e-8), f"2000 rates within {'1e-8' if apart.max() < 1e-8 else f'{apart.max():.0e}'}"


def exp_range_shrinks_both(framework: str) -> tuple[bool, str]:
    """Whether exp_range's lower boundary falls from cycle to cycle, as its upper one does."""
    rates = _cyclic_rates(framework, 241, "exp_range", 0.01, 0.1, 20, 0.997)
    lower, upper = rates[0::40], rates[20::40]
    fall = {"lower": lower[-1] < 0.99 * lower[0], "upper": upper[-1] < 0.99 * upper[0]}
    seen = f"lower {lower[0]:.3g} to {lower[-1]:.3g}, upper {upper[0]:.3g} to {upper[-1]:.3g}"
    return all(fall.values()), seen
