/* What the tests measure inside a page; see tests/page_faults.py. */

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

/* Pictures that lead to their file, shown so small that their lettering is below `least` pixels. They are stored at twice their size, and their
   smallest letters are of 9 points, at 110 dots an inch. */
function smallLettering(least = 8) {
  return [...document.querySelectorAll(".image-reference img[width]")].filter((e) => e.checkVisibility()).flatMap((image) => {
    const shown = image.getBoundingClientRect().width / (image.getAttribute("width") / 2);
    const size = ((9 * 110) / 72) * shown;
    return size < least ? [`letters of ${size.toFixed(1)} px in ${image.src}`] : [];
  });
}

/* Parts of the article that are wider than it. What is within one that scrolls is not counted. */
function widerThanArticle() {
  const article = document.querySelector("article");
  if (!article) return [];
  const edge = article.getBoundingClientRect().right - parseFloat(getComputedStyle(article).paddingRight);
  const parts = "p, pre, details, figure, table, div.cell, div.math, mjx-container";
  return [...article.querySelectorAll(parts)].filter((e) => e.checkVisibility()).flatMap((e) => {
    const part = seen(e.getBoundingClientRect(), e.parentElement);
    return part && part.right > edge + 1 ? [`${e.tagName.toLowerCase()}.${e.className} is wider than the article`] : [];
  });
}
