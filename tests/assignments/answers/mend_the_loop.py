# Answers to the assignment mend_the_loop: see tests/assignments/harness.py for the form.
# Most of the wrong ones were read in issues and forums: Accelerate 963 and 999, starVLA 210, h2o-llmstudio 663,
# speculators 859 (counts and accumulation); darknet 6720, distiller 70, torch-points3d 630, lightly-train 301 (resume);
# PyTorch 44511 and 67590 (skipped updates); transformers 20029, Lightning 21901 and lightning-flash 1321 (stages).

# %% parameters
PEAK, WARMUP = 0.1, 2
MICRO_BATCH, ACCUMULATE = 8, 3
IMAGES, EPOCHS = 100, 2
MOMENTUM = 0.8
STOP = 4
SCALE, GROWTH = 2.0**10, 2
THAW = 3

# %% wrong: the number of micro-batches, as len(loader) has it; in: count; caught by: counted
def updates_in(images, micro_batch, accumulate, epochs):
    return epochs * math.ceil(images / micro_batch)

# %% wrong: groups are carried over from one epoch into the next; in: count; caught by: counted
def updates_in(images, micro_batch, accumulate, epochs):
    return math.ceil(epochs * math.ceil(images / micro_batch) / accumulate)

# %% wrong: drops what is left at the end of an epoch; in: count; caught by: counted
def updates_in(images, micro_batch, accumulate, epochs):
    return epochs * (math.ceil(images / micro_batch) // accumulate)

# %% wrong: leaves the last micro-batch out if it is not full; in: count; caught by: counted
def updates_in(images, micro_batch, accumulate, epochs):
    return epochs * math.ceil(images // micro_batch / accumulate)

# %% wrong: divides without rounding; in: count; caught by: counted
def updates_in(images, micro_batch, accumulate, epochs):
    return epochs * images / (micro_batch * accumulate)

# %% wrong: one epoch only; in: count; caught by: counted
def updates_in(images, micro_batch, accumulate, epochs):
    return math.ceil(math.ceil(images / micro_batch) / accumulate)

# %% wrong: hands the owner's loop in; in: accumulate; caught by: accumulated_rates, accumulated_weights, accumulated_rest
accumulated = owners_accumulated

# %% wrong: mends the clock and not the gradient; in: accumulate; caught by: accumulated_weights, accumulated_rest
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            loss_of(model, x, y).backward()
            if number % accumulate == 0 or number == len(micro_batches):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
                scheduler.step()
    return model, rates

# %% wrong: mends the gradient and not the clock; in: accumulate; caught by: accumulated_rates
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0:
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
            scheduler.step()
    return model, rates

# %% wrong: divides by accumulate where fewer are left; in: accumulate; caught by: accumulated_rest
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0 or number == len(micro_batches):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
                scheduler.step()
    return model, rates

# %% wrong: a small micro-batch counts as much as a full one; in: accumulate; caught by: accumulated_rest
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for start in range(0, len(micro_batches), accumulate):
            group = micro_batches[start : start + accumulate]
            optimizer.zero_grad()
            for x, y in group:
                (loss_of(model, x, y) / len(group)).backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return model, rates

# %% wrong: counts micro-batches from nought, so that the first makes an update; in: accumulate; caught by: accumulated_weights
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0:
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
                scheduler.step()
    return model, rates

# %% wrong: the rest of an epoch goes into the next one's first update; in: accumulate; caught by: accumulated_rest
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for number, (x, y) in enumerate(micro_batches * epochs, start=1):
        (loss_of(model, x, y) / accumulate).backward()
        if number % accumulate == 0:
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    return model, rates

# %% wrong: gradients are cleared before each micro-batch; in: accumulate; caught by: accumulated_weights
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            if number % accumulate == 0 or number == len(micro_batches):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
    return model, rates

# %% wrong: gradients are never cleared; in: accumulate; caught by: accumulated_weights
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0 or number == len(micro_batches):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
    return model, rates

# %% wrong: stretches the schedule and steps it for each micro-batch; in: accumulate; caught by: accumulated_rates
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule.stretch(accumulate))
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0:
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
            scheduler.step()
    return model, rates

# %% wrong: lowers the rate instead of the gradient; in: accumulate; caught by: accumulated_rates
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, (1 / accumulate) * schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            loss_of(model, x, y).backward()
            if number % accumulate == 0 or number == len(micro_batches):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
                scheduler.step()
    return model, rates

# %% wrong: the rate is noted after the scheduler's step; in: accumulate; caught by: accumulated_rates
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
                scheduler.step()
                rates.append(scheduler.get_last_lr()[0])
    return model, rates

# %% wrong: the scheduler steps once an epoch, as it did before; in: accumulate; caught by: accumulated_rates
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) / accumulate).backward()
            if number % accumulate == 0:
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
        scheduler.step()
    return model, rates

