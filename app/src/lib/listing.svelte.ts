// A long list of the server's, of which only the pages that are looked at are fetched, and few of them kept.

import { SvelteMap } from "svelte/reactivity";

import type { Page } from "./api";

export type Fetch<T> = (offset: number, limit: number, signal: AbortSignal) => Promise<Page<T>>;

export class Listing<T> {
  total = $state<number | null>(null);
  error = $state<unknown>(null);
  readonly #pages = new SvelteMap<number, T[]>();
  readonly #asked = new Map<number, AbortController>();
  readonly #used = new Map<number, number>();
  #clock = 0;

  constructor(
    readonly fetch: Fetch<T>,
    readonly size = 200,
    readonly keep = 40,
  ) {}

  /** The row at an index, if its page is here. */
  at(index: number): T | undefined {
    return this.#pages.get(Math.floor(index / this.size))?.[index % this.size];
  }

  /** See to it that the rows from `first` to `last` come; what else was on its way is called off. */
  want(first: number, last: number): void {
    const from = Math.max(0, Math.floor(first / this.size));
    const to = Math.floor(Math.min(last, (this.total ?? 1) - 1) / this.size);
    for (const [page, control] of this.#asked) if (page < from || page > to) control.abort();
    for (let page = from; page <= to; page++) {
      this.#used.set(page, ++this.#clock);
      if (!this.#pages.has(page) && !this.#asked.has(page)) void this.#ask(page);
    }
  }

  /** All rows from `first` to `last`, wherever they are now. */
  async range(first: number, last: number): Promise<T[]> {
    const rows: T[] = [];
    for (let page = Math.floor(first / this.size); page <= Math.floor(last / this.size); page++) {
      const held = this.#pages.get(page) ?? (await this.fetch(page * this.size, this.size, new AbortController().signal)).items;
      rows.push(...held.filter((_, at) => page * this.size + at >= first && page * this.size + at <= last));
    }
    return rows;
  }

  /** Call off what is on its way: nobody looks any more. */
  stop(): void {
    for (const control of this.#asked.values()) control.abort();
  }

  async #ask(page: number): Promise<void> {
    const control = new AbortController();
    this.#asked.set(page, control);
    try {
      const got = await this.fetch(page * this.size, this.size, control.signal);
      this.total = got.total;
      this.error = null;
      this.#pages.set(page, got.items);
      this.#forget();
    } catch (error) {
      if (!control.signal.aborted) this.error = error;
    } finally {
      if (this.#asked.get(page) === control) this.#asked.delete(page);
    }
  }

  #forget(): void {
    const oldest = [...this.#pages.keys()].sort((a, b) => (this.#used.get(a) ?? 0) - (this.#used.get(b) ?? 0));
    for (const page of oldest.slice(0, Math.max(0, oldest.length - this.keep))) this.#pages.delete(page);
  }
}
