// What several scripts of the book do with elements of a page.
"use strict";

window.elements = {
  // A new element with these properties and children.
  element(tag, properties = {}, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  },

  // An element's text with its white space normalised, without the definitions that the glossary adds to its terms.
  textOf(node) {
    const copy = node.cloneNode(true);
    for (const definition of copy.querySelectorAll("[role=tooltip]")) definition.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  },
};
