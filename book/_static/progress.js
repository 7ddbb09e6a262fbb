// What a reader has done of each page, as dots in the sidebar: read to its end, predicted, quiz answered.
// It stays in this browser. predictions.js says how many of a page's questions are answered.
"use strict";

(() => {
  const STEPS = { read: "read to the end", prediction: "predictions made", quiz: "quiz answered" };
  const { element } = window.elements;
  const here = location.pathname;
  const kept = window.storage.entry("progress", (stored) => {
    const pages = Object.entries(stored ?? {}).filter(([, page]) => page && typeof page === "object");
    return new Map(pages);
  });

  // Notes that a step of this page is done, or no longer.
  function note(step, done) {
    if (kept.read().get(here)?.[step] === done) return;
    kept.update((all) => Object.fromEntries(all.set(here, { ...all.get(here), [step]: done })));
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
    const all = kept.read();
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
    if (kept.read().get(here)?.read === undefined && document.querySelector(".questions")) note("read", false);
  }

  document.addEventListener("answered", ({ detail }) => note(detail.kind, detail.count === detail.of));
  kept.onChange(show);
  show();
  watchEnd();
})();
