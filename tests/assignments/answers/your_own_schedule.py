# Answers to the assignment your_own_schedule: see tests/assignments/harness.py for the form.

# %% parameters
START, PEAK = 0.0, 0.4
WARMUP, FLAT, FALL = 7, 5, 11
DROP = 0.35

# %% wrong: falls below zero after the end; in: rate; caught by: rate_beyond
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    return drop * peak * (1 - ((update - warmup - flat) / fall) ** 0.5)

# %% wrong: the drop comes one update late; in: rate; caught by: rate_ends, rate_between
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update <= warmup:
        return start + (peak - start) * update / warmup
    if update <= warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) / fall)
    return drop * peak * (1 - z**0.5)

# %% wrong: reaches the peak one update early; in: rate; caught by: rate_ends, rate_between
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update < warmup:
        return start + (peak - start) * (update + 1) / warmup
    if update < warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) / fall)
    return drop * peak * (1 - z**0.5)

# %% wrong: forgets the drop; in: rate; caught by: rate_ends, rate_between
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) / fall)
    return peak * (1 - z**0.5)

# %% wrong: the root of the rest, not of the part done; in: rate; caught by: rate_between
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) / fall)
    return drop * peak * (1 - z) ** 0.5

# %% wrong: whole-number division; in: rate; caught by: rate_between
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update < warmup:
        return start + (peak - start) * (update // warmup)
    if update < warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) // fall)
    return drop * peak * (1 - z**0.5)

# %% wrong: a table of whole updates; in: rate; caught by: rate_between, rate_beyond
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    table = [start + (peak - start) * t / warmup for t in range(warmup)] + [peak] * flat
    table += [drop * peak * (1 - (t / fall) ** 0.5) for t in range(fall)] + [0.0]
    return table[int(update)]

# %% wrong: uses the numbers from the top; in: rate; caught by: rate_ends, rate_between
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    if update < WARMUP:
        return START + (PEAK - START) * update / WARMUP
    if update < WARMUP + FLAT:
        return PEAK
    z = min(1, (update - WARMUP - FLAT) / FALL)
    return DROP * PEAK * (1 - z**0.5)

# %% wrong: begins again after the end; in: rate; caught by: rate_beyond
def rate(update, start, peak, warmup, flat, drop, fall):
    if update < 0:
        raise ValueError("negative")
    update = update % (warmup + flat + fall)
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    return drop * peak * (1 - ((update - warmup - flat) / fall) ** 0.5)

# %% wrong: takes a negative number for 0; in: rate; caught by: rate_beyond
def rate(update, start, peak, warmup, flat, drop, fall):
    update = max(update, 0)
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) / fall)
    return drop * peak * (1 - z**0.5)

# %% wrong: refuses negative numbers with an assert; in: rate; caught by: rate_beyond
def rate(update, start, peak, warmup, flat, drop, fall):
    assert update >= 0
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    z = min(1, (update - warmup - flat) / fall)
    return drop * peak * (1 - z**0.5)

# %% wrong: one constant rate; in: rate; caught by: rate_ends, rate_between, rate_beyond
def rate(update, start, peak, warmup, flat, drop, fall):
    return peak

# %% unusual: interpolation and NumPy numbers; in: rate
def rate(update, start, peak, warmup, flat, drop, fall):
    if np.any(np.less(update, 0)):
        raise ValueError("negative")
    up = np.interp(update, [0, warmup], [start, peak])
    down = drop * peak * (1 - np.sqrt(np.clip((np.asarray(update) - warmup - flat) / fall, 0, 1)))
    return np.where(update < warmup + flat, up, down)[()]

# %% unusual: a list of phases, exact fractions; in: rate
from fractions import Fraction
def rate(update, start, peak, warmup, flat, drop, fall):
    left = Fraction(update)
    if left < 0:
        raise ValueError(update)
    phases = [
        (warmup, lambda done: (1 - done) * start + done * peak),
        (flat, lambda done: peak),
        (fall, lambda done: drop * peak * (1 - math.sqrt(done))),
    ]
    for length, value in phases:
        if left < length:
            return value(float(left / length))
        left -= length
    return 0
import math

