// A web worker that runs lrlib and explorer.py, unchanged, in Pyodide, so that the page never blocks.
//
// The first start leaves an image of Python's memory, with all loaded, in the browser's cache; later starts read it
// instead of importing anew. Pyodide calls this experimental, so whatever goes wrong with it leads to a normal start.
import { loadPyodide } from "../vendor/pyodide/pyodide.mjs";

const FILES = ["lrlib/__init__.py", "lrlib/schedules.py", "explorer.py"];
const HOME = "/explorer";
const RELEASE = new URL(import.meta.url).search; // "?" and a digest of all that runs here
const MEMORY = new URL(`memory${RELEASE}`, import.meta.url).href; // a name in the cache; no such file exists
const address = (name) => new URL(name + RELEASE, import.meta.url).href;
const say = (loading) => postMessage({ loading });

const openCache = () => caches.open("schedule-explorer"); // fails where the address is not a secure one

// Take the image out of the cache, so that one with which Python hangs is tried only once.
async function takeMemory() {
  try {
    const cache = await openCache();
    const kept = await cache.match(MEMORY);
    await cache.delete(MEMORY, { ignoreSearch: true }); // other releases' too
    return kept;
  } catch {
    return undefined;
  }
}

// A full disk or a private window is no reason to complain: the next start is as slow as the first.
const keepMemory = (response) => openCache().then((cache) => cache.put(MEMORY, response)).catch(() => {});

const through = (body, stream) => new Response(body.pipeThrough(stream));
const compress = (bytes) => through(new Blob([bytes]).stream(), new CompressionStream("gzip"));
// Fails at a damaged image: gzip has a checksum.
const decompress = (response) => through(response.body, new DecompressionStream("gzip")).arrayBuffer();

function startPython(options) {
  const indexURL = new URL("../vendor/pyodide/", import.meta.url).href;
  return loadPyodide({ indexURL, stdLibURL: address("../vendor/pyodide/python_stdlib.zip"), ...options });
}

async function startFromMemory(kept) {
  const again = kept.clone();
  const python = await startPython({ _loadSnapshot: await decompress(kept) });
  const answer = python.runPython("from explorer import answer; answer");
  keepMemory(again);
  return answer;
}

async function startAnew() {
  const files = FILES.map(async (name) => {
    const response = await fetch(address(name));
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    return [`${HOME}/${name}`, await response.text()];
  });
  const python = await startPython({ _makeSnapshot: true });
  say("lrlib");
  for (const [path, text] of await Promise.all(files)) {
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    python.FS.writeFile(path, text);
  }
  python.runPython(`import sys; sys.path.insert(0, "${HOME}"); import explorer`);
  try {
    keepMemory(compress(python.makeMemorySnapshot()));
  } catch { // nothing is kept
  }
  return python.runPython("from explorer import answer; answer");
}

async function load() {
  const kept = await takeMemory();
  say(kept ? "Python from this browser’s copy" : "Python");
  try {
    if (kept) return await startFromMemory(kept);
  } catch { // as if none had been kept
  }
  return startAnew();
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
