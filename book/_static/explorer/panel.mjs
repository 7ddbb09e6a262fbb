// The explorer's panel. A state is opaque text here: Python parses, checks and evaluates it.
import { Controls } from "./controls.mjs";
import { Engine } from "./engine.mjs";

const { Chart } = globalThis; // chart.js, a script of the page
const { count, nearest, short } = Chart;
const FIRST = "Warm-up, then cosine";
const part = (name) => document.getElementById(`explorer-${name}`);
const say = (text) => { part("state").textContent = text; };

let engine;
let controls;
let shown; // Python's last answer
let busy = false;
const queue = []; // requests that wait while Python is busy
let debounce; // timer of what follows only when a slider rests: the status line and the address

const onPoint = (t) => point(nearest(shown.points.schedule, t));
const onHandle = (number, t, rate) => enqueue(() => ({ move: [shown.state, number, t, rate] }), "move");
const charts = { schedule: new Chart({ onPoint, onHandle }), momentum: new Chart({ onPoint }) };
const titles = { schedule: "learning rate", momentum: "momentum" };

// --- Requests ---------------------------------------------------------------------------------------------------

// Add a request to the queue; `use` is given its answer. It replaces a queued one with the same key, so that a slider
// leaves no backlog.
function enqueue(request, key, { field, use = ({ shown }) => show(shown) } = {}) {
  const at = queue.findIndex((other) => other.key === key);
  if (at >= 0) queue.splice(at, 1);
  queue.push({ request, key, field, use });
  return drain();
}

async function drain() {
  if (busy) return;
  busy = true;
  while (queue.length) {
    const { request, field, use } = queue.shift();
    try {
      const answer = await engine.ask(request());
      if (answer.refused) refuse(answer.refused, field);
      else use(answer);
    } catch (error) {
      refuse(error.message, field);
    }
  }
  busy = false;
}

// Whether an edit of this value is queued: an older answer must not overwrite what the reader entered.
const isQueued = (path) => queue.some(({ key }) => key === path.join("/"));

const pick = (name) => enqueue(() => ({ pick: name }), "whole");
const read = (text, field) => enqueue(() => ({ read: text }), "whole", { field });
const edit = (path, text, field) => enqueue(() => ({ edit: [shown.state, path, text] }), path.join("/"), { field });

// Give the training panel, if the page has one, the rates of a state over its budget.
function compress(state, give) {
  const use = ({ compressed }) => give(state, { label: "Your own", ...compressed });
  return enqueue(() => ({ compress: [state, globalThis.trainerTask.updates] }), `compress ${state}`, { use });
}

function refuse(reason, field) {
  part("error").textContent = reason;
  field?.setAttribute("aria-invalid", "true");
}

// --- Showing ----------------------------------------------------------------------------------------------------

function show(answer) {
  shown = answer;
  part("error").textContent = "";
  for (const field of part("panel").querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const [name, chart] of Object.entries(charts)) {
    const points = shown.points[name];
    chart.svg.toggleAttribute("hidden", !points);
    const series = [{ points, style: name }];
    const log = shown.log && name === "schedule";
    const handles = name === "schedule" ? shown.path : [];
    if (points) chart.draw({ series, x: "updates", y: titles[name], log, handles, label: summary() });
  }
  part("draw").hidden = !shown.path.length;
  part("cursor").max = shown.points.schedule.length - 1;
  point(Number(part("cursor").value));
  if (!isQueued(["horizon"])) part("horizon").value = shown.horizon;
  if (!isQueued(["log"])) part("log").checked = shown.log;
  facts();
  controls.show(shown.groups, isQueued);
  part("json").value = shown.json;
  part("torch").textContent = shown.torch;
  part("keras").textContent = shown.keras;
  const link = new URL(location.href);
  link.hash = `s=${encodeURIComponent(shown.state)}`;
  part("link").value = link.href;
  clearTimeout(debounce);
  debounce = setTimeout(() => {
    say(summary());
    // A reload shows the same state, unless the address holds a comparison of the training panel's.
    if (!location.hash.startsWith("#t=")) history.replaceState(null, "", link);
  }, 500);
}

