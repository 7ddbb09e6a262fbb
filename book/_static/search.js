// The search finds sections by the words of their headings, and knows other names of what the course speaks of.
"use strict";

(() => {
  const { inOurWords, stems } = window.searchWords;

  // Sections whose headings have all of the terms, as [page, title, anchor, description, score, file], the shortest last.
  function sections(terms) {
    const { alltitles, titles, docnames, filenames } = Search._index;
    const found = [];
    for (const [title, places] of Object.entries(alltitles)) {
      const words = stems(title);
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

  // The index maps words to pages in plain objects, where Sphinx would find what every object has: "constructor".
  const OWN_ONLY = { __proto__: null, hasOwnProperty: Object.prototype.hasOwnProperty }; // which Sphinx calls
  const forgetInherited = (words) => Object.setPrototypeOf(words, OWN_ONLY);

  const collect = Search._performSearch;
  Search._performSearch = (query, terms, ...rest) => {
    forgetInherited(Search._index.terms);
    forgetInherited(Search._index.titleterms);
    const results = collect(query, terms, ...rest);
    const shown = new Set(results.map(([page, , anchor]) => page + anchor));
    const added = terms.size ? sections(terms).filter(([page, , anchor]) => !shown.has(page + anchor)) : [];
    // The last is shown first: a page whose title is what was asked for stays on top.
    const top = results.filter(([, title]) => title.toLowerCase() === query.toLowerCase().trim());
    return [...results.filter((one) => !top.includes(one)), ...added, ...top];
  };
})();
