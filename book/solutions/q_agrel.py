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
# # Solutions: Q-AGREL on digits

# %%
import numpy as np

import lrlib
from lrlib.course import pytorch as in_torch
from lrlib.course import study
from lrlib.course.experiments import q_agrel
from lrlib.course.experiments.q_agrel.draws import draw
from lrlib.course.experiments.q_agrel.pytorch import run

in_torch.one_thread()
data = q_agrel.images()
results = study.load("q_agrel")
draws = draw(q_agrel.SIZES, range(10), epochs=2)
outcome = run(lrlib.Constant(0.005), data, draws)

# %% [markdown]
# ## Exercise 1
#
# Expect a difference of rounding, about 1e-6, where in each layer some weight has moved by 0.05 and more. The two
# matrices add up the same updates. So what they have in common grows and their difference does not: the feedback
# turns towards the transposed forward weights, which is what backpropagation uses. After two epochs the correlation
# has gone from nothing to 0.02 to 0.04.


# %%
def likeness(forward, feedback):
    """The cosine between W and the transposed V."""
    turned = np.swapaxes(feedback, 1, 2)
    lengths = np.linalg.norm(forward) * np.linalg.norm(feedback)
    return (forward * turned).sum() / lengths


for layer in range(5):
    before = draws.forward[layer], draws.feedback[layer]
    after = outcome.forward[layer], outcome.feedback[layer]
    differences = [w - np.swapaxes(v, 1, 2) for w, v in (before, after)]
    assert np.abs(differences[1] - differences[0]).max() < 1e-5
    assert abs(likeness(*before)) < 0.02
    assert np.abs(after[0] - before[0]).max() > 0.05
    print(f"layer {layer + 1}: cosine {likeness(*after):.2f}")

# %% [markdown]
# ## Exercise 2
#
# Expect no change at all. The feedback $b_0$ belongs to the pixels, which have no weights below them to be updated,
# and in the linear network nothing else reads it. (With a ReLU it decides which feedback weights of the first layer
# learn, and those again reach nothing but $b_0$.)

# %%
emptied = [np.zeros_like(draws.feedback[0]), *draws.feedback[1:]]
without = run(lrlib.Constant(0.005), data, draws._replace(feedback=emptied))
print("same accuracies:", np.array_equal(without.accuracies, outcome.accuracies))

# %% [markdown]
# ## Exercise 3
#
# Expect that it does. The median stays above 80 %, and one or more of the ten repetitions end in ruins, as with the
# source's exploration. So it is the rate that ruins them, and not the random actions.

# %%
draws = draw(q_agrel.SIZES, range(10), epochs=10)
seldom = np.random.default_rng(0).random(draws.explore.shape) < 0.02
outcome = run(lrlib.Constant(0.01), data, draws._replace(explore=seldom))
ends = outcome.accuracies[-1]
print("median above 80 %:", np.median(ends) > 80)
print("some below 50 %:", (ends < 50).any())

# %% [markdown]
# ## Exercise 4
#
# Expect a lead of 20 points after the first epoch, which it makes at a rate three times as high. After eight epochs,
# which are two whole cycles of either, one point is left. After ten it is two, of which a single repetition
# contributes nearly half. So yes, it matters, and the number of epochs decides how much: compare after whole cycles.

# %%
turned = run(0.01 - q_agrel.LOW_CYCLE, data, draws).accuracies
group = results["linear-low-cycle"]["pytorch"][0]
cycle = np.array(group["epoch_accuracy_each"]).T
for epoch in (1, 8, 10):
    lead = (turned - cycle)[epoch - 1].mean()
    print(f"after {epoch} epochs: {lead:+.0f} points")
leads = (turned - cycle)[-1]
assert 0.4 < leads.max() / leads.sum() < 0.5, leads
