// A chapter's questions become radio buttons, and what gives an answer away is folded until it is answered.
// book/_ext/predictions.py marks both. Without this script the page shows all of it as text.
"use strict";

(() => {
  const { element, textOf } = window.elements;
  const predictions = document.querySelector(".questions.prediction");
  const BLOCKS = "p, li, dt, dd, tr, pre, figcaption, h2, h3, h4";
  const KINDS = ["prediction", "quiz"];
  const offered = new Map(KINDS.flatMap(pairs).map(([name, item]) => [name, choicesOf(item)])); // by question
  const kept = window.storage.entry(`answers:${location.pathname}`, parse);
  let state = kept.read();
  const folds = [];
  const judges = []; // each shows the verdicts on the answers of a kind

  // The content of a paragraph, to be shown a second time: an id may stand on a page once.
  function copied(paragraph) {
    const copy = paragraph.cloneNode(true);
    for (const named of copy.querySelectorAll("[id]")) named.removeAttribute("id");
    return copy.childNodes;
  }

  // --- What the reader answered ---

  // What is stored may be anything, and a question may have changed since.
  function parse(stored) {
    const answers = Object.entries(stored?.answers ?? {}).filter(([name, value]) => offered.get(name)?.includes(value));
    const shown = Array.isArray(stored?.shown) ? stored.shown.filter(Number.isInteger) : []; // folds, by their places
    return { answers: Object.fromEntries(answers), shown };
  }

  // Keeps what the reader did.
  function update(change) {
    kept.update(change);
    follow();
    report();
  }

  // Shows what is kept by now, which another tab may have changed.
  function follow() {
    state = kept.read();
    for (const radio of document.querySelectorAll("fieldset.question input")) {
      radio.checked = state.answers[radio.name] === radio.value;
    }
    folds.forEach(fit);
    for (const judge of judges) judge();
  }

  const answered = (all) => all.filter(([name]) => name in state.answers).length;

  // Tells progress.js how many questions of each kind are answered.
  function report() {
    for (const kind of KINDS) {
      const all = pairs(kind);
      const detail = { kind, count: answered(all), of: all.length };
      if (all.length) document.dispatchEvent(new CustomEvent("answered", { detail }));
    }
  }

  // --- Questions ---

  function choicesOf(item) {
    return textOf(item.querySelector(".choices")).split(" / ");
  }

  // Replaces a question's text by a group of radio buttons.
  function ask(item, name) {
    const choices = item.querySelector(".choices");
    const text = choices.closest("p");
    const legend = element("legend");
    const field = element("fieldset", { className: "question" }, legend);
    replaceChoices(choices);
    legend.append(...text.childNodes);
    for (const value of offered.get(name)) {
      const radio = element("input", { type: "radio", name, value });
      radio.addEventListener("change", () => {
        update(({ answers, shown }) => ({ answers: { ...answers, [name]: value }, shown }));
      });
      field.append(element("label", {}, radio, element("span", { textContent: value })));
    }
    text.replaceWith(field);
    return field;
  }

  // Puts a placeholder in the choices' place: "It is **a / b**." becomes "It is …". After a question mark, nothing.
  function replaceChoices(choices) {
    const [before, after] = [choices.previousSibling, choices.nextSibling];
    if (after?.nodeType === Node.TEXT_NODE) after.data = after.data.replace(/^\./, "");
    choices.replaceWith(before?.textContent.trim().endsWith("?") ? "" : "…");
  }

  // Pairs each question of a kind with its answer: [name, question's item, answer's item].
  function pairs(kind) {
    const answers = document.querySelector(`.answers.${kind}`);
    const items = [...(document.querySelector(`.questions.${kind}`)?.children ?? [])];
    return items.map((item, n) => [`${kind}-${n + 1}`, item, answers.children[n]]);
  }

  function askQuiz() {
    for (const [name, item, answer] of pairs("quiz")) {
      const feedback = element("p", { className: "verdict" });
      feedback.setAttribute("role", "status");
      feedback.dataset.verdict = "none";
      let judged;
      judges.push(() => {
        const chosen = state.answers[name];
        if (chosen === judged) return; // else it is read out once more
        judged = chosen;
        const right = chosen === textOf(answer.querySelector(".answer"));
        feedback.dataset.verdict = chosen === undefined ? "none" : right ? "right" : "wrong";
        feedback.replaceChildren();
        if (right) feedback.append("✓ Right. ", ...copied(answer.querySelector("p")));
        else if (chosen !== undefined) feedback.append(`✗ Not “${chosen}”. Try again, or read the answers below.`);
      });
      ask(item, name).append(feedback);
    }
  }

  function askPredictions() {
    const all = pairs("prediction");
    const status = element("span");
    status.setAttribute("role", "status");
    const again = element("button", { type: "button", textContent: "Start again" });
    judges.push(() => {
      for (const [name, , answer] of all) showVerdict(answer, state.answers[name]);
      const count = answered(all);
      const left = count < all.length ? "" : " The result is open below.";
      const said = `${count} of ${all.length} answered, kept in this browser only.${left}`;
      if (status.textContent !== said) status.textContent = said;
      again.hidden = count === 0 && state.shown.length === 0;
    });
    for (const [name, item] of all) ask(item, name);
    again.addEventListener("click", () => {
      const names = new Set(all.map(([name]) => name));
      update(({ answers }) => {
        const others = Object.entries(answers).filter(([name]) => !names.has(name));
        return { answers: Object.fromEntries(others), shown: [] };
      });
      folds.forEach(close);
      predictions.querySelector("input").focus();
    });
    predictions.after(element("p", { className: "prediction-status" }, status, " ", again));
  }

  // Says beside a prediction's answer what the reader had chosen.
  function showVerdict(answer, chosen) {
    let verdict = answer.querySelector(".verdict");
    if (!verdict) answer.append((verdict = element("p", { className: "verdict" })));
    const held = chosen === textOf(answer.querySelector(".answer"));
    verdict.dataset.verdict = chosen === undefined ? "none" : held ? "right" : "wrong";
    if (chosen === undefined) verdict.textContent = "You have not predicted this.";
    else verdict.textContent = held ? `✓ You predicted “${chosen}”. It held.` : `✗ You predicted “${chosen}”. It did not hold.`;
  }

  // --- Folds ---

  function findFolds() {
    const numbers = pairs("prediction").map((_, n) => n + 1);
    for (const part of document.querySelectorAll("div.gives-away")) {
      const answered = [...part.classList].map((name) => /^answers-(\d+)$/.exec(name)?.[1]);
      addFold([part], answered.filter(Boolean).map(Number));
    }
    const sections = [...document.querySelectorAll("section.gives-away")];
    if (sections.length) addFold(sections, numbers);
  }

  function addFold(parts, numbers) {
    const fold = { parts, numbers, place: folds.length };
    const result = parts[0].matches("section");
    const what = result ? "The result comes next." : `What comes next answers question ${numbers.join(" and ")}.`;
    const link = element("a", { href: `#${predictions.closest("section").id}`, textContent: "Predict first" });
    const button = element("button", { type: "button", textContent: "Show without answering" });
    button.addEventListener("click", () => {
      update(({ answers, shown }) => ({ answers, shown: [...shown, fold.place] }));
      const first = parts[0].querySelector("h2, h3") ?? parts[0];
      first.tabIndex = -1;
      first.focus();
    });
    fold.bar = element("div", { className: "fold-bar" }, element("p", {}, `${what} `, link, ", or "), button);
    parts[0].before(fold.bar);
    for (const part of parts) part.addEventListener("beforematch", () => open(fold));
    folds.push(fold);
  }

  // Opens a fold whose questions are answered or that the reader had shown, and closes it where that is taken back. One
  // that a link or the search has opened stays so.
  function fit(fold) {
    const due = state.shown.includes(fold.place) || fold.numbers.every((n) => `prediction-${n}` in state.answers);
    if (due) open(fold);
    else if (fold.due !== false) close(fold);
    fold.due = due;
  }

  function open(fold) {
    fold.bar.hidden = true;
    for (const part of fold.parts) part.removeAttribute("hidden");
  }

  function close(fold) {
    fold.bar.hidden = false;
    // Where the browser supports it, "find in page" still finds the text and opens the fold.
    const hidden = "onbeforematch" in fold.bar ? "until-found" : "";
    for (const part of fold.parts) part.setAttribute("hidden", hidden);
  }

  // Opens the fold that an element is in, if any, and says whether it was folded.
  function reveal(target) {
    const fold = target && folds.find(({ parts }) => parts.some((part) => part.contains(target)));
    if (!fold || fold.bar.hidden) return false;
    open(fold);
    return true;
  }

  function targetOf(hash) {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch {
      return null; // no text that can be decoded: "#100%"
    }
  }

  function followAddress() {
    const target = targetOf(location.hash);
    if (reveal(target)) target.scrollIntoView();
  }

  // Opens the folds where one block of text has all words of a search, for a reader who comes from the search results.
  function openSearchHits() {
    if (!document.referrer.includes("/search.html?")) return;
    const { inOurWords, stems } = window.searchWords;
    const query = new URL(document.referrer).searchParams.get("q") ?? "";
    const terms = [...stems(inOurWords(query))];
    if (!terms.length) return;
    const hit = (block) => {
      const words = stems(textOf(block));
      return terms.every((term) => words.has(term));
    };
    for (const fold of folds) {
      if (fold.parts.some((part) => [...part.querySelectorAll(BLOCKS)].some(hit))) open(fold);
    }
  }

  // Prints the quiz's answers too; everything else is unfolded by the style sheet.
  function printAnswers() {
    const answers = document.querySelector(".answers.quiz")?.closest("details");
    if (!answers || answers.open) return;
    answers.open = true;
    addEventListener("afterprint", () => (answers.open = false), { once: true });
  }

  askQuiz();
  if (predictions) {
    findFolds();
    askPredictions();
  }
  follow();
  report();
  kept.onChange(follow);
  addEventListener("beforeprint", printAnswers);
  if (predictions) {
    followAddress();
    addEventListener("hashchange", followAddress);
    addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href]");
      if (link?.hash && link.pathname === location.pathname) reveal(targetOf(link.hash));
    });
    openSearchHits();
  }
})();