function summary() {
  const { start, end, peak, peak_at, mean } = shown.facts;
  return `The rate goes from ${short(start)} to ${short(end)} in ${count(shown.horizon)} updates; ` +
    `its peak, ${short(peak)}, is at update ${count(peak_at)}, its mean ${short(mean)}.`;
}

function facts() {
  const { length, start, end, peak, peak_at, mean, phases } = shown.facts;
  const name = ({ name, start, stop }) => `${name} ${count(start)}–${stop === null ? "…" : count(stop)}`;
  const rows = {
    "mean rate": short(mean),
    "start → end": `${short(start)} → ${short(end)}`,
    peak: `${short(peak)} at update ${count(peak_at)}`,
    length: length === null ? "never ends" : `${count(length)} updates`,
    phases: phases.map(name).join(", "),
    ...(shown.negative && { note: "The rate falls below 0: such updates climb." }),
  };
  part("facts").replaceChildren(
    ...Object.entries(rows).flatMap(([term, text]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      [dt.textContent, dd.textContent] = [term, text];
      return [dt, dd];
    }),
  );
}

// Mark a point on the curves and say its rate.
function point(at) {
  const slider = part("cursor");
  slider.value = at;
  const [t, rate] = shown.points.schedule[slider.value];
  charts.schedule.point(t);
  let text = `update ${count(t)}: rate ${rate}`;
  if (shown.points.momentum) {
    const there = nearest(shown.points.momentum, t);
    charts.momentum.point(t);
    text += `, momentum ${shown.points.momentum[there][1]}`;
  }
  slider.setAttribute("aria-valuetext", text);
  part("point").textContent = text;
}

// --- Events -----------------------------------------------------------------------------------------------------

function open(hash) {
  if (!hash.startsWith("#s=")) return undefined;
  part("pick").value = "";
  try {
    return read(decodeURIComponent(hash.slice(3)));
  } catch {
    return refuse("The link is damaged: its text cannot be decoded.");
  }
}

async function copy({ target }) {
  const source = part(target.dataset.copies.replace("explorer-", ""));
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch { // no permission, or no secure address
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    say("Selected: press Ctrl+C to copy.");
  }
}

function listen() {
  part("pick").addEventListener("change", ({ target }) => target.value && pick(target.value));
  part("cursor").addEventListener("input", ({ target }) => point(Number(target.value)));
  part("horizon").addEventListener("change", ({ target }) => edit(["horizon"], target.value, target));
  part("log").addEventListener("change", ({ target }) => edit(["log"], String(target.checked), target));
  part("read").addEventListener("click", () => {
    part("pick").value = "";
    read(part("json").value, part("json"));
  });
  for (const button of part("panel").querySelectorAll("[data-copies]")) button.addEventListener("click", copy);
  for (const name of ["split", "join"]) {
    part(name).addEventListener("click", () => enqueue(() => ({ [name]: shown.state }), name));
  }
  part("train").hidden = !globalThis.trainingPanel;
  part("train").addEventListener("click", () => compress(shown.state, globalThis.trainingPanel.add));
  addEventListener("hashchange", ({ newURL }) => {
    open(new URL(newURL).hash); // location.hash may have been replaced by show() since
    part("state").scrollIntoView();
  });
}

// Load Python, and say what is loading.
export function load(base, release) {
  engine ??= new Engine(`${base}worker.mjs?${release}`, (what) => say(`Loading ${what} …`));
  return engine.load();
}

// Show the panel, and draw what the link holds.
export async function start() {
  part("charts").replaceChildren(charts.schedule.svg, charts.momentum.svg);
  controls ??= new Controls(part("controls"), edit);
  part("panel").hidden = false;
  listen();
  const { hash } = location;
  part("pick").value = FIRST;
  await pick(FIRST); // also where the link is refused
  await open(hash);
  const { trainingPanel } = globalThis;
  for (const state of trainingPanel?.wanted() ?? []) await compress(state, trainingPanel.tell);
  part("pick").focus();
}
