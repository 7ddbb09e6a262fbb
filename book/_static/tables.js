/* A table that fits does not scroll, so it should be neither a tab stop nor a landmark. */
document.addEventListener("DOMContentLoaded", () => {
  const watch = new ResizeObserver((entries) => {
    for (const { target: region } of entries) {
      const wide = region.scrollWidth > region.clientWidth;
      const set = (name, value) => (wide ? region.setAttribute(name, value) : region.removeAttribute(name));
      set("role", "region");
      set("tabindex", "0");
      set("aria-label", region.dataset.name);
    }
  });
  for (const region of document.querySelectorAll(".table-scroll")) {
    region.dataset.name = region.getAttribute("aria-label");
    watch.observe(region);
  }
});
