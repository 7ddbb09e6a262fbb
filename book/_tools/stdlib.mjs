// node stdlib.mjs PYODIDE SOURCES TARGET: write the archive that bytecode.py makes. SOURCES, a JSON object, has the
// files to run in Pyodide by their names there.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [pyodide, sources, target] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: pyodide });
for (const [name, file] of Object.entries(JSON.parse(sources))) {
  const path = `/sources/${name}`;
  python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
  python.FS.writeFile(path, readFileSync(file));
}
const packed = python.runPython(`
import sys
sys.path.insert(0, "/sources")
import bytecode
bytecode.exercise()
bytecode.pack(next(path for path in sys.path if path.endswith(".zip")))
`);
writeFileSync(target, packed.toJs());
