// What the book's scripts keep in this browser, as JSON under a key of local storage. Other tabs write the same key.
"use strict";

window.storage = (() => {
  const LONGEST = 100_000; // characters that are read: what is stored may have been written by anybody

  function load(key) {
    try {
      const text = localStorage.getItem(key) ?? "null";
      return text.length <= LONGEST ? JSON.parse(text) : null;
    } catch {
      return null; // local storage is blocked, or holds no JSON
    }
  }

  function save(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false; // local storage is blocked or full
    }
  }

  // The value under a key. `parse` makes it of what is stored, which may be anything, or null for nothing.
  function entry(key, parse) {
    let unsaved = []; // changes that could not be stored: they last as long as the page
    const changed = () => unsaved.reduce((value, change) => change(parse(value)), load(key));

    return {
      read: () => parse(changed()),

      // Stores what `change` makes of the value: null for nothing. The value is read anew, for other tabs store too.
      update(change) {
        unsaved.push(change);
        if (save(key, changed())) unsaved = [];
      },

      // Calls `show` when another tab has changed the value, and when the page comes back from the back/forward cache.
      onChange(show) {
        addEventListener("storage", (event) => {
          if (event.key === key || event.key === null) show(); // null: all was removed
        });
        addEventListener("pageshow", (event) => {
          if (event.persisted) show();
        });
      },
    };
  }

  return { entry };
})();
