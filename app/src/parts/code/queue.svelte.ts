// Annotations on their way to the server. Each is kept in the browser until the server has it: a reload, a server that
// dies or a network that fails loses none, and its key lets the server add it once however often it is sent.

import { ApiError, get, keepCsrf, post } from "../../lib/api";
import type { Answers } from "./types";

export interface Annotated {
  unit: string;
  answers: Answers;
  withdrawn: string[];
  seconds: number;
  note: string | null;
  key: string;
  definitions: Record<string, string>;
}

interface Kept {
  at: string;
  task: string;
  body: Annotated;
}

export interface Refused extends Kept {
  reason: string;
}

interface Said {
  added: number;
  done: number;
  total: number;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** What sending again would not mend. */
const FINAL = new Set([400, 404, 422]);

/** A name that no other annotation has. `crypto.randomUUID` needs https or this machine; the lab's network has neither. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Queue {
  waiting = $state<Kept[]>([]);
  refused = $state<Refused[]>([]);
  trouble = $state("");
  done = $state<number | null>(null);
  #coder: string;
  #task: string;
  #waits: string;
  #refuses: string;
  #sending: Promise<void> | undefined;
  #wait = FIRST_WAIT;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #left = false;

  /** Annotations of one coder: whoever else signs in to this browser does not send them. */
  constructor(study: string, coder: string, task: string) {
    this.#coder = coder;
    this.#task = task;
    this.#waits = `studium.unsaved/${study}/${coder}/${task}/`;
    this.#refuses = `studium.refused/${study}/${coder}/${task}/`;
    this.waiting = stored<Kept>(this.#waits);
    this.refused = stored<Refused>(this.#refuses);
  }

  /** Keep an annotation, and send it as soon as can be. */
  add(body: Annotated): void {
    const at = `${String(Date.now()).padStart(15, "0")}-${String(this.waiting.length).padStart(6, "0")}`;
    const one = { at, task: this.#task, body };
    this.#keep(this.#waits, one);
    this.waiting.push(one);
    void this.flush();
  }

  /** The latest annotation of a unit that the server does not have yet. */
  latest(unit: string): Annotated | undefined {
    return this.waiting.findLast((one) => one.body.unit === unit)?.body;
  }

  /** Send what waits, in its order; resolves when nothing waits or the server does not take it now. */
  flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      while (!this.#left && this.waiting[0]) await this.#send(this.waiting[0]);
      this.#wait = FIRST_WAIT;
      this.trouble = "";
    } catch (error) {
      this.trouble = (error as Error).message;
      if (this.#left) return; // the page is closed, and the next to sign in may be somebody else
      this.#timer = setTimeout(() => void this.flush(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
    }
  }

  /** Send once more what the server refused, or let it go. */
  again(one: Refused): void {
    this.forget(one);
    this.add(one.body);
  }

  forget(one: Refused): void {
    localStorage.removeItem(this.#refuses + one.at + one.body.key);
    this.refused = this.refused.filter((other) => other.body.key !== one.body.key);
  }

  /** Keep at it until the returned function is called: at once when the network is back. */
  watch(): () => void {
    const online = () => void this.flush();
    addEventListener("online", online);
    void this.flush();
    return () => {
      this.#left = true;
      removeEventListener("online", online);
      clearTimeout(this.#timer);
    };
  }

  async #send(one: Kept): Promise<void> {
    try {
      const said = await post<Said>(`tasks/${encodeURIComponent(one.task)}/annotations`, $state.snapshot(one.body));
      this.done = said.done;
    } catch (error) {
      if (!(error instanceof ApiError && FINAL.has(error.status))) {
        await renewed(error, this.#coder);
        throw error;
      }
      const refused = { ...$state.snapshot(one), reason: error.message };
      this.#keep(this.#refuses, refused);
      this.refused.push(refused);
    }
    this.waiting = this.waiting.filter((other) => other.body.key !== one.body.key);
    localStorage.removeItem(this.#waits + one.at + one.body.key);
  }

  #keep(prefix: string, one: Kept): void {
    try {
      localStorage.setItem(prefix + one.at + one.body.key, JSON.stringify(one));
    } catch {
      this.trouble = "The browser keeps nothing for this page: do not reload it before all is saved.";
    }
  }
}

function stored<T>(prefix: string): T[] {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(prefix));
  return names.sort().map((name) => JSON.parse(localStorage.getItem(name)!) as T);
}

/** After a server that started again, or a new login in another tab: the session has another token than this page. */
async function renewed(error: unknown, coder: string): Promise<void> {
  if (!(error instanceof ApiError && error.status === 403)) return;
  const session = await get<{ name: string; csrf: string }>("session").catch(() => undefined);
  if (!session) return;
  if (session.name === coder) keepCsrf(session.csrf);
  else throw new ApiError(403, "RefusedError", `${session.name} is signed in in this browser now: log in as ${coder} to save what ${coder} coded.`);
}
