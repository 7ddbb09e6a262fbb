// A web worker that runs lrlib and explorer.py, unchanged, in Pyodide, so that the page never blocks.
import { loadPyodide } from "../vendor/pyodide/pyodide.mjs";

const FILES = ["lrlib/__init__.py", "lrlib/schedules.py", "explorer.py"];
const HOME = "/explorer";

async function load() {
  const python = await loadPyodide({ indexURL: new URL("../vendor/pyodide/", import.meta.url).href });
  for (const name of FILES) {
    const response = await fetch(new URL(name, import.meta.url));
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    const path = `${HOME}/${name}`;
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    python.FS.writeFile(path, await response.text());
  }
  return python.runPython(`import sys; sys.path.insert(0, "${HOME}"); from explorer import answer; answer`);
}

const broken = (error) => postMessage({ broken: String(error?.message ?? error) });
// Where its WebAssembly cannot be loaded, Pyodide leaves a rejection unhandled, or logs it and waits for ever.
addEventListener("unhandledrejection", (event) => broken(event.reason));
const { instantiateStreaming } = WebAssembly;
WebAssembly.instantiateStreaming = async (...args) => {
  try {
    return await instantiateStreaming.apply(WebAssembly, args);
  } catch (error) {
    broken(error);
    throw error;
  }
};
const ready = load();
ready.then(() => postMessage({ ready: true }), broken);

addEventListener("message", async ({ data }) => {
  const answer = await ready;
  try {
    postMessage({ answer: answer(JSON.stringify(data)) });
  } catch (error) {
    postMessage({ failed: String(error.message ?? error) });
  }
});
