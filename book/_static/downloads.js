// Write this site's address where the build did not know it: into notebooks that are downloaded, which install lrlib from
// here, and into the command that does the same. A page that was opened as a file cannot read a notebook, and offers it
// as it is.
"use strict";

(() => {
  const ADDRESS = "https://ADDRESS-OF-THE-BOOK"; // as in book/_tools/runnable.py

  function siteAddress() {
    return new URL(document.documentElement.dataset.content_root, location.href).href.replace(/\/$/, "");
  }

  async function withAddress(link) {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(`${link.href}: ${answer.status}`);
    const notebook = (await answer.text()).replaceAll(ADDRESS, siteAddress());
    return URL.createObjectURL(new Blob([notebook], { type: "application/x-ipynb+json" }));
  }

  async function download(link) {
    const name = new URL(link.href).pathname.split("/").pop();
    const copy = document.createElement("a");
    try {
      copy.href = await withAddress(link);
    } catch (error) {
      console.warn(`the notebook is offered as it is: ${error.message}`);
      copy.href = link.href;
    }
    copy.download = name;
    copy.click();
    if (copy.href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(copy.href), 10_000);
  }

  // Whether a click opens a new tab or window.
  function opensAnother(event, link) {
    const held = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey; // Alt: to save it
    return held || (link.target !== "" && link.target !== "_self");
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href$=".ipynb"]');
    if (!link || !location.protocol.startsWith("http") || link.origin !== location.origin) return;
    if (opensAnother(event, link)) return;
    event.preventDefault();
    download(link);
  });

  for (const block of document.querySelectorAll(".site-address pre")) {
    const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(ADDRESS, siteAddress());
  }
})();
