// The tries of the challenge that this browser keeps. What is kept may have been written by anybody: it is checked.
"use strict";

globalThis.tries = (() => {
  const KEY = "challenge-tries";
  const MOST = 100; // the best are kept
  const LONGEST = 20_000; // characters that are read

  function isTry(one) {
    if (typeof one !== "object" || one === null) return false;
    const { name, factor, accuracy } = one;
    const { LEAST, MOST: HIGHEST } = globalThis.comparison;
    return Object.hasOwn(globalThis.trainerTask.schedules, name) && typeof name === "string" &&
      typeof factor === "number" && factor >= LEAST && factor <= HIGHEST &&
      typeof accuracy === "number" && accuracy >= 0 && accuracy <= 100;
  }

  // The best first. What is damaged is left out; where the browser keeps nothing there are none.
  function read() {
    try {
      const text = localStorage.getItem(KEY) ?? "[]";
      const found = text.length <= LONGEST ? JSON.parse(text) : [];
      if (!Array.isArray(found)) return [];
      const kept = found.filter(isTry).map(({ name, factor, accuracy }) => ({ name, factor, accuracy }));
      return kept.sort((a, b) => b.accuracy - a.accuracy).slice(0, MOST);
    } catch {
      return [];
    }
  }

  // All tries with one more, the best first; kept where the browser keeps anything. The same again replaces the old.
  function add(list, one) {
    const others = list.filter(({ name, factor }) => name !== one.name || factor !== one.factor);
    const all = [...others, one].sort((a, b) => b.accuracy - a.accuracy).slice(0, MOST);
    try {
      localStorage.setItem(KEY, JSON.stringify(all));
    } catch {
      // storage is full or forbidden: the tries last as long as the page
    }
    return all;
  }

  function clear() {
    try {
      localStorage.removeItem(KEY);
    } catch {
      // nothing was kept
    }
    return [];
  }

  return { add, clear, read };
})();