# %% wrong: tells the schedule's rates and trains with others; in: accumulate; caught by: accumulated_weights
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    model, rates = owners_accumulated(model, schedule, micro_batches, accumulate, epochs)
    return model, [schedule(t) for t in range(len(rates))]

# %% wrong: Keras accumulates, and its schedule counts micro-batches; in: accumulate; with: keras; caught by: accumulated_rates
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    steps = accumulate if accumulate > 1 else None
    optimizer = keras.optimizers.SGD(lrlib.keras.Schedule(schedule), gradient_accumulation_steps=steps)
    optimizer.build(model.trainable_variables)
    rates = []
    for _epoch in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            if number % accumulate == 0:
                rates.append(float(optimizer.learning_rate))
            with tf.GradientTape() as tape:
                loss = loss_of(model, x, y)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return model, rates

# %% wrong: sums the micro-batches' gradients in Keras; in: accumulate; with: keras; caught by: accumulated_weights
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = keras.optimizers.SGD(lrlib.keras.Schedule(schedule))
    variables, rates = model.trainable_variables, []
    for _epoch in range(epochs):
        total = [tf.zeros_like(variable) for variable in variables]
        for number, (x, y) in enumerate(micro_batches, start=1):
            with tf.GradientTape() as tape:
                loss = loss_of(model, x, y)
            total = [a + b for a, b in zip(total, tape.gradient(loss, variables))]
            if number % accumulate == 0 or number == len(micro_batches):
                rates.append(float(optimizer.learning_rate))
                optimizer.apply(total, variables)
                total = [tf.zeros_like(variable) for variable in variables]
    return model, rates

# %% wrong: hands the owner's restart in; in: restart; caught by: restart_rates, restart_weights, restart_again
part_of_run = owners_part

# %% wrong: the clock is kept and the momentum is not; in: restart; caught by: restart_weights, restart_again
def part_of_run(model, schedule, batches, folder, stop):
    file = Path(folder) / "checkpoint.pt"
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    if file.exists():
        saved = torch.load(file)
        model.load_state_dict(saved["model"])
        scheduler.load_state_dict(saved["scheduler"])
    for x, y in batches[scheduler.last_epoch : stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    torch.save({"model": model.state_dict(), "scheduler": scheduler.state_dict()}, file)
    return model, rates

# %% wrong: the momentum is kept and the clock is not; in: restart; caught by: restart_rates, restart_weights
def part_of_run(model, schedule, batches, folder, stop):
    file, made, rates = Path(folder) / "checkpoint.pt", 0, []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    if file.exists():
        saved = torch.load(file)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        made = saved["made"]
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    for x, y in batches[made:stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "made": stop}, file)
    return model, rates

