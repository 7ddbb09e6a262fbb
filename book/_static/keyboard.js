/* The theme blurs these buttons when they are pressed, which sends keyboard users back to the top of the page: give
   the focus back. A click event whose detail (the count of clicks) is 0 comes from a key. */
document.addEventListener("DOMContentLoaded", () => {
  const buttons = ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle";
  for (const button of document.querySelectorAll(buttons)) {
    button.addEventListener("click", ({ detail }) => detail === 0 && button.focus(), true);
  }
});
