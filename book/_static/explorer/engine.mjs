// Sends requests to a web worker, one at a time, and terminates it where an answer exceeds the time limit.

const LIMIT = 5000; // milliseconds; loading is not counted

export class Engine {
  #address;
  #onload;
  #worker;
  #ready;
  #waiting;

  // address: of worker.mjs; onload(what): told what is being loaded.
  constructor(address, onload) {
    this.#address = address;
    this.#onload = onload;
  }

  // Start the worker if there is none; resolves when Python is ready.
  load() {
    this.#ready ??= new Promise((resolve, reject) => {
      const worker = new Worker(this.#address, { type: "module" });
      this.#worker = worker;
      const broken = (reason) => {
        this.#end();
        reject(new Error(reason));
      };
      worker.addEventListener("error", (event) => broken(event.message || "a file of the runtime is missing"));
      worker.addEventListener("message", ({ data }) => {
        if (data.ready) resolve();
        else if (data.loading) this.#onload(data.loading);
        else if (data.broken) broken(data.broken);
        else if (data.failed) this.#waiting?.reject(new Error(data.failed.trim().split("\n").at(-1)));
        else this.#waiting?.resolve(JSON.parse(data.answer));
      });
    });
    return this.#ready;
  }

  async ask(request) {
    await this.load();
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
        timer = setTimeout(() => {
          this.#end();
          reject(new Error(`This schedule took more than ${LIMIT / 1000} seconds and was stopped.`));
        }, LIMIT);
        this.#worker.postMessage(request);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = this.#ready = undefined;
  }
}
