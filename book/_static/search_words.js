// The words of a search, for the search itself and for the page that was found. Uses Sphinx's language_data.js and
// searchtools.js.
"use strict";

window.searchWords = (() => {
  // What people type, and what the pages say.
  const SAID = new Map([
    ["warmup", "warm-up"],
    ["scheduler", "schedule"],
    ["schedulers", "schedules"],
    ["annealing", "decay"],
    ["lr", "learning rate"],
    ["llm", "language models"],
    ["llms", "language models"],
    ["batchsize", "batch size"],
    ["onecycle", "one-cycle"],
    ["1cycle", "one-cycle"],
    ["ema", "average weights"],
    ["swa", "average weights"],
    ["cooldown", "decay"],
    ["overfitting", "validation"],
    ["bug", "museum"],
    ["bugs", "museum"],
    ["gotcha", "museum"],
    ["install", "run yourself"],
    ["colab", "run yourself"],
  ]);

  const inOurWords = (query) => query.replace(/[\w-]+/g, (word) => SAID.get(word.toLowerCase()) ?? word);

  // The stems of a text's words, as the search index has them: without the words and numbers that it leaves out.
  function stems(text) {
    const stemmer = new Stemmer();
    const words = splitQuery(text.toLowerCase()).filter((word) => !stopwords.includes(word) && !/^\d+$/.test(word));
    return new Set(words.map((word) => stemmer.stemWord(word)));
  }

  return { inOurWords, stems };
})();
