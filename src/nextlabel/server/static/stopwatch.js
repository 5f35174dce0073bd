// How long an item was on the screen; time during which the page was hidden does not count.

export class Stopwatch {
  #spent = 0;
  #since = null;

  constructor() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#pause() : this.#go()));
  }

  restart() {
    this.#spent = 0;
    this.#since = null;
    if (!document.hidden) {
      this.#go();
    }
  }

  get seconds() {
    const running = this.#since === null ? 0 : performance.now() - this.#since;
    return Math.round(this.#spent + running) / 1000;
  }

  #go() {
    this.#since ??= performance.now();
  }

  #pause() {
    if (this.#since !== null) {
      this.#spent += performance.now() - this.#since;
      this.#since = null;
    }
  }
}
