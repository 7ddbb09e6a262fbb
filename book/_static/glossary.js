// Escape closes an open definition without moving pointer or focus; it opens again at the next visit.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const term of document.querySelectorAll("a.glossary-term:is(:hover, :focus-visible, :has(+ :hover))")) {
      term.classList.add("glossary-dismissed");
    }
  }
});
for (const left of ["pointerout", "focusout"]) {
  document.addEventListener(left, (event) => event.target.classList?.remove("glossary-dismissed"));
}