# %% wrong: multiplies the rate that stands in the group; in: scheduler; caught by: pytorch_groups, pytorch_resume
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        now = rate(self.last_epoch, **self.shape)
        before = rate(self.last_epoch - 1, **self.shape) if self.last_epoch > 0 else 0
        if before == 0:
            return [now for _ in self.optimizer.param_groups]
        return [group["lr"] * (now / before) for group in self.optimizer.param_groups]

# %% wrong: multiplies the group's own rate; in: scheduler; caught by: pytorch_rates, pytorch_groups
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * rate(self.last_epoch, **self.shape) for base in self.base_lrs]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group, now in zip(self.optimizer.param_groups, self.get_lr()):
            group["lr"] = now

# %% wrong: ignores last_epoch; in: scheduler; caught by: pytorch_resume
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer)

    def get_lr(self):
        return [float(rate(self.last_epoch, **self.shape)) for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self._last_lr = self.get_lr()
        for group, now in zip(self.optimizer.param_groups, self._last_lr):
            group["lr"] = now

# %% wrong: takes last_epoch for the number of updates; in: scheduler; caught by: pytorch_resume
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, max(last_epoch - 1, -1))

    def get_lr(self):
        return [float(rate(self.last_epoch, **self.shape)) for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self._last_lr = self.get_lr()
        for group, now in zip(self.optimizer.param_groups, self._last_lr):
            group["lr"] = now

# %% wrong: loading leaves the rate that building has set; in: scheduler; caught by: pytorch_resume
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [float(rate(self.last_epoch, **self.shape)) for _ in self.optimizer.param_groups]

# %% wrong: keeps the groups that it was built with; in: scheduler; caught by: pytorch_resume
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.groups = optimizer.param_groups
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def step(self, epoch=None):
        self.last_epoch += 1
        self.set()

    def set(self):
        now = float(rate(self.last_epoch, **self.shape))
        for group in self.groups:
            group["lr"] = now
        self._last_lr = [now for _ in self.groups]

    def state_dict(self):
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict):
        self.last_epoch = state_dict["last_epoch"]
        self.set()

# %% wrong: skips the first rate; in: scheduler; caught by: pytorch_rates
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [float(rate(self.last_epoch + 1, **self.shape)) for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group, now in zip(self.optimizer.param_groups, self.get_lr()):
            group["lr"] = now

# %% wrong: the rate is set at the first step only; in: scheduler; caught by: pytorch_rates, pytorch_groups
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.optimizer = optimizer
        self.updates = last_epoch + 1
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self):
        self.updates += 1
        now = float(rate(self.updates, **self.shape))
        for group in self.optimizer.param_groups:
            group["lr"] = now
        self._last_lr = [now for _ in self.optimizer.param_groups]

    def state_dict(self):
        return {"updates": self.updates}

    def load_state_dict(self, state_dict):
        self.updates = state_dict["updates"] - 1
        self.step()

