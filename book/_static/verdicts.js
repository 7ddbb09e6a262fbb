// The full table of claims can be filtered and sorted. Without this script it is there, whole and in order.
// book/_ext/verdict_tables.py lays out this table and those of the chapters.
"use strict";

(() => {
  // In the order in which the words are listed and sorted.
  const WORDS = [
    "holds",
    "had again",
    "true",
    "negligible",
    "no gain",
    "reversed",
    "not had again",
    "false",
    "undecided",
    "cannot tell",
    "cannot be tested here",
  ];
  const NONE = "–"; // what stands in a cell that has nothing to say
  const NUMBERS = ["PyTorch", "Keras", "seeds"]; // columns that begin with a number
  const FILTERS = { source: "Source", verdict: "Verdict", "shown in": "Chapter" }; // column → label

  const collator = new Intl.Collator("en", { numeric: true });

  const { element, textOf } = window.elements;

  // A table of claims: its element, the cells of its head, its columns by name, and the texts of its rows.
  function read(table) {
    const heads = [...table.querySelectorAll("thead tr > *")];
    const columns = Object.fromEntries(heads.map((cell, index) => [textOf(cell), index]));
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    return { table, heads, columns, rows: rows.map((row) => ({ row, texts: [...row.cells].map(textOf) })) };
  }

  // --- Filters ---

  // The texts of a column, each once, in the order in which a reader looks for them.
  function choices({ columns, rows }, name) {
    const found = [...new Set(rows.map(({ texts }) => texts[columns[name]]))];
    if (name === "verdict") return found.sort(byWord);
    return name === "shown in" ? found.sort(collator.compare) : found; // sources stand in the table's order
  }

  function addFilters(claims) {
    const selects = Object.entries(FILTERS).map(([name, label]) => {
      const select = element("select", { name }, new Option("all", ""));
      for (const text of choices(claims, name)) select.add(new Option(text, text));
      return element("label", {}, `${label} `, select);
    });
    const count = element("output"); // read out when it changes
    const form = element(
      "form",
      { className: "verdict-filters", ariaLabel: "Claims shown" },
      ...selects,
      element("button", { type: "reset", textContent: "Show all" }),
      count,
    );
    const show = () => {
      const chosen = [...new FormData(form)].filter(([, text]) => text);
      const fits = ({ texts }) => chosen.every(([name, text]) => texts[claims.columns[name]] === text);
      for (const line of claims.rows) line.row.hidden = !fits(line);
      const shown = claims.rows.filter(({ row }) => !row.hidden).length;
      count.textContent = `${shown} of ${claims.rows.length} claims`;
    };
    form.addEventListener("change", show);
    form.addEventListener("reset", () => setTimeout(show)); // the selects are reset after the event
    show();
    const outermost = ".pst-scrollable-table-container, .table-scroll";
    let place = claims.table;
    while (place.parentElement.matches(outermost)) place = place.parentElement;
    place.before(form);
  }

  // --- Sorting ---

  function byWord(one, other) {
    const rank = (word) => (WORDS.includes(word) ? WORDS.indexOf(word) : WORDS.length);
    return rank(one) - rank(other) || collator.compare(one, other);
  }

  // By the number that a text begins with; texts without one by their letters, before all numbers.
  function byNumber(one, other) {
    const [a, b] = [one, other].map((text) => parseFloat(text.replace("−", "-")));
    if (isNaN(a) || isNaN(b)) return isNaN(b) - isNaN(a) || collator.compare(one, other);
    return a - b;
  }

  // Orders the rows by a column; what has nothing there comes last either way. `direction` "" is the book's own order.
  function sort({ rows, columns }, name, direction) {
    const compare = name === "verdict" ? byWord : NUMBERS.includes(name) ? byNumber : collator.compare;
    const sign = direction === "descending" ? -1 : 1;
    const index = columns[name];
    const sorted = [...rows];
    if (direction) {
      sorted.sort(({ texts: a }, { texts: b }) => {
        const empty = (a[index] === NONE) - (b[index] === NONE);
        return empty || sign * compare(a[index], b[index]);
      });
    }
    for (const { row } of sorted) row.parentElement.append(row);
  }

  function addSorting(claims) {
    const NEXT = { "": "ascending", ascending: "descending", descending: "" };
    for (const head of claims.heads) {
      if (head.classList.contains("aside")) continue; // its head is not seen
      const name = textOf(head);
      const button = element("button", { type: "button", className: "sort", textContent: name });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const direction = NEXT[head.getAttribute("aria-sort") ?? ""];
        for (const other of claims.heads) other.removeAttribute("aria-sort");
        if (direction) head.setAttribute("aria-sort", direction);
        sort(claims, name, direction);
      });
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll("table.verdicts")) {
      const claims = read(table);
      if (!Object.keys(FILTERS).every((name) => name in claims.columns)) continue;
      addFilters(claims);
      addSorting(claims);
    }
  });
})();
