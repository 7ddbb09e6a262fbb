/* What the tests measure inside a page; see tests/test_pages.py. */

/* The nearest thing that is laid out by itself: the text inside one is the browser's own to set. */
function blockOf(element) {
  while (element.parentElement && getComputedStyle(element).display.startsWith("inline")) element = element.parentElement;
  return element;
}

/* What an element's ancestors do to it: clip it to a rectangle, or keep it in place, over the text, while the page
   scrolls, which covers text on purpose. Kept for each element, since pages have thousands. */
const places = new Map([[document.body, { layer: false, left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity }]]);
function placeOf(element) {
  let place = places.get(element);
  if (place) return place;
  const style = getComputedStyle(element);
  place = { ...(style.position === "fixed" ? places.get(document.body) : placeOf(element.parentElement)) };
  place.layer ||= ["fixed", "sticky"].includes(style.position) || placeOf(element.parentElement).layer;
  if (style.overflowX !== "visible" || style.overflowY !== "visible" || style.clipPath !== "none") {
    Object.assign(place, common(place, element.getBoundingClientRect()));
  }
  places.set(element, place);
  return place;
}

function common(one, other) {
  return {
    left: Math.max(one.left, other.left),
    right: Math.min(one.right, other.right),
    top: Math.max(one.top, other.top),
    bottom: Math.min(one.bottom, other.bottom),
  };
}

/* The part of a rectangle that its scrolling or clipping ancestors let be seen; null if none. */
function seen(rectangle, element) {
  const part = common(rectangle, placeOf(element));
  return part.right - part.left > 1 && part.bottom - part.top > 1 ? part : null;
}

/* Every visible line of text, with its rectangle on the page. */
function linesOfText() {
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style, noscript, mjx-assistive-mml")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const block = blockOf(element);
    const layer = placeOf(element).layer;
    range.selectNodeContents(node);
    for (const rectangle of range.getClientRects()) {
      const part = seen(rectangle, element);
      if (part) lines.push({ ...part, block, layer, text: node.data.trim().slice(0, 40) });
    }
  }
  return lines;
}

/* Pairs of lines from different blocks whose rectangles share more than `slack` pixels both ways. */
function overlappingText(slack = 2) {
  const found = [];
  const lines = linesOfText().sort((a, b) => a.top - b.top);
  for (let i = 0; i < lines.length; i++) {
    const a = lines[i];
    for (let j = i + 1; j < lines.length && lines[j].top < a.bottom - slack; j++) {
      const b = lines[j];
      if (a.block === b.block || a.layer !== b.layer) continue;
      // MathJax sets the parts of a formula on top of each other: a root over its radicand, a bar over a letter.
      const formula = a.block.closest("mjx-container");
      if (formula && formula === b.block.closest("mjx-container")) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // The boxes of lines reach beyond their letters, so lines that merely stand close share a sliver.
      if (wide > slack && high > Math.max(slack, 0.25 * Math.min(a.bottom - a.top, b.bottom - b.top))) {
        found.push(`"${a.text}" and "${b.text}"`);
      }
    }
  }
  return found;
}

/* What reaches beyond the right edge of the page, if it scrolls sideways. */
function sidewaysScroll() {
  const root = document.documentElement;
  const width = root.clientWidth;
  if (root.scrollWidth <= width && document.body.scrollWidth <= width) return [];
  const beyond = [...document.body.querySelectorAll("*")].filter((e) => seen(e.getBoundingClientRect(), e.parentElement)?.right > width + 1);
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} reaches ${Math.round(e.getBoundingClientRect().right)} of ${width} px`;
  return [`the page is ${root.scrollWidth} px wide in ${width} px`, ...beyond.slice(-3).map(name)];
}

/* The table cells that the page's list of contents lies over, below the bar at the top. */
function cellsUnderContents() {
  const { left, right, top, bottom } = document.querySelector(".bd-sidebar-secondary").getBoundingClientRect();
  const bar = document.querySelector(".bd-header-article").getBoundingClientRect();
  const list = { left, right, top: Math.max(top, bar.bottom), bottom };
  return [...document.querySelectorAll("td, th")].flatMap((cell) => {
    const part = seen(cell.getBoundingClientRect(), cell.parentElement);
    const under = part && common(part, list);
    return under && under.right - under.left > 1 && under.bottom - under.top > 1 ? [cell.textContent.trim()] : [];
  });
}
