// The tries of the challenge that this browser keeps. What is kept may have been written by anybody: it is checked.
"use strict";

globalThis.tries = (() => {
  const MOST = 100; // the best are kept

  function isTry(one) {
    if (typeof one !== "object" || one === null) return false;
    const { name, factor, accuracy } = one;
    const { LEAST, MOST: HIGHEST } = globalThis.comparison;
    return typeof name === "string" && Object.hasOwn(globalThis.trainerTask.schedules, name) &&
      typeof factor === "number" && factor >= LEAST && factor <= HIGHEST &&
      typeof accuracy === "number" && accuracy >= 0 && accuracy <= 100;
  }

  // The best first. What is damaged is left out; where the browser keeps nothing there are none.
  const kept = globalThis.storage.entry("challenge-tries", (stored) => {
    if (!Array.isArray(stored)) return [];
    const all = stored.filter(isTry).map(({ name, factor, accuracy }) => ({ name, factor, accuracy }));
    return all.sort((a, b) => b.accuracy - a.accuracy).slice(0, MOST);
  });

  // All tries with one more, the best first. The same again replaces the old.
  function add(one) {
    const same = ({ name, factor }) => name === one.name && factor === one.factor;
    kept.update((all) => [...all.filter((other) => !same(other)), one]);
    return kept.read();
  }

  function clear() {
    kept.update(() => null);
    return kept.read();
  }

  return { add, clear, read: kept.read, onChange: kept.onChange };
})();
