// A field for every parameter, and a slider beside each number.

const POSITIONS = 1000;

const create = (name, attributes = {}, text = "") => {
  const element = Object.assign(document.createElement(name), attributes);
  if (text) element.textContent = text;
  return element;
};

const trimmed = (x) => Number(x.toPrecision(3));

// A value's position on its slider, and back. With `zero`, the lowest position is the value 0.
function toPosition(value, { min, max, log, zero }) {
  if (zero && value <= 0) return 0;
  const share = log ? Math.log(Math.max(value, min) / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.min(POSITIONS, Math.max(zero ? 1 : 0, Math.round(share * POSITIONS)));
}

function toValue(position, { min, max, log, zero, whole }) {
  if (zero && position === 0) return 0;
  const share = position / POSITIONS;
  const value = log ? min * (max / min) ** share : min + share * (max - min);
  return whole ? Math.round(trimmed(value)) : trimmed(value);
}

export class Controls {
  #place;
  #onedit;
  #shape;
  #fields = new Map();

  // onedit(path, text, field): callback for a value that the reader entered.
  constructor(place, onedit) {
    this.#place = place;
    this.#onedit = onedit;
  }

  // isQueued(path): whether a newer edit of this value waits to be sent.
  show(groups, isQueued) {
    const shape = JSON.stringify(groups.map(({ title, fields }) => [title, fields.map(({ path }) => path)]));
    if (shape !== this.#shape) this.#build(groups); // else reuse the elements, so that focus and scroll position stay
    this.#shape = shape;
    for (const field of groups.flatMap(({ fields }) => fields)) {
      if (!isQueued(field.path)) this.#fields.get(field.path.join("/"))(field);
    }
  }

  #build(groups) {
    this.#fields.clear();
    const sets = groups.filter(({ fields }) => fields.length).map(({ title, fields }) => {
      const set = create("fieldset");
      set.append(create("legend", {}, title), ...fields.map((field) => this.#row(field, title)));
      return set;
    });
    this.#place.replaceChildren(...sets);
  }

  #row(field, title) {
    const { path, name, type, words, choices } = field;
    const id = `explorer-${path.join("-")}`;
    const row = create("div", { className: "controls-row" });
    const label = create("label", { htmlFor: id }, name);
    let input;
    if (type === "choice") {
      input = create("select", { id });
      input.append(...choices.map((choice) => create("option", { value: choice }, choice)));
    } else if (type === "flag") {
      input = create("input", { id, type: "checkbox" });
    } else {
      input = create("input", { id, type: "text", inputMode: type === "number" ? "decimal" : "text", title: words });
      input.autocomplete = "off";
    }
    const text = () => (type === "flag" ? String(input.checked) : input.value);
    let typing = false; // an answer to something else must not overwrite a half-typed number
    input.addEventListener("input", () => { typing = true; });
    input.addEventListener("blur", () => { typing = false; }); // no change comes where the text is as it was
    input.addEventListener("change", () => {
      typing = false;
      this.#onedit(path, text(), input);
    });
    row.append(label, input);
    const slider = type === "number" && this.#slider(field, `${name}, slider (${title})`, input);
    if (slider) row.append(slider);
    this.#fields.set(path.join("/"), ({ value, span }) => {
      if (type === "flag") input.checked = value;
      else if (!typing) input.value = value ?? "";
      if (slider && document.activeElement !== slider) slider.value = toPosition(value ?? span.min, span);
      if (slider) slider.setAttribute("aria-valuetext", value === null ? "none" : String(value));
    });
    return row;
  }

  #slider({ path, span }, label, input) {
    const slider = create("input", { type: "range", min: 0, max: POSITIONS });
    slider.setAttribute("aria-label", label);
    slider.addEventListener("input", () => {
      input.value = toValue(Number(slider.value), span);
      slider.setAttribute("aria-valuetext", input.value);
      this.#onedit(path, input.value, input);
    });
    return slider;
  }
}
