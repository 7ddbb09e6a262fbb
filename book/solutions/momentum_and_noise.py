# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions: Momentum, noise and batch

# %%
import numpy as np

from lrlib.course import pytorch as in_torch
from lrlib.course import study
from lrlib.course.experiments import batch_and_momentum as bm

in_torch.one_thread()

stored = study.load("batch_and_momentum")


def mean_loss(runs):
    """The geometric mean of the training losses, as in the chapter."""
    return np.exp(np.mean(np.log([run["train_loss"] for run in runs])))


# %% [markdown]
# ## Exercise 1
#
# What acts is $\eta\,/\,((1-\mu)B)$, here 0.08 / (0.5 · 16) = 0.01. With a momentum of 0.9 and a batch of 64 that
# asks for a rate of 0.01 · 0.1 · 64 = **0.064**. The two end within a tenth of each other's loss, on average over ten
# seeds.

# %% tags=["nbval-ignore-output"]
settings = bm.Setting(0.08, 16, momentum=0.5), bm.Setting(0.064, 64, momentum=0.9)
ends = [mean_loss(bm.run(setting, "pytorch", range(10))) for setting in settings]
print("mean training losses:", np.round(ends, 4))

# %%
shares = [s.rate / ((1 - s.momentum) * s.batch) for s in settings]
assert abs(ends[1] / ends[0] - 1) < 0.1 and np.isclose(*shares), ends
print(f"effective step per image {shares[0]:.3f} and {shares[1]:.3f}; losses within a tenth: yes")

# %% [markdown]
# ## Exercise 2
#
# At an effective step of 0.1 the variance is about 0.05, whatever the momentum. The formula says when that stops: with
# $\eta = s\,(1-\mu)$ it is $s\,\sigma^2(1+\mu)\,/\,(\lambda\,(2(1+\mu)-\eta\lambda))$. Where $\eta\lambda$ is small
# beside $2(1+\mu)$, that is half the step. At an effective step of 1, a plain weight has twice as much, and one with a
# momentum of 0.9 only 3 % more.


# %%
def cloud(rate, momentum, updates=1500, walkers=10_000):
    """The variance of many weights on a parabola of curvature 1, gradients with noise 1."""
    random = np.random.default_rng(0)
    w, v = np.zeros(walkers), np.zeros(walkers)
    for _ in range(updates):
        v = momentum * v + w + random.standard_normal(walkers)
        w = w - rate * v
    return np.var(w)


def exact(rate, mu):
    return rate * (1 + mu) / ((1 - mu) * (2 * (1 + mu) - rate))


for step in (0.1, 1.0):
    for momentum in (0.0, 0.5, 0.9):
        rate = step * (1 - momentum)
        assert abs(cloud(rate, momentum) / exact(rate, momentum) - 1) < 0.1
        print(f"effective step {step}, momentum {momentum}: variance {exact(rate, momentum):.3f}")

# %% [markdown]
# ## Exercise 3
#
# It takes between 80 and 95 epochs, which are 320 to 380 updates, where batch 32 made 640. So the large batch costs
# more than four times the images and at most three fifths of the updates: dear on one processor, cheap where many work
# at once.

# %% tags=["nbval-ignore-output"]
target = mean_loss(stored[bm.swept(32, 0.64)]["pytorch"])
ends = {}
for epochs in (80, 95):
    setting = bm.Setting(1.28, 256, epochs=epochs)
    ends[epochs] = mean_loss(bm.run(setting, "pytorch", range(10)))
    print(f"batch 256, {epochs} epochs: loss {ends[epochs]:.4f}; to reach {target:.4f}")

# %%
assert ends[95] < target < ends[80], (ends, target)
updates = {epochs: epochs * bm.TRAINING // 256 for epochs in ends}
plain = bm.EPOCHS * bm.TRAINING // 32
assert updates[95] < 0.6 * plain, (updates, plain)
print(
    f"80 epochs ({updates[80]} updates) are too few and 95 ({updates[95]}) enough; batch 32 made {plain} updates: yes"
)

# %% [markdown]
# ## Exercise 4
#
# A little closer: from batch 8 to 32 at twice the rate, the loss is higher by a tenth to a third with Adam's usual
# averages, and by less, though still more than a tenth, with averages that are scaled, too. Scaled averages forget
# after as many *images* as before, but a gradient here is still part signal.

# %% tags=["nbval-ignore-output"]
before = mean_loss(stored[bm.by_adam(8, 0.001)]["pytorch"])
changes = []
for betas in ((0.9, 0.999), (0.6, 0.996)):
    setting = bm.Setting(0.002, 32, optimizer="Adam", betas=betas)
    after = mean_loss(bm.run(setting, "pytorch", range(10)))
    changes.append(after / before - 1)
    print(f"averages {betas}: {100 * changes[-1]:+.0f} %")

# %%
assert 0.1 < changes[1] < changes[0] < 0.35, changes
print("both raise the loss by a tenth to a third, the scaled averages by less: yes")