# %% wrong: the scheduler is built over the loaded optimizer; in: restart; caught by: restart_rates, restart_weights
def part_of_run(model, schedule, batches, folder, stop):
    file, saved, rates = Path(folder) / "checkpoint.pt", None, []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    if file.exists():
        saved = torch.load(file)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        for group in optimizer.param_groups:
            group["lr"] = 1.0
            group.pop("initial_lr", None)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    if saved:
        scheduler.load_state_dict(saved["scheduler"])
    for x, y in batches[scheduler.last_epoch : stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
    torch.save(states, file)
    return model, rates

# %% wrong: last_epoch is one less, as in torch's own schedulers; in: restart; caught by: restart_rates, restart_weights
def part_of_run(model, schedule, batches, folder, stop):
    file, made, rates = Path(folder) / "checkpoint.pt", 0, []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    if file.exists():
        saved = torch.load(file)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        made = saved["made"]
    scheduler = lrlib.torch.Scheduler(optimizer, schedule, last_epoch=made - 1)
    for x, y in batches[made:stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "made": stop}, file)
    return model, rates

# %% wrong: the data begin again after a restart; in: restart; caught by: restart_weights, restart_again
def part_of_run(model, schedule, batches, folder, stop):
    file, rates = Path(folder) / "checkpoint.pt", []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    if file.exists():
        for one, state in zip((model, optimizer, scheduler), torch.load(file)):
            one.load_state_dict(state)
    for x, y in batches[: stop - scheduler.last_epoch]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    torch.save([one.state_dict() for one in (model, optimizer, scheduler)], file)
    return model, rates

