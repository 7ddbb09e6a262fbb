// Trains the digits task of lrlib/course/tasks.py: at each seed the same images, weights and batches, and so, to
// rounding, the same losses. `training` below says what it is given and what it gives.
//
// All stands within one function, so that its text is all that a worker needs: a page that was opened from a file may
// start a worker from a text, and from nothing else. Nothing here knows of pages: it also runs in Node.
"use strict";

globalThis.trainerCore = function trainerCore() {
  "use strict";

  const [INPUTS, HIDDEN, CLASSES] = [64, 32, 10]; // tasks.PERCEPTRONS
  const BATCH = 32; // tasks.TASKS
  const [TRAINED, WATCHED, TESTED] = [1197, 300, 300];
  const EPOCHS = 20; // the longest run
  const PART = 640; // images, of one seed, between two reports
  const MOST_SEEDS = 100;
  const FIRST_SEEDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const RULES = ["pytorch", "keras"];
  const CHANCE = 10 + 3 * Math.sqrt((10 * 90) / TESTED); // percent: samples.level_of_chance

  // --- NumPy's random numbers -----------------------------------------------------------------------------------

  // numpy.random.SeedSequence(words).generate_state(8): up to four words of 32 bits, mixed. M. O'Neill's seed_seq_fe.
  function seedState(words) {
    const hash = (constant, multiplier) => (value) => {
      const mixed = value ^ constant;
      constant = Math.imul(constant, multiplier);
      const product = Math.imul(mixed, constant);
      return product ^ (product >>> 16);
    };
    const mix = (x, y) => {
      const result = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
      return result ^ (result >>> 16);
    };
    const absorb = hash(0x43b0d7e5, 0x931e8875);
    const pool = [0, 1, 2, 3].map((i) => absorb(words[i] ?? 0));
    for (const from of pool.keys()) {
      for (const to of pool.keys()) if (to !== from) pool[to] = mix(pool[to], absorb(pool[from]));
    }
    const give = hash(0x8b51f9dd, 0x58f38ded);
    return [0, 1, 2, 3, 0, 1, 2, 3].map((i) => give(pool[i]) >>> 0);
  }

  // numpy.random.default_rng(words): M. O'Neill's PCG64, a product of 128 bits of which 64 are shown.
  class Random {
    static #MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
    #state;
    #increment;
    #half; // of the last 64 bits, where only 32 of them were used

    constructor(words) {
      const parts = seedState(words).map(BigInt);
      // Two numbers of 128 bits: the higher 64 of each come first, and of these the lower 32.
      const number = (i) => (parts[i + 1] << 96n) | (parts[i] << 64n) | (parts[i + 3] << 32n) | parts[i + 2];
      this.#increment = BigInt.asUintN(128, (number(4) << 1n) | 1n);
      this.#state = BigInt.asUintN(128, this.#increment + number(0));
      this.#step();
    }

    #step() {
      this.#state = BigInt.asUintN(128, this.#state * Random.#MULTIPLIER + this.#increment);
    }

    #next64() {
      this.#step();
      const folded = BigInt.asUintN(64, (this.#state >> 64n) ^ this.#state);
      const turn = this.#state >> 122n;
      return BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
    }

    #next32() {
      if (this.#half !== undefined) {
        const half = this.#half;
        this.#half = undefined;
        return half;
      }
      const both = this.#next64();
      this.#half = Number(both >> 32n);
      return Number(both & 0xffffffffn);
    }

    // A number in [0, 1) of 53 bits.
    double() {
      return Number(this.#next64() >> 11n) * 2 ** -53;
    }

    // A whole number up to `most`: of as many bits as it has, drawn until one fits.
    #upTo(most) {
      const mask = 2 ** (32 - Math.clz32(most)) - 1;
      for (;;) {
        const drawn = this.#next32() & mask;
        if (drawn <= most) return drawn;
      }
    }

    permutation(n) {
      const order = Uint16Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i -= 1) {
        const j = this.#upTo(i);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    }
  }

  // --- The task -------------------------------------------------------------------------------------------------

  // What digits.js holds, as numbers: rows of 64 pixels in [0, 1], and labels.
  function readDigits({ pixels, labels }) {
    const digits = (text) => Uint8Array.from(text, (letter) => parseInt(letter, 17));
    return { x: Float32Array.from(digits(pixels), (ink) => ink / 16), y: digits(labels) };
  }

  // The initial weights: networks.dense_weights. Weights and biases of both layers, end to end.
  function initial(seed) {
    const random = new Random([seed, 0]);
    const layer = (inputs, outputs) => {
      const bound = 1 / Math.sqrt(inputs);
      return Array.from({ length: (inputs + 1) * outputs }, () => -bound + 2 * bound * random.double());
    };
    return Float32Array.from([...layer(INPUTS, HIDDEN), ...layer(HIDDEN, CLASSES)]);
  }

  // A seed's share of the images, and the order in which those to train on come: tasks.images and tasks.orders.
  function split(seed, epochs) {
    const images = new Random([seed, 2]).permutation(TRAINED + WATCHED + TESTED);
    const random = new Random([seed, 1]);
    const order = new Uint16Array(epochs * TRAINED);
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      order.set(random.permutation(TRAINED).map((place) => images[place]), epoch * TRAINED);
    }
    return { order, watched: images.subarray(TRAINED, TRAINED + WATCHED), tested: images.subarray(TRAINED + WATCHED) };
  }

  // Updates of an epoch.
  const perEpoch = (size) => Math.ceil(TRAINED / size);

  // The images of an update, counted from 0, in batches of a size. The last one of an epoch is smaller.
  function batch(order, update, size) {
    const start = Math.floor(update / perEpoch(size)) * TRAINED;
    const within = (update % perEpoch(size)) * size;
    return order.subarray(start + within, start + Math.min(within + size, TRAINED));
  }

  // --- The network ----------------------------------------------------------------------------------------------

  // The weights and biases of both layers as parts of one array, end to end as `initial` has them.
  function parts(array) {
    const ends = [0, INPUTS * HIDDEN, (INPUTS + 1) * HIDDEN, (INPUTS + 1) * HIDDEN + HIDDEN * CLASSES, array.length];
    return [0, 1, 2, 3].map((i) => array.subarray(ends[i], ends[i + 1]));
  }

  // target[at …] += factor · row[from …], of an even count of elements: two at a time is faster.
  function addRow(target, at, factor, row, from, count) {
    if (factor === 0) return; // half of the pixels, and of the hidden units
    for (let k = 0; k < count; k += 2) {
      target[at + k] += factor * row[from + k];
      target[at + k + 1] += factor * row[from + k + 1];
    }
  }

  // Weights, velocity and what the layers give are rounded to float32, as in the frameworks; sums are taken in double
  // precision. All arrays are of one kind, which is faster.
  class Network {
    #weights;
    #velocity;
    #gradient;
    #weightParts;
    #gradientParts;
    #hidden = new Float64Array(HIDDEN);
    #outputs = new Float64Array(CLASSES);
    #errors = new Float64Array(CLASSES); // the gradient of the outputs
    #back = new Float64Array(HIDDEN); // and of the hidden units

    constructor(weights) {
      this.#weights = Float64Array.from(weights);
      this.#velocity = new Float64Array(weights.length);
      this.#gradient = new Float64Array(weights.length);
      this.#weightParts = parts(this.#weights);
      this.#gradientParts = parts(this.#gradient);
    }

    // The outputs for the image that begins at x[start].
    #forward(x, start) {
      const [w1, b1, w2, b2] = this.#weightParts;
      const [hidden, outputs] = [this.#hidden, this.#outputs];
      hidden.set(b1);
      for (let i = 0; i < INPUTS; i += 1) addRow(hidden, 0, x[start + i], w1, i * HIDDEN, HIDDEN);
      for (let j = 0; j < HIDDEN; j += 1) hidden[j] = hidden[j] <= 0 ? 0 : Math.fround(hidden[j]); // NaN stays NaN
      outputs.set(b2);
      for (let j = 0; j < HIDDEN; j += 1) addRow(outputs, 0, hidden[j], w2, j * CLASSES, CLASSES);
      for (let c = 0; c < CLASSES; c += 1) outputs[c] = Math.fround(outputs[c]);
      return outputs;
    }

    // Add an image's part of the gradient, a `share` of the batch's mean; gives its cross-entropy.
    #learn(x, start, label, share) {
      const outputs = this.#forward(x, start);
      const [, , w2] = this.#weightParts;
      const [g1, gb1, g2, gb2] = this.#gradientParts;
      const [hidden, errors, back] = [this.#hidden, this.#errors, this.#back];
      let highest = outputs[0];
      for (let c = 1; c < CLASSES; c += 1) highest = Math.max(highest, outputs[c]);
      let total = 0;
      for (let c = 0; c < CLASSES; c += 1) {
        errors[c] = Math.exp(outputs[c] - highest);
        total += errors[c];
      }
      for (let c = 0; c < CLASSES; c += 1) errors[c] = share * (errors[c] / total - (c === label ? 1 : 0));
      addRow(gb2, 0, 1, errors, 0, CLASSES);
      for (let j = 0; j < HIDDEN; j += 1) {
        back[j] = 0;
        if (hidden[j] === 0) continue; // ReLU's slope there
        addRow(g2, j * CLASSES, hidden[j], errors, 0, CLASSES);
        for (let c = 0, k = j * CLASSES; c < CLASSES; c += 1, k += 1) back[j] += errors[c] * w2[k];
      }
      addRow(gb1, 0, 1, back, 0, HIDDEN);
      for (let i = 0; i < INPUTS; i += 1) addRow(g1, i * HIDDEN, x[start + i], back, 0, HIDDEN);
      return Math.log(total) + highest - outputs[label];
    }

    // One update on these images; gives their mean cross-entropy before it.
    update({ x, y }, images, rate, momentum, rule) {
      this.#gradient.fill(0);
      let loss = 0;
      for (const image of images) loss += this.#learn(x, image * INPUTS, y[image], 1 / images.length);
      this.#step(rate, momentum, rule);
      return loss / images.length;
    }

    // PyTorch keeps the rate out of the velocity, Keras has it within: they differ where the rate changes.
    #step(rate, momentum, rule) {
      const [w, v, g] = [this.#weights, this.#velocity, this.#gradient];
      if (rule === "keras") {
        for (let k = 0; k < w.length; k += 1) {
          v[k] = Math.fround(momentum * v[k] - rate * g[k]);
          w[k] = Math.fround(w[k] + v[k]);
        }
      } else if (momentum === 0) { // PyTorch then leaves the velocity as it is
        for (let k = 0; k < w.length; k += 1) w[k] = Math.fround(w[k] - rate * g[k]);
      } else {
        for (let k = 0; k < w.length; k += 1) {
          v[k] = Math.fround(momentum * v[k] + g[k]);
          w[k] = Math.fround(w[k] - rate * v[k]);
        }
      }
    }

    // The mean cross-entropy on these images, how many of a hundred it finds the class of, and how many hidden units any
    // of them switches on. Of what is not a number the first class is taken.
    evaluate({ x, y }, images) {
      let loss = 0;
      let right = 0;
      const alive = new Set();
      for (const image of images) {
        const outputs = this.#forward(x, image * INPUTS);
        let best = 0;
        for (let c = 1; c < CLASSES; c += 1) if (outputs[c] > outputs[best]) best = c;
        right += best === y[image] ? 1 : 0;
        const highest = outputs.reduce((most, output) => Math.max(most, output));
        const total = outputs.reduce((sum, output) => sum + Math.exp(output - highest), 0);
        loss += Math.log(total) + highest - outputs[y[image]];
        for (let j = 0; j < HIDDEN; j += 1) if (this.#hidden[j] > 0) alive.add(j);
      }
      return { loss: loss / images.length, accuracy: (100 * right) / images.length, alive: alive.size };
    }
  }

  // --- Options --------------------------------------------------------------------------------------------------

  const isList = (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

  function demand(condition, Kind, allowed, given) {
    const shown = typeof given === "string" ? JSON.stringify(given) : String(given);
    if (!condition) throw new Kind(`${allowed}, got ${shown}`);
  }

  // Each element must be a number and fit.
  function checkList(name, list, most, what, fits) {
    demand(isList(list), TypeError, `${name} must be a list of numbers`, list);
    demand(list.length > 0 && list.length <= most, RangeError, `${name} must have 1 to ${most} elements`, list.length);
    for (let i = 0; i < list.length; i += 1) {
      demand(typeof list[i] === "number", TypeError, `${name}[${i}] must be a number`, list[i]);
      demand(fits(list[i]), RangeError, `${name}[${i}] must be ${what}`, list[i]);
    }
  }

  function checkMomentum(momentum, updates) {
    const fits = (value) => value >= 0 && value <= 1;
    if (!isList(momentum)) {
      demand(typeof momentum === "number", TypeError, "momentum must be a number or a list of numbers", momentum);
      demand(fits(momentum), RangeError, "momentum must be from 0 to 1", momentum);
      return;
    }
    checkList("momentum", momentum, updates, "from 0 to 1", fits);
    demand(momentum.length === updates, RangeError, `momentum must be as long as rates, ${updates}`, momentum.length);
  }

  // The options of `training`, with the defaults. Throws a TypeError or RangeError that says what is allowed.
  function check(options = {}) {
    const { rates, momentum = 0.9, rule = "pytorch", seeds = FIRST_SEEDS, marks = 0, batch: size = BATCH, ...others } = options;
    const [unknown] = Object.keys(others);
    demand(unknown === undefined, TypeError, "options are rates, momentum, rule, seeds, marks and batch", unknown);
    const isSize = Number.isInteger(size) && size >= 1 && size <= TRAINED;
    demand(isSize, RangeError, `batch must be a whole number from 1 to ${TRAINED}`, size);
    checkList("rates", rates, EPOCHS * perEpoch(size), "finite and not below 0", (rate) => Number.isFinite(rate) && rate >= 0);
    checkMomentum(momentum, rates.length);
    demand(RULES.includes(rule), RangeError, `rule must be "${RULES.join('" or "')}"`, rule);
    const isSeed = (seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32;
    checkList("seeds", seeds, MOST_SEEDS, "a whole number from 0 to 2^32 − 1", isSeed);
    const isMarks = Number.isInteger(marks) && marks >= 0 && marks <= rates.length;
    demand(isMarks, RangeError, `marks must be a whole number from 0 to ${rates.length}, one for each rate`, marks);
    return { rates, momentum, rule, seeds, marks, batch: size };
  }

  // --- Runs -----------------------------------------------------------------------------------------------------

  // After how many updates something is measured, `marks` times in a run.
  const placesOf = (marks, updates) => Array.from({ length: marks }, (_, i) => Math.floor((updates * (i + 1)) / marks));

  // One seed's run.
  class Run {
    constructor(seed, { rates, momentum, rule, marks, batch: size }, digits) {
      Object.assign(this, { rates, rule, digits, size });
      this.marks = new Set(placesOf(marks, rates.length));
      this.measured = [];
      this.momentum = (update) => (isList(momentum) ? momentum[update] : momentum);
      this.split = split(seed, Math.ceil(rates.length / perEpoch(size)));
      this.network = new Network(initial(seed));
      this.losses = new Float32Array(rates.length);
    }

    // The updates from one to before another. After a loss that is not finite nothing is finite any more.
    go(from, to) {
      for (let t = from; t < to; t += 1) {
        const images = batch(this.split.order, t, this.size);
        this.losses[t] = this.network.update(this.digits, images, this.rates[t], this.momentum(t), this.rule);
        if (this.marks.has(t + 1)) this.measured.push(this.network.evaluate(this.digits, this.split.watched));
      }
    }

    // What was measured so far on the images to choose by: loss, accuracy in percent, and hidden units that are alive.
    measures() {
      const all = (name) => this.measured.map((one) => one[name]);
      return { watched: all("loss"), accuracies: all("accuracy"), alive: all("alive") };
    }

    result() {
      const [validation, test] = [this.split.watched, this.split.tested].map(
        (images) => this.network.evaluate(this.digits, images).accuracy,
      );
      const lost = !this.losses.every(Number.isFinite) || test < CHANCE; // samples.lost
      return { losses: this.losses, ...this.measures(), validation, test, lost };
    }
  }

  // Train a network for each seed, side by side: `rates` has the rate of each update, `momentum` one number or one an
  // update, `rule` says whose momentum, `marks` how often the images to choose by are looked at, at last after the last
  // update, `batch` how many images an update takes. Yields after every 640 images of a seed (20 updates of 32) how many
  // updates were made and, an array a seed, the losses of the new ones and what was measured so far: losses, accuracies
  // in percent, and how many hidden units these images switch on. Returns for each seed the losses of all updates, what
  // was measured, the accuracy in percent on the images to choose by and on those to test on, and whether the run is
  // lost: a loss was not finite, or it does no better on the test than guessing would.
  function* training(options, digits) {
    const checked = check(options);
    const runs = checked.seeds.map((seed) => new Run(seed, checked, digits));
    const { length } = checked.rates;
    const part = Math.ceil(PART / checked.batch); // updates
    for (let from = 0; from < length; from += part) {
      const to = Math.min(from + part, length);
      for (const run of runs) run.go(from, to);
      const losses = runs.map((run) => run.losses.slice(from, to));
      const measures = runs.map((run) => run.measures());
      const all = (name) => measures.map((one) => one[name]);
      yield { updates: to, losses, watched: all("watched"), accuracies: all("accuracies"), alive: all("alive") };
    }
    return runs.map((run) => run.result());
  }

  return { Random, check, initial, placesOf, readDigits, split, training };
};
