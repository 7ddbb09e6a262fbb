// What a reader would see as broken, as lists of words. Run in the page by test_pages.py.
(() => {
  const visible = (element) => {
    const style = getComputedStyle(element);
    return style.visibility !== "hidden" && style.display !== "none" && Number(style.opacity) > 0;
  };

  // The part of a rectangle that no scrolling or clipping ancestor hides; null if nothing is left.
  const shown = (rect, element) => {
    let { left, top, right, bottom } = rect;
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (at.matches("details:not([open]) > :not(summary)")) return null;
      if (style.overflowX !== "visible" || style.overflowY !== "visible" || style.clip !== "auto") {
        const box = at.getBoundingClientRect();
        [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
        [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
      }
    }
    return right - left > 1 && bottom - top > 1 ? { left, top, right, bottom } : null;
  };

  // A line of text, with what lies above the page's flow (fixed and sticky boxes, dialogs) left out.
  const lines = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || !parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      // Formulas lay their own glyphs over each other; a marginal or floating box covers what scrolls under it.
      if (parent.closest("script, style, noscript, template, mjx-container, svg, dialog, [data-overlay]")) continue;
      let floats = false;
      for (let at = parent; at && !floats; at = at.parentElement) {
        floats = ["fixed", "sticky"].includes(getComputedStyle(at).position);
      }
      if (floats) continue;
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) {
        const seen = shown(rect, parent);
        if (seen) found.push({ ...seen, node, parent, text: node.data.trim().slice(0, 40) });
      }
    }
    return found.sort((one, other) => one.top - other.top);
  };

  const overlaps = () => {
    const found = [];
    const all = lines();
    all.forEach((one, number) => {
      // Glyphs are lower than their line's box: a third of its height may lie over the next line's box.
      for (let next = number + 1; next < all.length && all[next].top < one.bottom; next++) {
        const other = all[next];
        if (other.node === one.node) continue;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        const height = Math.min(one.bottom - one.top, other.bottom - other.top);
        if (across > 2 && down > 0.34 * height) found.push(`"${one.text}" lies over "${other.text}"`);
      }
    });
    return found;
  };

  const tooWide = () => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth + 1) return [];
    const beyond = [...document.querySelectorAll("body *")].filter(
      (element) => shown(element.getBoundingClientRect(), element.parentElement)?.right > page.clientWidth + 1,
    );
    const names = beyond.slice(0, 3).map((element) => `${element.tagName.toLowerCase()}.${element.className}`);
    return [`the page scrolls sideways: ${page.scrollWidth} px in ${page.clientWidth} (${names.join(", ")})`];
  };

  const brokenPictures = () =>
    [...document.images]
      .filter((image) => image.complete && !image.naturalWidth && visible(image))
      .map((image) => `no picture: ${image.getAttribute("src")}`);

  return [...tooWide(), ...overlaps(), ...brokenPictures()];
})();