# %% wrong: the first checkpoint is never replaced; in: restart; caught by: restart_again
def part_of_run(model, schedule, batches, folder, stop):
    file, rates = Path(folder) / "checkpoint.pt", []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    if file.exists():
        for one, state in zip((model, optimizer, scheduler), torch.load(file)):
            one.load_state_dict(state)
    for x, y in batches[scheduler.last_epoch : stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    if not file.exists():
        torch.save([one.state_dict() for one in (model, optimizer, scheduler)], file)
    return model, rates

# %% wrong: begins anew each time, with the weights that it is handed; in: restart; caught by: restart_rates, restart_weights, restart_again
def part_of_run(model, schedule, batches, folder, stop):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for x, y in batches[:stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return model, rates

# %% wrong: takes stop for the number of updates of the call; in: restart; caught by: restart_rates, restart_again
def part_of_run(model, schedule, batches, folder, stop):
    file, rates = Path(folder) / "checkpoint.pt", []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    if file.exists():
        for one, state in zip((model, optimizer, scheduler), torch.load(file)):
            one.load_state_dict(state)
    for x, y in batches[scheduler.last_epoch : scheduler.last_epoch + stop]:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    torch.save([one.state_dict() for one in (model, optimizer, scheduler)], file)
    return model, rates

# %% wrong: Keras's weights and the clock are kept, the momentum is not; in: restart; with: keras; caught by: restart_weights
def part_of_run(model, schedule, batches, folder, stop):
    file, count, made, rates = Path(folder) / "model.weights.h5", Path(folder) / "made.txt", 0, []
    if file.exists():
        model.load_weights(file)
        made = int(count.read_text())
    optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(schedule.drop(made)), momentum=MOMENTUM)
    for x, y in batches[made:stop]:
        with tf.GradientTape() as tape:
            loss = loss_of(model, x, y)
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    model.save_weights(file)
    count.write_text(str(stop))
    return model, rates

# %% wrong: momentum by Keras's own rule; in: restart; with: keras; caught by: restart_weights
def part_of_run(model, schedule, batches, folder, stop):
    file, rates = Path(folder) / "checkpoint.npz", []
    optimizer = keras.optimizers.SGD(lrlib.keras.Schedule(schedule), momentum=MOMENTUM)
    optimizer.build(model.trainable_variables)
    kept = [*model.variables, *optimizer.variables]
    if file.exists():
        with np.load(file) as saved:
            for variable, name in zip(kept, saved.files):
                variable.assign(saved[name])
    for x, y in batches[int(optimizer.iterations) : stop]:
        with tf.GradientTape() as tape:
            loss = loss_of(model, x, y)
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    np.savez(file, *map(keras.ops.convert_to_numpy, kept))
    return model, rates

# %% wrong: hands the owner's scaling in; in: scale; caught by: scaled_rates, scaled_weights
scaled = owners_scaled

# %% wrong: returns the rates of skipped updates too; in: scale; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        scaler.scale(loss_of(model, x, y)).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() >= before:
            scheduler.step()
    return model, rates

# %% wrong: takes a scale that has changed for a skip, growth too; in: scale; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        scaler.scale(loss_of(model, x, y)).backward()
        rate, before = optimizer.param_groups[0]["lr"], scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() == before:
            rates.append(rate)
            scheduler.step()
    return model, rates

# %% wrong: believes that scaler.step tells of a skip by returning None; in: scale; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        scaler.scale(loss_of(model, x, y)).backward()
        rate = optimizer.param_groups[0]["lr"]
        made = scaler.step(optimizer)
        scaler.update()
        if made is not None:
            rates.append(rate)
            scheduler.step()
    return model, rates

# %% wrong: a finite loss is taken for an update; in: scale; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        scaler.scale(loss).backward()
        rate = optimizer.param_groups[0]["lr"]
        scaler.step(optimizer)
        scaler.update()
        if torch.isfinite(loss):
            rates.append(rate)
            scheduler.step()
    return model, rates

# %% wrong: looks at the scale before it is updated; in: scale; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        scaler.scale(loss_of(model, x, y)).backward()
        rate, before = optimizer.param_groups[0]["lr"], scaler.get_scale()
        scaler.step(optimizer)
        if scaler.get_scale() >= before:
            rates.append(rate)
            scheduler.step()
        scaler.update()
    return model, rates

# %% wrong: skips by itself and forgets to divide the gradients; in: scale; caught by: scaled_weights
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        scaler.scale(loss_of(model, x, y)).backward()
        if all(torch.isfinite(p.grad).all() for p in model.parameters()):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return model, rates

# %% wrong: replaces infinite gradients by nought, so that nothing is skipped; in: scale; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for x, y in batches:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for p in model.parameters():
            p.grad = torch.nan_to_num(p.grad, 0.0, 0.0, 0.0)
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return model, rates

# %% wrong: the clock counts batches in Keras; in: scale; with: keras; caught by: scaled_rates
def scaled(model, schedule, batches, initial_scale, growth):
    inner = keras.optimizers.SGD(1.0)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale, dynamic_growth_steps=growth)
    optimizer.build(model.trainable_variables)
    rates = []
    for number, (x, y) in enumerate(batches):
        inner.learning_rate = schedule(number)
        made = int(inner.iterations)
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(loss_of(model, x, y))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        if int(inner.iterations) > made:
            rates.append(float(inner.learning_rate))
    return model, rates

# %% wrong: forgets to scale the loss in Keras; in: scale; with: keras; caught by: scaled_weights
def scaled(model, schedule, batches, initial_scale, growth):
    inner = keras.optimizers.SGD(lrlib.keras.Schedule(schedule))
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale, dynamic_growth_steps=growth)
    optimizer.build(model.trainable_variables)
    rates = []
    for x, y in batches:
        with tf.GradientTape() as tape:
            loss = loss_of(model, x, y)
        rate, made = float(inner.learning_rate), int(inner.iterations)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        if int(inner.iterations) > made:
            rates.append(rate)
    return model, rates

# %% wrong: hands the owner's stages in; in: thaw; caught by: stages_rates, stages_weights
stages = owners_stages

