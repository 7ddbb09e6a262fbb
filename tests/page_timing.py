"""Scripts that time the explorer's page from within: for its tests and for the benchmark."""

# Milliseconds from a slider's event to the curve that belongs to it, the median of nine.
REDRAW = """async () => {
    const slider = document.querySelector("#explorer-controls input[type=range]");
    const link = document.getElementById("explorer-link");
    const times = [];
    for (let i = 0; i < 9; i++) {
        const [before, began] = [link.value, performance.now()];
        slider.value = 300 + 50 * i;
        slider.dispatchEvent(new Event("input"));
        while (link.value === before) {
            if (performance.now() - began > 60_000) throw new Error("the slider changed nothing");
            await new Promise((go) => setTimeout(go));
        }
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[4];
}"""
# Milliseconds to train ten seeds with all 342 updates; everything is loaded before.
TRAIN = """async () => {
    const trainer = new Trainer();
    await trainer.load();
    const began = performance.now();
    await trainer.train({ rates: Array(342).fill(0.1) });
    return performance.now() - began;
}"""
# Milliseconds for the arithmetic of that training, as plain sums of products: 342 updates of ten seeds with 32 images,
# each of 64 × 32 + 32 × 10 weights forward, backward and in the gradient. A twentieth of it is timed.
LOOP = """() => {
    const [a, b] = [new Float32Array(2368).fill(0.5), new Float32Array(2368).fill(0.25)];
    const began = performance.now();
    let sum = 0;
    for (let k = 0; k < (342 * 10 * 32 * 3) / 20; k++) for (let i = 0; i < 2368; i++) sum += a[i] * b[i];
    return sum && 20 * (performance.now() - began);
}"""
