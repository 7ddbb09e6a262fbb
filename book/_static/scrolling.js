/* A table or a figure that fits does not scroll, so it should be neither a tab stop nor a landmark, and its hint to
   scroll should not be there. */
document.addEventListener("DOMContentLoaded", () => {
  const watch = new ResizeObserver((entries) => {
    for (const { target: region } of entries) {
      const wide = region.scrollWidth > region.clientWidth;
      const set = (name, value) => (wide ? region.setAttribute(name, value) : region.removeAttribute(name));
      set("role", "region");
      set("tabindex", "0");
      set("aria-label", region.dataset.name);
      const hint = region.nextElementSibling;
      if (hint?.matches(".scroll-hint")) hint.hidden = !wide;
    }
  });
  for (const region of document.querySelectorAll(".table-scroll, .figure-scroll")) {
    region.dataset.name = region.getAttribute("aria-label");
    watch.observe(region);
  }
});
