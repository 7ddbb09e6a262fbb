/* The theme's button "Print to PDF". Its own onclick attribute is an inline script, which the pages' policy forbids. */
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".btn-download-pdf-button")) {
    button.addEventListener("click", () => window.print());
  }
});