# %% wrong: a new optimizer whose schedule goes on, without the momentum; in: thaw; caught by: stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model[0], model[-1]
    rates = {"head": [], "body": []}
    body.requires_grad_(False)
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, head_schedule)
    for number, (x, y) in enumerate(batches):
        if number == thaw:
            body.requires_grad_(True)
            groups = [{"params": head.parameters()}, {"params": body.parameters()}]
            optimizer = torch.optim.SGD(groups, lr=1.0, momentum=MOMENTUM)
            scheduler = lrlib.torch.Scheduler(optimizer, [head_schedule.drop(thaw), body_schedule])
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for name, group in zip(rates, optimizer.param_groups):
            rates[name].append(group["lr"])
        optimizer.step()
        scheduler.step()
    return model, rates

# %% wrong: the body's schedule is on the clock of the whole run; in: thaw; caught by: stages_rates, stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model[0], model[-1]
    rates = {"head": [], "body": []}
    body.requires_grad_(False)
    optimizer = torch.optim.SGD([{"params": head.parameters(), "name": "head"}], lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, {"head": head_schedule, "body": body_schedule})
    for number, (x, y) in enumerate(batches):
        if number == thaw:
            body.requires_grad_(True)
            optimizer.add_param_group({"params": body.parameters(), "name": "body", "lr": body_schedule(thaw)})
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for group in optimizer.param_groups:
            rates[group["name"]].append(group["lr"])
        optimizer.step()
        scheduler.step()
    return model, rates

# %% wrong: the body's first update has the optimizer's own rate; in: thaw; caught by: stages_rates, stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model[0], model[-1]
    rates = {"head": [], "body": []}
    body.requires_grad_(False)
    optimizer = torch.optim.SGD([{"params": head.parameters(), "name": "head"}], lr=0.01, momentum=MOMENTUM)
    later = lrlib.Constant(0.0).take(thaw).then(body_schedule)
    scheduler = lrlib.torch.Scheduler(optimizer, {"head": head_schedule, "body": later})
    for number, (x, y) in enumerate(batches):
        if number == thaw:
            body.requires_grad_(True)
            optimizer.add_param_group({"params": body.parameters(), "name": "body"})
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for group in optimizer.param_groups:
            rates[group["name"]].append(group["lr"])
        optimizer.step()
        scheduler.step()
    return model, rates

# %% wrong: the body has a rate of nought before the thaw and gathers momentum; in: thaw; caught by: stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model[0], model[-1]
    groups = [{"params": head.parameters()}, {"params": body.parameters()}]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=MOMENTUM)
    later = lrlib.Constant(0.0).take(thaw).then(body_schedule)
    scheduler = lrlib.torch.Scheduler(optimizer, [head_schedule, later])
    rates = {"head": [], "body": []}
    for x, y in batches:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates["head"].append(optimizer.param_groups[0]["lr"])
        rates["body"].append(optimizer.param_groups[1]["lr"])
        optimizer.step()
        scheduler.step()
    return model, {"head": rates["head"], "body": rates["body"][thaw:]}

# %% wrong: the body joins the optimizer and stays frozen; in: thaw; caught by: stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model[0], model[-1]
    rates = {"head": [], "body": []}
    body.requires_grad_(False)
    groups = [{"params": head.parameters(), "name": "head"}, {"params": body.parameters(), "name": "body"}]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=MOMENTUM)
    later = lrlib.Constant(0.0).take(thaw).then(body_schedule)
    scheduler = lrlib.torch.Scheduler(optimizer, {"head": head_schedule, "body": later})
    for x, y in batches:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for group in optimizer.param_groups:
            rates[group["name"]].append(group["lr"])
        optimizer.step()
        scheduler.step()
    return model, {"head": rates["head"], "body": rates["body"][thaw:]}