# %% wrong: counts epochs of five updates; in: scheduler; caught by: pytorch_rates
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [float(rate(self.last_epoch // 5, **self.shape)) for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group, now in zip(self.optimizer.param_groups, self.get_lr()):
            group["lr"] = now

# %% wrong: the state holds a lambda; in: scheduler; caught by: pytorch_state
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.at = lambda t: float(rate(t, start, peak, warmup, flat, drop, fall))
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [self.at(self.last_epoch) for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self._last_lr = self.get_lr()
        for group, now in zip(self.optimizer.param_groups, self._last_lr):
            group["lr"] = now

# %% wrong: the state holds numbers of NumPy; in: scheduler; caught by: pytorch_state
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [np.float64(rate(self.last_epoch, **self.shape)) for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self._last_lr = self.get_lr()
        for group, now in zip(self.optimizer.param_groups, self._last_lr):
            group["lr"] = now

# %% wrong: the state forgets the count; in: scheduler; caught by: pytorch_resume, pytorch_state
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [float(rate(self.last_epoch, **self.shape)) for _ in self.optimizer.param_groups]

    def state_dict(self):
        return dict(self.shape)

    def load_state_dict(self, state_dict):
        self.shape = dict(state_dict)

# %% wrong: sets the first group only; in: scheduler; caught by: pytorch_groups
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        now = float(rate(self.last_epoch, **self.shape))
        return [now] + [group["lr"] for group in self.optimizer.param_groups[1:]]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.optimizer.param_groups[0]["lr"] = self.get_lr()[0]

# %% wrong: get_last_lr gives one rate for two groups; in: scheduler; caught by: pytorch_groups
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        super().__init__(optimizer, last_epoch)

    def step(self, epoch=None):
        self.last_epoch += 1
        self.put()

    def put(self):
        self._last_lr = [float(rate(self.last_epoch, **self.shape))]
        for group in self.optimizer.param_groups:
            group["lr"] = self._last_lr[0]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.put()

# %% unusual: a LambdaLR whose base rates are 1; in: scheduler
import functools
class MyScheduler(torch.optim.lr_scheduler.LambdaLR):
    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        for group in optimizer.param_groups:
            group["initial_lr"] = 1.0
        at = functools.partial(
            rate, start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall
        )
        super().__init__(optimizer, at, last_epoch)

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self._last_lr = [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs)]
        for group, now in zip(self.optimizer.param_groups, self._last_lr):
            group["lr"] = now

# %% unusual: everything overridden, a table of rates, the state is one number; in: scheduler
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, last_epoch=-1, **shape):
        self.optimizer = optimizer
        self.table = [rate(t, **shape) for t in range(shape["warmup"] + shape["flat"] + shape["fall"] + 1)]
        self.put(last_epoch + 1)

    def put(self, made):
        self.made = made
        for group in self.optimizer.param_groups:
            group["lr"] = self.table[min(made, len(self.table) - 1)]

    def step(self):
        self.put(self.made + 1)

    def get_last_lr(self):
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        return {"made": self.made}

    def load_state_dict(self, state_dict):
        self.put(state_dict["made"])

# %% unusual: loads one back and takes a step; in: scheduler
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, last_epoch=-1, **shape):
        vars(self).update(shape)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t = self.last_epoch
        up = self.start + (self.peak - self.start) * min(1, t / self.warmup)
        z = max(0, min(1, (t - self.warmup - self.flat) / self.fall))
        now = up if t < self.warmup + self.flat else self.drop * self.peak * (1 - z ** 0.5)
        return [now] * len(self.optimizer.param_groups)

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.last_epoch -= 1
        self._update_lr()

# %% wrong: a Python if on a tensor; in: schedule; caught by: keras_graph, keras_trace
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        if step < self.warmup:
            return self.start + (self.peak - self.start) * step / self.warmup
        if step < self.warmup + self.flat:
            return tf.constant(self.peak)
        z = tf.minimum((step - self.warmup - self.flat) / self.fall, 1.0)
        return self.drop * self.peak * (1 - tf.sqrt(z))

    def get_config(self):
        return dict(vars(self))

# %% wrong: calls the function with a tensor's number; in: schedule; caught by: keras_graph, keras_trace
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)

    def __call__(self, step):
        return rate(int(step), **self.shape)

    def get_config(self):
        return self.shape

# %% wrong: calls the function with the tensor; in: schedule; caught by: keras_graph
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)

    def __call__(self, step):
        return rate(tf.cast(step, tf.float32), **self.shape)

    def get_config(self):
        return self.shape

