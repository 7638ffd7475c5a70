// What a coder says of a unit before it is saved, kept in the browser: a reload, or a session that ends, does not lose it.

import type { Answers } from "./types";

/** What is said of a unit so far. */
export interface Draft {
  position: number;
  unit: string;
  answers: Answers;
  note: string | null;
}

/** One unit at a time, of one coder at one task of one study. */
export class Drafts {
  readonly #name: string;

  constructor(study: string, coder: string, task: string) {
    this.#name = `studium.draft/${study}/${coder}/${task}`;
  }

  get kept(): Draft | null {
    return JSON.parse(localStorage.getItem(this.#name) ?? "null") as Draft | null;
  }

  /** Keep it in the place of the one before; false if the browser keeps nothing. */
  keep(draft: Draft): boolean {
    try {
      localStorage.setItem(this.#name, JSON.stringify(draft));
      return true;
    } catch {
      return false;
    }
  }

  drop(): void {
    localStorage.removeItem(this.#name);
  }
}