# %% wrong: the body joins one update late; in: thaw; caught by: stages_rates, stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model[0], model[-1]
    rates = {"head": [], "body": []}
    body.requires_grad_(False)
    optimizer = torch.optim.SGD([{"params": head.parameters(), "name": "head"}], lr=1.0, momentum=MOMENTUM)
    later = lrlib.Constant(0.0).take(thaw).then(body_schedule)
    scheduler = lrlib.torch.Scheduler(optimizer, {"head": head_schedule, "body": later})
    for number, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for group in optimizer.param_groups:
            rates[group["name"]].append(group["lr"])
        optimizer.step()
        if number == thaw:
            body.requires_grad_(True)
            optimizer.add_param_group({"params": body.parameters(), "name": "body"})
        scheduler.step()
    return model, rates

# %% wrong: all trains from the beginning; in: thaw; caught by: stages_rates, stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    groups = [{"params": model[-1].parameters()}, {"params": model[0].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=MOMENTUM)
    scheduler = lrlib.torch.Scheduler(optimizer, [head_schedule, body_schedule])
    rates = {"head": [], "body": []}
    for x, y in batches:
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        for name, group in zip(rates, optimizer.param_groups):
            rates[name].append(group["lr"])
        optimizer.step()
        scheduler.step()
    return model, rates

# %% wrong: compiles anew for the second stage, as Keras's guide has it; in: thaw; with: keras; caught by: stages_weights
def stages(model, head_schedule, body_schedule, batches, thaw):
    body, head = model.layers[0], model.layers[-1]
    optimizers = {"head": lrlib.keras.SGD(lrlib.keras.Schedule(head_schedule), momentum=MOMENTUM)}
    rates = {"head": [], "body": []}
    for number, (x, y) in enumerate(batches):
        if number == thaw:
            optimizers = {
                "head": lrlib.keras.SGD(lrlib.keras.Schedule(head_schedule.drop(thaw)), momentum=MOMENTUM),
                "body": lrlib.keras.SGD(lrlib.keras.Schedule(body_schedule), momentum=MOMENTUM),
            }
        variables = {"head": head.trainable_variables, "body": body.trainable_variables}
        with tf.GradientTape() as tape:
            loss = loss_of(model, x, y)
        gradients = tape.gradient(loss, variables)
        for name, optimizer in optimizers.items():
            rates[name].append(float(optimizer.learning_rate))
            optimizer.apply(gradients[name], variables[name])
    return model, rates

# %% unusual: counts by walking through an epoch; in: count
def updates_in(images, micro_batch, accumulate, epochs):
    return sum(1 for _ in range(epochs) for _ in range(0, images, micro_batch * accumulate))

