"""Q-AGREL in PyTorch (Pozzi, Bohté and Roelfsema, 2018, as the source has it). ``keras.py`` is the same in Keras.

Many repetitions run at once, each on an image of its own: every array begins with an axis over repetitions. An
activation is a row, repetitions × 1 × units, so W_lᵀ a reads ``a @ W_l``.
"""

import numpy as np
import torch
from tqdm import tqdm

from lrlib import Schedule
from lrlib.course.experiments.q_agrel.draws import Data, Draws, Outcome, accuracy


def forward(W: list[torch.Tensor], x: torch.Tensor, relu: bool) -> list[torch.Tensor]:
    """a_0 = x, a_l = g(W_lᵀ a_{l−1}); the last layer is linear."""
    a = [x]
    for w in W:
        z = torch.bmm(a[-1], w)
        a.append(z.relu_() if relu and w is not W[-1] else z)
    return a


def learn(
    W: list[torch.Tensor],
    V: list[torch.Tensor],
    x: torch.Tensor,
    label: torch.Tensor,
    explore: torch.Tensor,
    uniform: torch.Tensor,
    rate: float,
    relu: bool,
) -> torch.Tensor:
    """Show each repetition one image and update its W and V in place; returns δ², one a repetition."""
    a = forward(W, x, relu)
    q = a[-1].squeeze(1)
    # Action k: sampled from softmax(q) where a repetition explores, else the largest q. δ = r − q_k.
    cdf = q.softmax(1).cumsum(1)
    sampled = (cdf < uniform * cdf[:, -1:]).sum(1, keepdim=True)
    k = torch.where(explore, sampled, q.argmax(1, keepdim=True))
    action = torch.zeros_like(q).scatter_(1, k, 1.0)
    delta = (k == label).to(q.dtype) - (q * action).sum(1, keepdim=True)
    # Feedback: b_L = onehot(k), b_{l−1} = h(V_lᵀ b_l), not multiplied by g′ on the way.
    b = [action.unsqueeze(1)]
    for v in reversed(V):
        z = torch.bmm(b[0], v)
        b.insert(0, z.relu_() if relu else z)
    # ΔW_l = a_{l−1} (g′(a_l) ⊙ s_l)ᵀ and ΔV_l = s_l (h′(b_{l−1}) ⊙ a_{l−1})ᵀ with s_l = η δ b_l.
    step = (rate * delta).unsqueeze(2)
    for n, (w, v) in enumerate(zip(W, V, strict=True)):
        s = step * b[n + 1]
        to_w = s * (a[n + 1] > 0) if relu and w is not W[-1] else s
        to_v = a[n] * (b[n] > 0) if relu else a[n]
        w.addcmul_(a[n].mT, to_w)
        v.addcmul_(s.mT, to_v)
    return delta.square().squeeze(1)


@torch.inference_mode()
def run(schedule: Schedule, data: Data, draws: Draws, relu: bool = False) -> Outcome:
    """Train from ``draws`` for as many epochs as they have; the rate of epoch e is ``schedule(e)``."""
    W = [torch.tensor(w) for w in draws.forward]
    V = [torch.tensor(v) for v in draws.feedback]
    x, y, x_test = torch.tensor(data.x), torch.tensor(data.y).long(), torch.tensor(data.x_test)
    rows, explore, uniform = (torch.tensor(array).unsqueeze(-1) for array in draws[2:])
    errors, accuracies = [], []
    for epoch in tqdm(range(len(rows)), delay=2, leave=False):
        rate, order = float(schedule(epoch)), rows[epoch]
        total = torch.zeros(len(W[0]))
        for given in zip(x[order], y[order], explore[epoch], uniform[epoch], strict=True):
            total += learn(W, V, *given, rate, relu)
        q = forward(W, x_test.expand(len(W[0]), -1, -1), relu)[-1]
        errors.append((total / len(order)).numpy())
        accuracies.append(accuracy(q.numpy(), data.y_test))
    return Outcome(np.array(errors), np.array(accuracies), [w.numpy() for w in W], [v.numpy() for v in V])
