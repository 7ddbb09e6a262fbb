"""Q-AGREL in Keras (Pozzi, Bohté and Roelfsema, 2018, as the source has it). ``pytorch.py`` is the same in PyTorch.

Many repetitions run at once, each on an image of its own: every array begins with an axis over repetitions. An
activation is a row, repetitions × 1 × units, so W_lᵀ a reads ``a @ W_l``.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from tqdm import tqdm

from lrlib import Schedule
from lrlib.course.experiments.q_agrel.draws import Data, Draws, Outcome, accuracy


def forward(W: list[Any], x: Any, relu: bool) -> list[Any]:
    """a_0 = x, a_l = g(W_lᵀ a_{l−1}); the last layer is linear."""
    a = [x]
    for w in W:
        z = ops.matmul(a[-1], w)
        a.append(ops.relu(z) if relu and w is not W[-1] else z)
    return a


def learn(W: list[Any], V: list[Any], x: Any, label: Any, explore: Any, uniform: Any, rate: Any, relu: bool) -> Any:
    """Show each repetition one image and update its W and V in place; returns δ², one a repetition."""
    a = forward(W, x, relu)
    q = ops.squeeze(a[-1], 1)
    # Action k: sampled from softmax(q) where a repetition explores, else the largest q. δ = r − q_k.
    cdf = ops.cumsum(ops.softmax(q), axis=1)
    sampled = ops.sum(ops.cast(cdf < uniform * cdf[:, -1:], "int32"), axis=1)
    k = ops.where(explore[:, 0], sampled, ops.argmax(q, axis=1))
    action = ops.one_hot(k, q.shape[1], dtype=q.dtype)
    delta = ops.cast(k[:, None] == label, q.dtype) - ops.sum(q * action, axis=1, keepdims=True)
    # Feedback: b_L = onehot(k), b_{l−1} = h(V_lᵀ b_l), not multiplied by g′ on the way.
    b = [action[:, None]]
    for v in reversed(V):
        z = ops.matmul(b[0], v)
        b.insert(0, ops.relu(z) if relu else z)
    # ΔW_l = a_{l−1} (g′(a_l) ⊙ s_l)ᵀ and ΔV_l = s_l (h′(b_{l−1}) ⊙ a_{l−1})ᵀ with s_l = η δ b_l.
    step = (rate * delta)[:, None]
    for n, (w, v) in enumerate(zip(W, V, strict=True)):
        s = step * b[n + 1]
        to_w = s * ops.cast(a[n + 1] > 0, q.dtype) if relu and w is not W[-1] else s
        to_v = a[n] * ops.cast(b[n] > 0, q.dtype) if relu else a[n]
        w.assign_add(ops.swapaxes(a[n], 1, 2) * to_w)
        v.assign_add(ops.swapaxes(s, 1, 2) * to_v)
    return ops.square(delta[:, 0])


def run(schedule: Schedule, data: Data, draws: Draws, relu: bool = False) -> Outcome:
    """Train from ``draws`` for as many epochs as they have; the rate of epoch e is ``schedule(e)``."""
    W = [keras.Variable(w) for w in draws.forward]
    V = [keras.Variable(v) for v in draws.feedback]
    x, y, x_test = (tf.constant(array) for array in (data.x, data.y.astype("int32"), data.x_test))
    rows, explore, uniform = (array[..., None] for array in draws[2:])

    @tf.function(jit_compile=True)  # an epoch is one graph, compiled by XLA: several times as fast here
    def epoch_of(rows: Any, explore: Any, uniform: Any, rate: Any) -> tuple[Any, Any]:
        total = tf.zeros(len(draws.forward[0]))
        for i in tf.range(len(rows)):
            image, label = tf.gather(x, rows[i]), tf.gather(y, rows[i])
            total += learn(W, V, image, label, explore[i], uniform[i], rate, relu)
        return total / len(rows), forward(W, x_test, relu)[-1]

    errors, accuracies = [], []
    for epoch in tqdm(range(len(rows)), delay=2, leave=False):
        rate = tf.constant(float(schedule(epoch)))
        error, q = epoch_of(*(tf.constant(array[epoch]) for array in (rows, explore, uniform)), rate)
        errors.append(error.numpy())
        accuracies.append(accuracy(q.numpy(), data.y_test))
    return Outcome(np.array(errors), np.array(accuracies), [w.numpy() for w in W], [v.numpy() for v in V])
