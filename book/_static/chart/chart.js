// Draws lines over a common horizontal axis, as SVG: the explorer's, the trainer's and the demonstrations' chart.
//
//     const chart = new Chart({ onPoint: (x) => chart.point(x) });
//     place.append(chart.svg);
//     chart.draw({ series: [{ points: [[0, 0.1], [1, 0.05]], style: "series-1" }], x: "updates", y: "rate", label });
//
// A plain script and no module, which a page that was opened from a file could not load. Text is set as textContent
// only, never as markup.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const EDGE = { left: 62, right: 14, top: 28, bottom: 40 };
  const DOT = 4; // the radius of a dot, or more
  const DECADES = 10; // the most that a logarithmic axis spans
  const ROUNDING = 1e-9;
  const CLOSE = 2; // decades: a logarithmic axis that spans no more is marked at 2 and 5 too

  const short = (x) => String(Number(x.toPrecision(4))); // a rate or a loss
  const count = (t) => t.toLocaleString("en", { maximumFractionDigits: 2 }); // updates
  const signed = (text) => text.replace("-", "−");

  function element(name, attributes, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // About `most` round numbers from low to high.
  function ticks(low, high, most) {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
    const places = [];
    for (let n = Math.ceil(low / step); n * step <= high + step * 1e-9; n += 1) places.push(n * step + 0); // no −0
    return places;
  }

  // An axis: where between 0 and 1 a value is drawn, which value is at such a place, and which are marked, about `count`.
  function evenly(low, high, count) {
    const place = (value) => (value - low) / (high - low);
    return { place, valueAt: (share) => low + share * (high - low), marks: ticks(low, high, count) };
  }

  // With `least` and `most` the span is given, else it is that of the values, with 0.
  function linear(values, least, most) {
    const low = least ?? Math.min(0, ...values);
    let high = most ?? Math.max(...values);
    if (low === high) high = low + 1;
    if (most === undefined) high += (high - low) * 0.04;
    return evenly(low, high, 5);
  }

  function logarithmic(values, least, most, leaves) {
    const positive = values.filter((value) => value > 0);
    const top = Math.log10(most ?? (positive.length ? Math.max(...positive) : 1));
    const bottom = Math.max(Math.log10(least ?? (positive.length ? Math.min(...positive) : 1)), top - DECADES);
    const steps = top - bottom > CLOSE ? [1] : [1, 2, 5];
    const every = steps.length > 1 ? 1 : Math.ceil((top - bottom) / 6);
    const marks = [];
    for (let n = Math.floor(bottom); n <= Math.ceil(top); n += every) {
      marks.push(...steps.map((step) => step * 10 ** n));
    }
    // Where the span is not given it goes from the last mark below all values to the first above.
    const logs = marks.map(Math.log10);
    const low = least === undefined ? Math.max(...logs.filter((log) => log <= bottom + ROUNDING)) : bottom;
    const above = logs.filter((log) => log >= top - ROUNDING && log > low);
    const high = most === undefined && above.length ? Math.min(...above) : Math.max(top, low + 0.1);
    // A logarithmic axis has no zero: the line is drawn to its foot, unless it may leave the axis.
    const foot = leaves ? -Infinity : 0;
    const place = (value) => Math.max(foot, value > 0 ? (Math.log10(value) - low) / (high - low) : -Infinity);
    const valueAt = (share) => 10 ** (low + share * (high - low));
    return { place, valueAt, marks: marks.filter((_, i) => logs[i] >= low - ROUNDING && logs[i] <= high + ROUNDING) };
  }

  globalThis.Chart = class Chart {
    // onPoint(x): callback for a place on the horizontal axis that the pointer is over. onHandle(number, x, y): callback
    // for a handle that the pointer drags.
    constructor({ onPoint, onHandle } = {}) {
      this.onHandle = onHandle;
      this.handles = [];
      this.svg = element("svg", { class: "chart", role: "img" });
      if (onPoint) {
        for (const type of ["pointermove", "pointerdown"]) {
          this.svg.addEventListener(type, (event) => this.#pointed(event, onPoint));
        }
      }
      new ResizeObserver(() => this.#redraw()).observe(this.svg);
    }

    // series: [{ points: [[x, y], …], style, upper, marked }], drawn in this order. `style` is the line's class; one that
    // begins with "dots" is drawn as dots. With `upper`, the y values of a second line, the band between the two is
    // filled. A line that is not `marked` has no cursor. x and y: the axes' titles. `log`: whether the vertical axis is
    // logarithmic; `logX`: whether the horizontal one is. `span`: { x: [first, last], y: [low, high, leaves] } of the axes
    // where the points' own are not wanted; a logarithmic horizontal axis needs it. `leaves`: whether a line may go below
    // a logarithmic axis, and is not drawn at its foot.
    // `labels`: [[y, text], …] in the place of the vertical axis's numbers, `labelsX` of the horizontal one's. `handles`: points that can be dragged.
    // `label`: what the chart shows, in words.
    draw({ series, x, y, log = false, logX = false, span = {}, labels, labelsX, handles = [], label }) {
      this.shown = { series, x, y, log, logX, span, labels, labelsX, handles };
      this.svg.setAttribute("aria-label", label);
      this.#redraw();
    }

    #redraw() {
      const width = this.svg.clientWidth;
      const height = this.svg.clientHeight;
      if (!this.shown || !width) return;
      this.#clear();
      if (!this.shown.series.length) return;
      const { series, x, y, log, logX, span, labels, labelsX, handles } = this.shown;
      const inner = { width: width - EDGE.left - EDGE.right, height: height - EDGE.top - EDGE.bottom };
      const points = series.flatMap((one) => one.points);
      const [first, last] = span.x ?? [0, Math.max(...points.map(([at]) => at))];
      const values = points.map(([, value]) => value).concat(...series.map(({ upper = [] }) => upper));
      const { place, valueAt, marks } = (log ? logarithmic : linear)(values.filter(Number.isFinite), ...(span.y ?? []));
      const along = logX ? logarithmic([], first, last) : evenly(first, last, Math.max(2, Math.floor(inner.width / 60)));
      this.x = (at) => EDGE.left + along.place(at) * inner.width;
      // What lies far outside is drawn outside, but not so far that browsers fail.
      this.y = (value) => EDGE.top + (1 - Math.max(-2, Math.min(3, place(value)))) * inner.height;
      this.value = (pixel) => valueAt(1 - (pixel - EDGE.top) / inner.height);
      this.at = (pixel) => along.valueAt((pixel - EDGE.left) / inner.width);
      this.svg.prepend(
        ...this.#axes({
          width, height, inner, last, x: `${x}${logX ? ", logarithmic" : ""}`, y: `${y}${log ? ", logarithmic" : ""}`,
          labels: labels ?? marks.map((mark) => [mark, signed(short(mark))]),
          below: labelsX ?? along.marks.map((mark) => [mark, signed(logX ? short(mark) : count(mark))]),
        }),
        this.#curves(series, inner),
      );
      this.#placeHandles(handles);
      this.svg.drawn = series.map((one) => one.points); // for tests: the numbers that the lines were made from
      if (this.pointed !== undefined) this.point(this.pointed);
    }

    // Take away all but the handles; what the pointer asks for waits until something is drawn.
    #clear() {
      for (const child of [...this.svg.children]) if (!this.handles.includes(child)) child.remove();
      [this.x, this.at, this.marker] = [];
      this.svg.drawn = [];
    }

    #axes({ width, height, inner, last, labels, below, x, y }) {
      const parts = [];
      for (const [value, text] of labels) {
        const at = this.y(value);
        parts.push(element("path", { class: "grid", d: `M${EDGE.left},${at}H${width - EDGE.right}` }));
        parts.push(element("text", { x: EDGE.left - 6, y: at + 4, "text-anchor": "end" }, text));
      }
      for (const [at, words] of below) {
        const text = { x: this.x(at), y: height - EDGE.bottom + 18, "text-anchor": at === last ? "end" : "middle" };
        parts.push(element("text", text, words));
      }
      parts.push(element("text", { x: EDGE.left + inner.width / 2, y: height - 4, "text-anchor": "middle" }, x));
      parts.push(element("text", { x: 8, y: 14 }, y));
      parts.push(element("path", { class: "axis", d: `M${EDGE.left},${EDGE.top}v${inner.height}h${inner.width}` }));
      return parts;
    }

    // The lines, cut off at the edges of the inner field, and so that a dot that lies on an edge is whole.
    #curves(series, inner) {
      const place = { x: EDGE.left - DOT, y: EDGE.top - DOT, width: inner.width + 2 * DOT, height: inner.height + 2 * DOT };
      const field = element("svg", { ...place, viewBox: Object.values(place).join(" ") });
      for (const { points, upper, style } of series) {
        const line = style.startsWith("dots") ? this.#dots(points) : this.#line(points);
        if (upper) {
          const back = points.map(([at], i) => [at, upper[i]]).reverse();
          field.append(element("path", { class: `band ${style}`, d: `${line}L${this.#line(back).slice(1)}Z` }));
        } else field.append(element("path", { class: style, d: line }));
      }
      return field;
    }

    // A path through the points; where a value is not finite there is a gap.
    #line(points) {
      let path = "";
      let pen = "M";
      for (const [at, value] of points) {
        if (Number.isFinite(value)) path += `${pen}${this.x(at).toFixed(2)},${this.y(value).toFixed(2)}`;
        pen = Number.isFinite(value) ? "L" : "M";
      }
      return path;
    }

    // Lines of no length, which round ends make dots of.
    #dots(points) {
      return points.map(([at, value]) => `M${this.x(at).toFixed(2)},${this.y(value).toFixed(2)}h0`).join("");
    }

    // Mark each line at the place `at` of the horizontal axis, or at its point that is nearest.
    point(at) {
      this.pointed = at;
      if (!this.x) return; // nothing is drawn yet
      if (!this.marker) this.#addCursor();
      this.marker.setAttribute("d", `M${this.x(at)},${EDGE.top}V${this.svg.clientHeight - EDGE.bottom}`);
      for (const [{ points }, dot] of this.dots) {
        const [x, y] = points[Chart.nearest(points, at)];
        dot.toggleAttribute("hidden", !Number.isFinite(y));
        dot.setAttribute("cx", this.x(x));
        dot.setAttribute("cy", this.y(y));
      }
    }

    // Circles to drag. They stay the same elements: one that is taken out of the page lets go of the pointer.
    #placeHandles(places) {
      while (this.handles.length > places.length) this.handles.pop().remove();
      while (this.handles.length < places.length) this.handles.push(this.#handle(this.handles.length));
      for (const [number, [x, y]] of places.entries()) {
        this.handles[number].setAttribute("cx", this.x(x));
        this.handles[number].setAttribute("cy", this.y(y));
      }
    }

    #handle(number) {
      const circle = element("circle", { class: "handle", r: 9 });
      this.svg.append(circle);
      circle.addEventListener("pointerdown", (event) => circle.setPointerCapture(event.pointerId));
      circle.addEventListener("pointermove", (event) => {
        if (!circle.hasPointerCapture(event.pointerId)) return;
        const { left, top } = this.svg.getBoundingClientRect();
        this.onHandle(number, this.at(event.clientX - left), this.value(event.clientY - top));
      });
      return circle;
    }

    #addCursor() {
      this.marker = element("path", { class: "cursor" });
      const marked = this.shown.series.filter((one) => one.marked !== false);
      this.dots = marked.map((one) => [one, element("circle", { class: `cursor ${one.style}`, r: 5 })]);
      this.svg.append(this.marker, ...this.dots.map(([, dot]) => dot));
    }

    #pointed(event, onPoint) {
      if (this.at) onPoint(this.at(event.clientX - this.svg.getBoundingClientRect().left));
    }

    // The number of the point that is nearest to x = `at`.
    static nearest(points, at) {
      let [low, high] = [0, points.length - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (points[middle][0] <= at) low = middle;
        else high = middle;
      }
      return at - points[low][0] <= points[high][0] - at ? low : high;
    }

    static short = short;
    static count = count;
  };
})();
