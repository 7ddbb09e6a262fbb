/* The reader's framework on every page: what the address asks for (?framework=keras), else what was chosen last.
   sphinx-design's tabs are radio buttons; here all that name a framework follow one choice. */
(() => {
  const TITLES = { pytorch: "PyTorch", keras: "Keras" };
  const KEY = "framework";
  const root = document.documentElement;
  const known = (name) => (Object.hasOwn(TITLES, name) ? name : null);

  // Local storage may be blocked; the choice then lasts as long as the page.
  function remembered() {
    try {
      return known(localStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  function remember(name) {
    try {
      localStorage.setItem(KEY, name);
    } catch {}
  }

  function show(name) {
    root.dataset.framework = name;
    for (const label of document.querySelectorAll(`label[data-sync-group="framework"][data-sync-id="${name}"]`)) {
      document.getElementById(label.htmlFor).checked = true;
    }
  }

  /* A switch in the sidebar, so that the choice can be made and seen on pages without tabs too. */
  function addSwitch() {
    const place = document.querySelector(".sidebar-primary-items__start");
    if (!place) return;
    const fieldset = document.createElement("fieldset");
    fieldset.className = "framework-switch sidebar-primary-item";
    fieldset.innerHTML = "<legend>Code in</legend>";
    for (const [name, title] of Object.entries(TITLES)) {
      fieldset.insertAdjacentHTML(
        "beforeend",
        `<input type="radio" name="framework" id="framework-${name}">` +
          `<label for="framework-${name}" data-sync-group="framework" data-sync-id="${name}">${title}</label>`,
      );
    }
    place.querySelector("nav")?.closest(".sidebar-primary-item").before(fieldset);
  }

  const asked = known(new URLSearchParams(location.search).get("framework"));
  if (asked) remember(asked);
  root.dataset.framework = asked ?? remembered() ?? "pytorch";
  document.addEventListener("DOMContentLoaded", () => {
    addSwitch();
    show(root.dataset.framework);
    document.addEventListener("change", ({ target }) => {
      const chosen = target.labels?.[0]?.dataset;
      if (chosen?.syncGroup !== "framework") return;
      remember(chosen.syncId);
      show(chosen.syncId);
    });
  });
})();
