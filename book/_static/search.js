// The search finds sections by the words of their headings, and knows other names of what the course speaks of.
"use strict";

(() => {
  // What people type, and what the pages say.
  const SAID = {
    warmup: "warm-up",
    scheduler: "schedule",
    schedulers: "schedules",
    annealing: "decay",
    lr: "learning rate",
    llm: "language models",
    llms: "language models",
    batchsize: "batch size",
    onecycle: "one-cycle",
    "1cycle": "one-cycle",
    ema: "average weights",
    swa: "average weights",
    cooldown: "decay",
    overfitting: "validation",
    bug: "museum",
    bugs: "museum",
    gotcha: "museum",
    install: "run yourself",
    colab: "run yourself",
  };

  const inOurWords = (query) => query.replace(/[\w-]+/g, (word) => SAID[word.toLowerCase()] ?? word);

  // Sections whose headings have all of the terms, as [page, title, anchor, description, score, file], the shortest last.
  function sections(terms) {
    const { alltitles, titles, docnames, filenames } = Search._index;
    const stemmer = new Stemmer();
    const found = [];
    for (const [title, places] of Object.entries(alltitles)) {
      const words = new Set(splitQuery(title.toLowerCase()).map((word) => stemmer.stemWord(word)));
      if (![...terms].every((term) => words.has(term))) continue;
      for (const [page, id] of places) {
        if (id === null || titles[page] === title) continue; // the page itself is found without us
        found.push([docnames[page], `${titles[page]} > ${title}`, `#${id}`, null, Scorer.title, filenames[page]]);
      }
    }
    return found.sort((a, b) => b[1].length - a[1].length);
  }

  const perform = Search.performSearch;
  Search.performSearch = (query) => perform(inOurWords(query));

  const collect = Search._performSearch;
  Search._performSearch = (query, terms, ...rest) => {
    const results = collect(query, terms, ...rest);
    const shown = new Set(results.map(([page, , anchor]) => page + anchor));
    const added = terms.size ? sections(terms).filter(([page, , anchor]) => !shown.has(page + anchor)) : [];
    // The last is shown first: a page whose title is what was asked for stays on top.
    const top = results.filter(([, title]) => title.toLowerCase() === query.toLowerCase().trim());
    return [...results.filter((one) => !top.includes(one)), ...added, ...top];
  };
})();
