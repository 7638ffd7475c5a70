// How long a coder takes: time runs while the unit can be seen, and stands when they pause or look elsewhere.

export class Clock {
  paused = $state(false);
  seconds = $state(0);
  #since = performance.now();
  #before = 0;

  get #runs(): boolean {
    return !this.paused && !document.hidden;
  }

  /** Begin at nought: the next unit is shown. */
  restart(): void {
    this.#before = 0;
    this.#since = performance.now();
    this.seconds = 0;
  }

  pause(on: boolean): void {
    this.#take();
    this.paused = on;
  }

  /** Seconds so far, to a tenth. */
  read(): number {
    this.#take();
    return Math.round(this.#before * 10) / 10;
  }

  /** Keep time until the returned function is called. */
  watch(): () => void {
    const turned = () => {
      // What ran until the page was hidden counts; what passed while it was hidden does not.
      if (document.hidden && !this.paused) this.#before += (performance.now() - this.#since) / 1000;
      this.#since = performance.now();
    };
    document.addEventListener("visibilitychange", turned);
    const tick = setInterval(() => (this.seconds = this.read()), 1000);
    return () => {
      document.removeEventListener("visibilitychange", turned);
      clearInterval(tick);
    };
  }

  #take(): void {
    const now = performance.now();
    if (this.#runs) this.#before += (now - this.#since) / 1000;
    this.#since = now;
  }
}
