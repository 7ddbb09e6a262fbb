// Says why the explorer cannot run, or offers to start it. Nothing else is loaded before the reader comes to the button,
// with the pointer or the keyboard: a shared link too waits for that, and is read only at the press.
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
    if (!root.dataset.runtime) return "because this copy of the book was built without its Python runtime.";
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

  let pressed = false;

  async function load() {
    const panel = await import(`${base}panel.mjs`);
    await panel.load(base, root.dataset.runtime);
    return panel;
  }

  // Before the press, unless the reader asks to be sent little. Where it fails the press will say why.
  async function loadEarly() {
    if (navigator.connection?.saveData) return;
    await load().catch(() => {});
    if (!pressed) offer();
  }
  for (const type of ["pointerenter", "focus"]) button.addEventListener(type, loadEarly, { once: true });

  button.addEventListener("click", async () => {
    pressed = button.disabled = true;
    window.removeEventListener("hashchange", opened);
    try {
      const panel = await load();
      await panel.start();
      button.parentElement.remove();
    } catch (error) {
      state.textContent = `The interactive part could not be loaded (${error.message}). ${gallery}`;
      button.disabled = false;
      window.addEventListener("hashchange", opened);
    }
  });
})();
