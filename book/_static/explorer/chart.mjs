// Draws a curve as SVG. Text is set as textContent only, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const EDGE = { left: 62, right: 14, top: 28, bottom: 40 };
const DECADES = 10; // the most that a logarithmic axis spans

export const short = (x) => String(Number(x.toPrecision(4))); // a rate
export const count = (t) => t.toLocaleString("en", { maximumFractionDigits: 2 }); // updates

function element(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// About `count` round numbers from low to high.
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const places = [];
  for (let n = Math.ceil(low / step); n * step <= high + step * 1e-9; n += 1) places.push(n * step);
  return places;
}

function linear(rates) {
  let low = Math.min(0, ...rates);
  let high = Math.max(...rates);
  if (low === high) high = low + 1;
  high += (high - low) * 0.04;
  return { place: (rate) => (rate - low) / (high - low), marks: ticks(low, high, 5) };
}

function logarithmic(rates) {
  const positive = rates.filter((rate) => rate > 0);
  const top = Math.ceil(Math.log10(positive.length ? Math.max(...positive) : 1));
  const least = Math.floor(Math.log10(positive.length ? Math.min(...positive) : 1));
  const foot = Math.min(Math.max(least, top - DECADES), top - 1);
  const marks = [];
  for (let n = foot; n <= top; n += Math.ceil((top - foot) / 6)) marks.push(10 ** n);
  // A logarithmic axis has no zero: the line is drawn to its foot.
  return { place: (rate) => Math.max(0, rate > 0 ? (Math.log10(rate) - foot) / (top - foot) : 0), marks };
}

export class Chart {
  constructor(name, onpoint) {
    this.name = name;
    this.svg = element("svg", { class: "explorer-chart", role: "img" });
    this.onpoint = onpoint;
    this.points = [];
    this.svg.addEventListener("pointermove", (event) => this.#pointed(event));
    this.svg.addEventListener("pointerdown", (event) => this.#pointed(event));
    new ResizeObserver(() => this.#redraw()).observe(this.svg);
  }

  // points: [update, rate] pairs.
  draw(points, log, label) {
    Object.assign(this, { points, log });
    this.svg.setAttribute("aria-label", label);
    this.#redraw();
  }

  #redraw() {
    const width = this.svg.clientWidth;
    const height = this.svg.clientHeight;
    if (!this.points.length || !width) return;
    const inner = { width: width - EDGE.left - EDGE.right, height: height - EDGE.top - EDGE.bottom };
    const last = this.points.at(-1)[0];
    const rates = this.points.map(([, rate]) => rate);
    const { place, marks } = (this.log ? logarithmic : linear)(rates);
    this.x = (t) => EDGE.left + (t / last) * inner.width;
    this.y = (rate) => EDGE.top + (1 - place(rate)) * inner.height;
    const parts = [];
    for (const mark of marks) {
      const y = this.y(mark);
      parts.push(element("path", { class: "grid", d: `M${EDGE.left},${y}H${width - EDGE.right}` }));
      parts.push(element("text", { x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, short(mark)));
    }
    for (const t of ticks(0, last, Math.max(2, Math.floor(inner.width / 120)))) {
      const text = { x: this.x(t), y: height - EDGE.bottom + 18, "text-anchor": t === last ? "end" : "middle" };
      parts.push(element("text", text, count(t)));
    }
    parts.push(element("text", { x: EDGE.left + inner.width / 2, y: height - 4, "text-anchor": "middle" },
      "updates"));
    const title = `${this.name === "momentum" ? "momentum" : "learning rate"}${this.log ? ", logarithmic" : ""}`;
    parts.push(element("text", { x: 8, y: 14 }, title));
    parts.push(element("path", { class: "axis", d: `M${EDGE.left},${EDGE.top}v${inner.height}h${inner.width}` }));
    const line = this.points.map(([t, rate]) => `${this.x(t).toFixed(2)},${this.y(rate).toFixed(2)}`);
    parts.push(element("path", { class: this.name, d: `M${line.join("L")}` }));
    this.cursor = element("path", { class: "cursor" });
    this.dot = element("circle", { class: "cursor", r: 5 });
    this.svg.replaceChildren(...parts, this.cursor, this.dot);
    this.svg.drawn = this.points; // for tests: the numbers that the line was made from
    this.point(this.at ?? 0);
  }

  // Mark the point number `at`.
  point(at) {
    this.at = Math.min(at, this.points.length - 1);
    if (!this.cursor || this.at < 0) return;
    const [t, rate] = this.points[this.at];
    this.cursor.setAttribute("d", `M${this.x(t)},${EDGE.top}V${this.svg.clientHeight - EDGE.bottom}`);
    this.dot.setAttribute("cx", this.x(t));
    this.dot.setAttribute("cy", this.y(rate));
  }

  #pointed(event) {
    if (!this.x) return;
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    const last = this.points.at(-1)[0];
    this.onpoint(((x - EDGE.left) / (this.svg.clientWidth - EDGE.left - EDGE.right)) * last);
  }
}

// The number of the point that is nearest to update t.
export function nearest(points, t) {
  let [low, high] = [0, points.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= t) low = middle;
    else high = middle;
  }
  return t - points[low][0] <= points[high][0] - t ? low : high;
}
