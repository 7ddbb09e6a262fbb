// What a reader has done of each page, as dots in the sidebar: read to its end, predicted, quiz answered.
// It stays in this browser. predictions.js says how many of a page's questions are answered.
"use strict";

(() => {
  const KEY = "progress";
  const STEPS = { read: "read to the end", prediction: "predictions made", quiz: "quiz answered" };
  const { element } = window.elements;
  const here = location.pathname;
  const all = readAll();

  function readAll() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY));
      return new Map(Object.entries(stored ?? {}).filter(([, page]) => page && typeof page === "object"));
    } catch {
      return new Map(); // local storage is blocked, or holds no JSON
    }
  }

  function save() {
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all)));
    } catch {
      // Local storage is blocked: the dots last as long as the page.
    }
  }

  // Notes that a step of this page is done, or no longer.
  function note(step, done) {
    const page = all.get(here) ?? {};
    if (page[step] === done) return;
    all.set(here, { ...page, [step]: done });
    save();
    show();
  }

  // A page's dots: a step that the page does not have has none.
  function dots(page) {
    const steps = Object.keys(STEPS).filter((step) => typeof page[step] === "boolean");
    const said = steps.map((step) => `${STEPS[step]}: ${page[step] ? "yes" : "not yet"}`).join(", ");
    const drawn = element("span", { textContent: steps.map((step) => (page[step] ? "●" : "○")).join("") });
    drawn.setAttribute("aria-hidden", "true");
    return element(
      "span",
      { className: "progress-dots", title: said },
      drawn,
      element("span", { className: "visually-hidden", textContent: ` (${said})` }),
    );
  }

  function show() {
    for (const link of document.querySelectorAll("nav.bd-links a[href]")) {
      link.querySelector(".progress-dots")?.remove();
      const page = all.get(link.pathname);
      if (page && Object.values(page).some((done) => done === true)) link.append(" ", dots(page));
    }
  }

  // A chapter is read where its end has been seen with its result unfolded.
  function watchEnd() {
    const end = document.querySelector(".prev-next-footer, .bd-footer-article, footer");
    if (!end) return;
    new IntersectionObserver((entries) => {
      const folded = document.querySelector(".gives-away[hidden]");
      if (entries.some((entry) => entry.isIntersecting) && !folded) note("read", true);
    }).observe(end);
    if (all.get(here)?.read === undefined && document.querySelector(".questions")) note("read", false);
  }

  document.addEventListener("answered", ({ detail }) => note(detail.kind, detail.count === detail.of));
  show();
  watchEnd();
})();
