// Says why the explorer cannot run, or offers to start it. Nothing else is loaded before the reader asks for it:
// a shared link too waits for the press, so that opening one costs nothing and runs nothing.
(() => {
  const base = new URL(".", document.currentScript.src).href;
  const root = document.getElementById("explorer");
  const state = document.getElementById("explorer-state");
  const button = document.getElementById("explorer-start");
  const gallery = "The gallery below shows every family and some compositions.";

  function obstacle() {
    if (location.protocol === "file:") {
      return "because the page was opened from a file, and browsers load no modules there. Serve the book’s folder " +
        "(python -m http.server) and open it at the address that this prints.";
    }
    if (root.dataset.runtime !== "yes") return "because this copy of the book was built without its Python runtime.";
    if (!("WebAssembly" in window && "Worker" in window)) return "because this browser has no WebAssembly or no workers.";
    return "";
  }

  const why = obstacle();
  if (why) {
    state.textContent = `The interactive part is not here, ${why} ${gallery}`;
    return;
  }

  const offer = () => {
    state.textContent = location.hash.startsWith("#s=")
      ? "The link holds a schedule. Press Start to draw it: lrlib then runs in this page."
      : "Press Start, and lrlib runs in this page.";
  };
  offer();
  button.parentElement.hidden = false;
  document.documentElement.classList.add("explorer-can-run");

  const opened = () => {
    if (!location.hash.startsWith("#s=")) return;
    offer();
    root.scrollIntoView();
    button.focus();
  };
  window.addEventListener("hashchange", opened);

  button.addEventListener("click", async () => {
    button.disabled = true;
    window.removeEventListener("hashchange", opened);
    try {
      const { start } = await import(`${base}panel.mjs`);
      await start(base);
      button.parentElement.remove();
    } catch (error) {
      state.textContent = `The interactive part could not be loaded (${error.message}). ${gallery}`;
      button.disabled = false;
      window.addEventListener("hashchange", opened);
    }
  });
})();
