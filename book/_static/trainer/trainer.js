// Trains the digits task of lrlib/course/tasks.py in the reader's browser, in a worker, so that the page never waits.
//
//     const trainer = new Trainer();
//     const runs = await trainer.train({ rates, momentum: 0.9, rule: "pytorch", seeds: [0, 1] },
//       { onProgress: ({ updates, losses }) => draw(updates, losses), signal: controller.signal });
//
// core.js, beside this script, says what the options are and what comes back. It and the images are fetched when they
// are first needed. A page that was opened from a file may load neither a module nor a worker's file. So these are
// plain scripts, and the worker is started from the text of two functions.
"use strict";

(() => {
  const BASE = new URL(".", document.currentScript.src);

  function addScript(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, BASE);
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => {
        script.remove();
        reject(new Error(`${name} could not be loaded`));
      });
      document.head.append(script);
    });
  }

  // What runs in the worker. A run rests after each part, so that the message that cancels it is read.
  function serve({ readDigits, training }) {
    const rest = () => new Promise((resolve) => { setTimeout(resolve); });
    const running = new Set();
    let digits;

    async function run(id, options) {
      running.add(id);
      try {
        const parts = training(options, digits);
        let part = parts.next();
        while (!part.done) {
          postMessage({ id, progress: part.value });
          await rest();
          if (!running.has(id)) return;
          part = parts.next();
        }
        postMessage({ id, runs: part.value });
      } catch (error) {
        postMessage({ id, error });
      }
      running.delete(id);
    }

    addEventListener("message", ({ data }) => {
      if (data.cancel !== undefined) running.delete(data.cancel);
      else if (data.options) run(data.id, data.options);
      else {
        digits = readDigits(data.digits);
        postMessage({ ready: true });
      }
    });
  }

  // Load what is missing and start a worker. Where it fails, now or later, the AbortController `end` is fired; so fires
  // it who wants to end the worker.
  async function startWorker(end) {
    await Promise.all(["core.js", "digits.js"].map(addScript));
    end.signal.throwIfAborted();
    const address = URL.createObjectURL(new Blob([`(${serve})((${trainerCore})());`], { type: "text/javascript" }));
    try {
      const worker = new Worker(address);
      const failed = ({ message }) => end.abort(new Error(message || "no worker can be started here"));
      worker.addEventListener("error", failed);
      end.signal.addEventListener("abort", () => worker.terminate());
      await new Promise((resolve, reject) => {
        worker.addEventListener("message", resolve, { once: true });
        end.signal.addEventListener("abort", () => reject(end.signal.reason));
        worker.postMessage({ digits: trainerDigits });
      });
      return worker;
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  globalThis.Trainer = class Trainer {
    #end; // an AbortController, of the worker that is there
    #starting; // a promise of the worker
    #runs = 0;

    #start() {
      if (!this.#end || this.#end.signal.aborted) {
        const end = new AbortController();
        this.#end = end;
        this.#starting = startWorker(end);
        this.#starting.catch((error) => end.abort(error));
      }
      return { end: this.#end.signal, starting: this.#starting };
    }

    // Fetch what is needed and start the worker, unless that was done. `train` does it too; called on hover or focus it
    // takes the wait from the press. Where it has failed the next call tries again.
    async load() {
      await this.#start().starting;
    }

    // Train by these options. `onProgress` is told after every 20 updates; `signal`, an AbortSignal, ends the run.
    // Several runs may go on at once. Rejects with what `check` in core.js throws, with the signal's reason, or with
    // what failed.
    async train(options, { onProgress, signal } = {}) {
      signal?.throwIfAborted();
      const { end, starting } = this.#start();
      const worker = await starting;
      for (const one of [end, signal]) one?.throwIfAborted();
      const checked = trainerCore().check(options);
      const id = (this.#runs += 1);
      const over = new AbortController(); // takes the listeners away
      const until = { signal: over.signal };
      try {
        return await new Promise((resolve, reject) => {
          worker.addEventListener("message", ({ data }) => {
            if (data.id !== id) return;
            if (data.progress) onProgress?.(data.progress);
            else if (data.runs) resolve(data.runs);
            else reject(data.error);
          }, until);
          end.addEventListener("abort", () => reject(end.reason), until);
          signal?.addEventListener("abort", () => {
            worker.postMessage({ cancel: id });
            reject(signal.reason);
          }, until);
          worker.postMessage({ id, options: checked });
        });
      } finally {
        over.abort();
      }
    }

    // End the worker and all runs. A later `train` starts anew.
    close() {
      this.#end?.abort(new DOMException("the trainer was closed", "AbortError"));
    }
  };
})();
