/* The theme takes the focus from these buttons when they are pressed, and who uses a keyboard would have to begin
   again at the top of the page. A click without a count of clicks is a key. */
document.addEventListener("DOMContentLoaded", () => {
  const buttons = ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle";
  for (const button of document.querySelectorAll(buttons)) {
    button.addEventListener("click", ({ detail }) => detail === 0 && button.focus(), true);
  }
});