# %% wrong: no cast of a whole-number tensor; in: schedule; caught by: keras_eager
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        z = tf.clip_by_value((step - self.warmup - self.flat) / self.fall, 0, 1)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: whole-number division of tensors; in: schedule; caught by: keras_eager
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.int32)
        z = tf.cast(tf.clip_by_value((step - self.warmup - self.flat) // self.fall, 0, 1), tf.float32)
        up = self.start + (self.peak - self.start) * tf.cast(step // self.warmup, tf.float32)
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: sums masked branches, one of them NaN; in: schedule; caught by: keras_eager, keras_graph
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        a, b, c = self.warmup, self.warmup + self.flat, self.warmup + self.flat + self.fall
        rising = tf.cast(step < a, tf.float32) * (self.start + (self.peak - self.start) * step / a)
        flat = tf.cast((step >= a) & (step < b), tf.float32) * self.peak
        fall = tf.cast((step >= b) & (step < c), tf.float32) * self.drop * self.peak * (1 - tf.sqrt((step - b) / self.fall))
        return rising + flat + fall

    def get_config(self):
        return dict(vars(self))

# %% wrong: a NaN in the branch not taken; in: schedule; caught by: keras_graph
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        a, b, c = self.warmup, self.warmup + self.flat, self.warmup + self.flat + self.fall
        up = self.start + (self.peak - self.start) * step / a
        down = self.drop * self.peak * (1 - tf.sqrt((step - b) / self.fall))
        return tf.where(step < a, up, tf.where(step < b, self.peak, tf.where(step < c, down, 0.0)))

    def get_config(self):
        return dict(vars(self))

# %% wrong: the schedule falls below zero; in: schedule; caught by: keras_eager
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        z = tf.maximum((step - self.warmup - self.flat) / self.fall, 0.0)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: the schedule is one update ahead; in: schedule; caught by: keras_eager
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32) + 1
        z = tf.clip_by_value((step - self.warmup - self.flat) / self.fall, 0.0, 1.0)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: counts its own calls; in: schedule; caught by: keras_eager, keras_graph, keras_resume
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        self.calls = 0

    def __call__(self, step):
        self.calls += 1
        return tf.constant(float(rate(self.calls - 1, **self.shape)))

    def get_config(self):
        return self.shape

# %% wrong: the config forgets a parameter; in: schedule; caught by: keras_config, keras_resume
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop=1.0, fall=1):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        z = tf.clip_by_value((step - self.warmup - self.flat) / self.fall, 0.0, 1.0)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return {"start": self.start, "peak": self.peak, "warmup": self.warmup, "flat": self.flat, "fall": self.fall}

# %% wrong: the config holds tensors; in: schedule; caught by: keras_config
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        given = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)
        vars(self).update({name: tf.constant(value, tf.float32) for name, value in given.items()})

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        z = tf.clip_by_value((step - self.warmup - self.flat) / self.fall, 0.0, 1.0)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: not registered; in: schedule; caught by: keras_config, keras_resume
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        z = tf.clip_by_value((step - self.warmup - self.flat) / self.fall, 0.0, 1.0)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        return tf.where(step < self.warmup, up, tf.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: NumPy in the graph; in: schedule; with: keras; caught by: keras_graph
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.warmup, self.flat, self.drop, self.fall = start, peak, warmup, flat, drop, fall

    def __call__(self, step):
        step = np.asarray(step, "float32")
        z = np.clip((step - self.warmup - self.flat) / self.fall, 0.0, 1.0)
        up = self.start + (self.peak - self.start) * step / self.warmup
        down = self.drop * self.peak * (1 - np.sqrt(z))
        return np.where(step < self.warmup, up, np.where(step < self.warmup + self.flat, self.peak, down))

    def get_config(self):
        return dict(vars(self))

# %% wrong: the config has other names than the constructor; in: schedule; with: keras; caught by: keras_config, keras_resume
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.drop = start, peak, drop
        self.warmup_steps, self.flat_steps, self.fall_steps = warmup, flat, fall

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        z = tf.clip_by_value((step - self.warmup_steps - self.flat_steps) / self.fall_steps, 0.0, 1.0)
        up = self.start + (self.peak - self.start) * step / self.warmup_steps
        down = self.drop * self.peak * (1 - tf.sqrt(z))
        flat = tf.where(step < self.warmup_steps + self.flat_steps, self.peak, down)
        return tf.where(step < self.warmup_steps, up, flat)

    def get_config(self):
        return dict(vars(self))

# %% unusual: a table and gather; in: schedule
@keras.saving.register_keras_serializable()
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, **shape):
        self.shape = shape
        self.end = shape["warmup"] + shape["flat"] + shape["fall"]
        self.table = [float(rate(t, **shape)) for t in range(self.end + 1)]

    def __call__(self, step):
        return tf.gather(tf.constant(self.table, tf.float64), tf.minimum(tf.cast(step, tf.int64), self.end))

    def get_config(self):
        return dict(self.shape)