# %% unusual: counts by walking through an epoch; in: accumulate
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    """One large batch in place of the small ones, and the rate set by hand."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    rates = []
    for _ in range(epochs):
        for start in range(0, len(micro_batches), accumulate):
            x, y = (np.concatenate(part) for part in zip(*micro_batches[start : start + accumulate]))
            optimizer.param_groups[0]["lr"] = schedule(len(rates))
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            optimizer.step()
    return model, rates

# %% unusual: sums over images, and divides the gradients; in: accumulate
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    rates, seen = [], 0
    for _ in range(epochs):
        for number, (x, y) in enumerate(micro_batches, start=1):
            (loss_of(model, x, y) * len(y)).backward()
            seen += len(y)
            if number % accumulate == 0 or number == len(micro_batches):
                for parameter in model.parameters():
                    parameter.grad /= seen
                rates += scheduler.get_last_lr()
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
                seen = 0
    return model, rates

# %% unusual: runs it all again from the first weights; in: restart
def part_of_run(model, schedule, batches, folder, stop):
    file, made = Path(folder) / "first.pt", Path(folder) / "made"
    before = int(made.read_text()) if made.exists() else 0
    if file.exists():
        model.load_state_dict(torch.load(file))
    torch.save(model.state_dict(), file)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    rates = []
    for t, (x, y) in enumerate(batches[: max(stop, before)]):
        for group in optimizer.param_groups:
            group["lr"] = schedule(t)
        rates.append(schedule(t))
        model.zero_grad()
        loss_of(model, x, y).backward()
        optimizer.step()
    made.write_text(str(len(rates)))
    return model, rates[before:]

# %% unusual: torch's own scheduler, loaded in the right order, with the count in JSON; in: restart
def part_of_run(model, schedule, batches, folder, stop):
    import json

    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    states, numbers = Path(folder, "states.pt"), Path(folder, "numbers.json")
    if numbers.exists():
        scheduler.load_state_dict({**scheduler.state_dict(), **json.loads(numbers.read_text())})
        for one, state in zip((model, optimizer), torch.load(states)):
            one.load_state_dict(state)
    rates = []
    while scheduler.last_epoch < stop:
        x, y = batches[scheduler.last_epoch]
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    torch.save((model.state_dict(), optimizer.state_dict()), states)
    numbers.write_text(json.dumps({"last_epoch": scheduler.last_epoch, "_last_lr": scheduler.get_last_lr()}))
    return model, rates

# %% unusual: the scheduler hangs on the optimizer's own step; in: scale
def scaled(model, schedule, batches, initial_scale, growth):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
    rates = []

    def made(*_):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()

    optimizer.register_step_post_hook(made)
    for x, y in batches:
        optimizer.zero_grad()
        scaler.scale(loss_of(model, x, y)).backward()
        scaler.step(optimizer)
        scaler.update()
    return model, rates

# %% unusual: scales by hand; in: scale
def scaled(model, schedule, batches, initial_scale, growth):
    scale, good, rates = initial_scale, 0, []
    for x, y in batches:
        gradients = torch.autograd.grad(loss_of(model, x, y) * scale, list(model.parameters()))
        if not all(torch.isfinite(one).all() for one in gradients):
            scale, good = scale / 2, 0
            continue
        rates.append(schedule(len(rates)))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients):
                parameter -= rates[-1] * gradient / scale
        good += 1
        if good == growth:
            scale, good = scale * 2, 0
    return model, rates

# %% unusual: two optimizers and two schedulers in PyTorch; in: thaw
def stages(model, head_schedule, body_schedule, batches, thaw):
    rates = {"head": [], "body": []}
    parts = {}
    for number, (x, y) in enumerate(batches):
        for name, layer, schedule, begin in (("head", model[-1], head_schedule, 0), ("body", model[0], body_schedule, thaw)):
            if number == begin:
                optimizer = torch.optim.SGD(layer.parameters(), lr=1.0, momentum=MOMENTUM)
                parts[name] = optimizer, lrlib.torch.Scheduler(optimizer, schedule)
        model.zero_grad()
        loss_of(model, x, y).backward()
        for name, (optimizer, scheduler) in parts.items():
            rates[name] += scheduler.get_last_lr()
            optimizer.step()
            scheduler.step()
    return model, rates

# %% unusual: the whole model is saved and loaded, optimizer and all; in: restart; with: keras
def part_of_run(model, schedule, batches, folder, stop):
    file, rates = Path(folder) / "model.keras", []
    if file.exists():
        model = keras.saving.load_model(file)
    else:
        optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(schedule), momentum=MOMENTUM)
        model.compile(optimizer, framework.cross_entropy)
        optimizer.build(model.trainable_variables)
    for x, y in batches[int(model.optimizer.iterations) : stop]:
        rates.append(float(model.optimizer.learning_rate))
        model.train_on_batch(x, y)
    model.save(file)
    return model, rates

# %% unusual: a mutable rate, set where the inner optimizer stands; in: scale; with: keras
def scaled(model, schedule, batches, initial_scale, growth):
    inner = keras.optimizers.SGD(schedule(0))
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale, dynamic_growth_steps=growth)
    optimizer.build(model.trainable_variables)
    rates = {}
    for x, y in batches:
        made = int(optimizer.iterations)
        inner.learning_rate = schedule(made)
        rates[made] = float(inner.learning_rate)
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(loss_of(model, x, y))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return model, [rates[t] for t in range(int(optimizer.iterations))]
