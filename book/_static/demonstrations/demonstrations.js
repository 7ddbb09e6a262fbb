// What the demonstrations share: a panel with controls, charts and a result in words.
//
//     demonstration("parabola", (panel, data) => {
//       const rate = panel.slider({ label: "Rate", values: [0.1, 0.2], start: 0.1 });
//       const chart = panel.chart({ "series-1": "path" });
//       return () => { chart.draw(…); panel.say(`At rate ${rate.value} …`); }; // run at every change
//     });
//
// book/_ext/demonstrations.py puts a hidden place after the figure that a demonstration belongs to, with the data that
// lrlib computed for it. Plain scripts, so that a page that was opened from a file has them too.
"use strict";

(() => {
  const { element } = window.elements;
  const { Chart } = globalThis;
  const REST = 400; // milliseconds without a change, after which the result is said: screen readers read it out

  // A number with a proper minus sign, of `digits` digits.
  const number = (x, digits = 3) => String(Number(x.toPrecision(digits))).replace("-", "−");

  // A distance from the lowest point.
  const away = (x) => (x < 0.001 ? "less than 0.001" : x > 1000 ? "more than 1,000" : number(x, 2)) + " away";

  const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;

  // The mean of curves of one length, point by point.
  const meanCurve = (curves) => curves[0].map((_, i) => mean(curves.map((curve) => curve[i])));

  // A line with a dot at each of its points.
  const dotted = (points, style) => [{ points, style }, { points, style: `dots ${style}` }];

  // A seeded generator of standard normal numbers: the same each time the page is opened. (mulberry32, Box and Muller.)
  function normals(seed) {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let x = Math.imul(state ^ (state >>> 15), state | 1);
      x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
      return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
    };
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  // What a key shows of a line. It is drawn as the chart draws it.
  function sample(style) {
    const drawing = new DOMParser().parseFromString(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 10"><path d="M0,5H28"/></svg>`, "image/svg+xml",
    ).documentElement;
    drawing.setAttribute("class", "chart sample");
    drawing.setAttribute("aria-hidden", "true");
    drawing.firstChild.setAttribute("class", style);
    if (style.startsWith("dots")) drawing.firstChild.setAttribute("d", "M14,5h0");
    if (style.startsWith("band")) drawing.firstChild.setAttribute("d", "M0,0H28V10H0Z");
    return drawing;
  }

  class Panel {
    #place;
    #controls = element("div", { className: "demonstration-controls" });
    #charts = element("div", { className: "demonstration-charts" });
    #words = element("output", { className: "demonstration-words" });
    #timer;
    changed = () => {};

    constructor(place) {
      this.#place = place;
    }

    // Show the panel, under a sentence that says what to do.
    open(lead) {
      const id = `${this.#place.id}-lead`;
      this.#place.setAttribute("aria-labelledby", id);
      this.#place.append(element("p", { id }, element("strong", { textContent: "Try it. " }), lead), this.#controls, this.#charts, this.#words);
      this.#place.hidden = false;
    }

    #id() {
      return `${this.#place.id}-${this.#controls.querySelectorAll("input").length}`;
    }

    // A slider over a list of values. `text` says one in words. `mark(value, text)` names a place below it.
    slider({ label, values, start, text = number }) {
      const input = element("input", { type: "range", id: this.#id(), min: 0, max: values.length - 1, step: 1 });
      const shown = element("span", { className: "demonstration-value", ariaHidden: "true" });
      const marks = element("div", { className: "demonstration-marks", ariaHidden: "true" });
      const said = () => {
        shown.textContent = text(values[input.value]);
        input.ariaValueText = shown.textContent;
      };
      input.value = values.indexOf(start);
      input.addEventListener("input", () => {
        said();
        this.changed();
      });
      said();
      const title = element("div", { className: "demonstration-title" }, element("label", { htmlFor: input.id, textContent: label }), shown);
      this.#controls.append(element("div", { className: "demonstration-slider" }, title, input, marks));
      const places = new Map();
      return {
        get value() {
          return values[input.value];
        },
        // Where between its neighbours a value lies; the values rise.
        mark(value, words) {
          const above = Math.max(1, values.findIndex((one) => one >= value));
          const share = (above - 1 + (value - values[above - 1]) / (values[above] - values[above - 1])) / (values.length - 1);
          const mark = places.get(words.key) ?? element("span");
          places.set(words.key, mark);
          mark.textContent = words.text;
          mark.style.setProperty("--share", share);
          mark.classList.toggle("late", share > 0.6);
          marks.append(mark);
        },
      };
    }

    // One of several, as radio buttons. `choices` has their labels by their values.
    choice({ label, choices, start }) {
      const field = element("fieldset", {}, element("legend", { textContent: label }));
      let value = start;
      const name = this.#id();
      for (const [key, text] of Object.entries(choices)) {
        const radio = element("input", { type: "radio", name, value: key, checked: key === start });
        radio.addEventListener("change", () => {
          value = key;
          this.changed();
        });
        field.append(element("label", {}, radio, text));
      }
      this.#controls.append(field);
      return {
        get value() {
          return value;
        },
      };
    }

    button(text, onPress) {
      const button = element("button", { type: "button", textContent: text });
      button.addEventListener("click", onPress);
      this.#controls.append(button);
      return button;
    }

    // A button that trains here and, while it does, stops. `run(train)` is given Trainer's `train`, called with its options
    // and `onProgress`. `stop` ends a run without a word.
    trainButton(text, run) {
      const trainer = new Trainer();
      let running; // the AbortController of a run
      const press = async () => {
        if (running) {
          running.abort();
          this.say("The training was stopped.");
          return;
        }
        running = new AbortController();
        const { signal } = running;
        button.textContent = "Stop";
        try {
          await run((options, onProgress) => trainer.train(options, { onProgress, signal }));
        } catch (error) {
          if (!signal.aborted) this.say(`The training failed: ${error.message}.`);
        }
        running = undefined;
        button.textContent = text;
      };
      const button = this.button(text, press);
      return { stop: () => running?.abort() };
    }

    // A chart with a key: what each style of line is.
    chart(key) {
      const chart = new Chart();
      const lines = Object.entries(key).map(([style, text]) => element("li", {}, sample(style), text));
      this.#charts.append(element("div", {}, element("ul", {}, ...lines), chart.svg));
      return chart;
    }

    showCharts(shown) {
      this.#charts.hidden = !shown;
    }

    // Set the result in words, once the reader has stopped to change what it depends on.
    say(text) {
      clearTimeout(this.#timer);
      const set = () => {
        this.#words.textContent = text;
      };
      if (this.#words.textContent) this.#timer = setTimeout(set, REST);
      else set();
    }
  }

  // Build the demonstration of this name where the page has a place for it. `build(panel, data)` adds its parts, and
  // returns what shows the state of its controls.
  globalThis.demonstration = (name, build) => {
    for (const place of document.querySelectorAll(`[data-demonstration="${name}"]`)) {
      const panel = new Panel(place);
      panel.changed = build(panel, JSON.parse(place.dataset.values));
      panel.changed();
    }
  };
  Object.assign(globalThis.demonstration, { away, dotted, mean, meanCurve, normals, number });
})();