# %% unusual: branches of tf.case, registered afterwards; in: schedule
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.numbers = [start, peak, warmup, flat, drop, fall]

    def __call__(self, step):
        start, peak, warmup, flat, drop, fall = (tf.constant(float(number)) for number in self.numbers)
        t = tf.cast(tf.convert_to_tensor(step), tf.float32)
        return tf.case(
            [
                (t < warmup, lambda: start + (peak - start) * t / warmup),
                (t < warmup + flat, lambda: peak),
                (t < warmup + flat + fall, lambda: drop * peak * (1 - tf.sqrt((t - warmup - flat) / fall))),
            ],
            default=lambda: tf.zeros(()),
        )

    def get_config(self):
        return {"numbers": self.numbers}

    @classmethod
    def from_config(cls, config):
        return cls(*config["numbers"])

keras.saving.register_keras_serializable("late", "mine")(MySchedule)

# %% unusual: the function called from the graph; in: schedule
@keras.saving.register_keras_serializable(package="answers")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.shape = dict(start=start, peak=peak, warmup=warmup, flat=flat, drop=drop, fall=fall)

    def __call__(self, step):
        given = tf.cast(tf.convert_to_tensor(step), tf.int64)
        found = tf.numpy_function(lambda t: np.float32(rate(int(t), **self.shape)), [given], tf.float32)
        return tf.reshape(found, ())

    def get_config(self):
        return self.shape

# %% wrong: steps the scheduler once an epoch; in: train_pytorch; caught by: pytorch_trace
def train_pytorch(model, optimizer, scheduler, batches, epochs):
    rates = []
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
        scheduler.step()
    return rates

# %% wrong: steps the scheduler before the optimizer; in: train_pytorch; caught by: pytorch_trace
def train_pytorch(model, optimizer, scheduler, batches, epochs):
    rates = []
    for _ in range(epochs):
        for x, y in batches:
            scheduler.step()
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
    return rates

# %% wrong: reads the rate after the scheduler's step; in: train_pytorch; caught by: pytorch_trace
def train_pytorch(model, optimizer, scheduler, batches, epochs):
    rates = []
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            optimizer.step()
            scheduler.step()
            rates.append(scheduler.get_last_lr()[0])
    return rates

# %% wrong: never clears the gradient; in: train_pytorch; caught by: pytorch_trace
def train_pytorch(model, optimizer, scheduler, batches, epochs):
    rates = []
    for _ in range(epochs):
        for x, y in batches:
            ((model(x) - y) ** 2).mean().backward()
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
    return rates

# %% unusual: a generator of pairs and a closure; in: train_pytorch
def train_pytorch(model, optimizer, scheduler, batches, epochs):
    def one(x, y):
        def loss():
            optimizer.zero_grad()
            value = torch.mean(torch.square(model(x) - y))
            value.backward()
            return value
        now = scheduler.get_last_lr()[0]
        optimizer.step(loss)
        scheduler.step()
        return now
    return np.array([one(x, y) for _ in range(epochs) for x, y in batches])

# %% wrong: reads the rate once an epoch; in: train_keras; caught by: keras_trace
def train_keras(model, x, y, batch_size, epochs):
    rates = []
    read = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=[read], verbose=0)
    return rates

# %% wrong: reads the rate when the batch is over; in: train_keras; caught by: keras_trace
def train_keras(model, x, y, batch_size, epochs):
    rates = []
    read = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=[read], verbose=0)
    return rates

# %% wrong: recites the schedule from its start; in: train_keras; caught by: keras_trace
def train_keras(model, x, y, batch_size, epochs):
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
    schedule = model.optimizer._learning_rate
    return [float(schedule(t)) for t in range(epochs * len(x) // batch_size)]

# %% wrong: compiles anew at each call; in: train_keras; with: keras; caught by: keras_trace
def train_keras(model, x, y, batch_size, epochs):
    rates = []
    schedule = model.optimizer._learning_rate
    model.compile(keras.optimizers.SGD(schedule), "mse", jit_compile=False)
    read = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=[read], verbose=0)
    return rates

# %% unusual: batch by batch; in: train_keras
def train_keras(model, x, y, batch_size, epochs):
    rates = []
    for _ in range(epochs):
        for start in range(0, len(x), batch_size):
            rates.append(model.optimizer.learning_rate)
            model.train_on_batch(x[start : start + batch_size], y[start : start + batch_size])
    return tuple(rates)
