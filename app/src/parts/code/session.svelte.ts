// One coder at one task: which unit and question are shown, what was said, and how it is taken back.

import { ApiError, get } from "../../lib/api";
import { Clock } from "./clock.svelte";
import { Drafts } from "./drafts";
import { picture } from "./pictures";
import { newKey, Queue } from "./queue.svelte";
import { asked, kept, wrong } from "./rules";
import { type Answer, type Answers, type Item, type Variable, subject } from "./types";

interface Said {
  answers: Answers;
  note: string | null;
  coded: boolean;
}

interface Step {
  position: number;
  before: Said;
}

const AHEAD = 5;
const UNCODED: Said = { answers: {}, note: null, coded: false };
const PICTURED = new Set(["image", "frame", "face", "object", "line", "shot"]);
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

export class CodingSession {
  item = $state<Item | null>(null);
  answers = $state<Answers>({});
  note = $state("");
  current = $state(0);
  finished = $state(false);
  trouble = $state("");
  message = $state("");
  /** Units after this one that stand ready: also if the server is gone, they can be coded. */
  ready = $state(0);
  readonly clock = new Clock();
  readonly queue: Queue;
  readonly #drafts: Drafts;
  #items = new Map<number, Promise<Item>>();
  #said = new Map<string, Said>();
  #steps: Step[] = [];
  #turn = 0;
  #counted = $state(0);

  constructor(
    readonly task: string,
    readonly codebook: Map<string, Variable>,
    study: string,
    coder: string,
  ) {
    this.queue = new Queue(study, coder, task);
    this.#drafts = new Drafts(study, coder, task);
  }

  /** Variables of the unit that are asked, given what was answered so far. */
  get variables(): Variable[] {
    const known = (this.item?.variables ?? []).map((name) => this.codebook.get(name)!);
    const left = kept(known, this.answers);
    return known.filter((variable) => asked(variable, left));
  }

  get variable(): Variable | undefined {
    return this.variables[this.current];
  }

  get total(): number {
    return this.item?.total ?? 0;
  }

  /** Units coded, those on their way to the server among them. */
  get done(): number {
    return this.queue.waiting.length === 0 && this.queue.done !== null ? this.queue.done : this.#counted;
  }

  get mayUndo(): boolean {
    return Object.keys(this.answers).length > 0 || this.#steps.length > 0;
  }

  /** Show the unit that was being coded when the page was left, or else the first that is not coded yet. */
  async begin(): Promise<void> {
    await this.queue.flush();
    const draft = this.#drafts.kept;
    if (draft) await this.show(draft.position);
    if (!draft || !this.item || subject(this.item) !== draft.unit) await this.#next(-1);
  }

  async show(position: number): Promise<void> {
    const turn = ++this.#turn;
    const item = await this.#patiently(() => this.#load(position), turn);
    if (!item || turn !== this.#turn) return;
    const draft = this.#drafts.kept;
    const said = draft?.unit === subject(item) ? draft : this.#saidOf(item);
    this.item = item;
    this.finished = false;
    this.answers = { ...said.answers };
    this.note = said.note ?? "";
    this.current = said === draft ? Math.max(0, this.variables.findIndex((one) => this.answers[one.name] === undefined)) : 0;
    this.#count(item);
    this.clock.restart();
    this.ready = 0;
    for (let ahead = 1; ahead <= AHEAD && position + ahead < item.total; ahead++) {
      void this.#preload(position + ahead).then((there) => {
        if (there && turn === this.#turn) this.ready += 1;
      });
    }
  }

  /** Keep what is said of the unit until it is saved. */
  keepDraft(): void {
    if (!this.item) return;
    const { position } = this.item;
    const said = { answers: $state.snapshot(this.answers) as Answers, note: this.note.trim() || null };
    if (this.finished || same({ ...said, coded: true }, { ...this.#saidOf(this.item), coded: true })) this.#drafts.drop();
    else if (!this.#drafts.keep({ position, unit: subject(this.item), ...said }))
      this.message = "The browser keeps nothing for this page: do not reload it before the unit is saved.";
  }

  answer(value: Answer): void {
    const variable = this.variable;
    if (variable) this.answers = { ...this.answers, [variable.name]: value };
  }

  /** The question is as if it had not been answered. */
  unsay(): void {
    const { [this.variable?.name ?? ""]: _, ...left } = this.answers;
    this.answers = left;
  }

  /** On to the next question, or, after the last, save and go to the next unit. */
  async forward(): Promise<void> {
    const variable = this.variable;
    if (!this.item || !variable) return;
    const fault = wrong(variable, this.answers[variable.name]);
    this.message = fault;
    if (fault) return;
    if (this.current < this.variables.length - 1) {
      this.current += 1;
      return;
    }
    const missing = this.variables.findIndex((one) => this.answers[one.name] === undefined);
    if (missing >= 0) this.current = missing;
    else await this.#finish();
  }

  /** On without an answer, where nothing of the unit is answered yet: it comes back at the end. */
  async onward(): Promise<void> {
    if (!this.item || this.finished) return;
    if (Object.keys(this.answers).length > 0) return this.forward();
    await this.#onTo(this.item.position + 1);
  }

  /** Back to the question, or the unit, before. */
  async back(): Promise<void> {
    this.message = "";
    if (this.current > 0) this.current -= 1;
    else if (this.item && this.item.position > 0) await this.show(this.item.position - (this.finished ? 0 : 1));
  }

  /** Take back the last answer, or, at the start of a unit, what was saved last. */
  async undo(): Promise<void> {
    this.message = "";
    const saved = this.item && this.#saidOf(this.item);
    const fresh = this.variables.filter((one) => this.answers[one.name] !== undefined);
    if (!this.finished && !saved?.coded && fresh.length > 0) {
      this.#drop(fresh.at(-1)!.name);
      return;
    }
    const here = saved?.coded && !this.finished ? this.item!.position : undefined;
    const last = this.#steps.findLastIndex((step) => here === undefined || step.position === here);
    const step = this.#steps[last] ?? (here === undefined ? undefined : { position: here, before: UNCODED });
    if (last >= 0) this.#steps.splice(last, 1);
    if (step) await this.#takeBack(step);
    else this.message = "Nothing to take back.";
  }

  watch(): () => void {
    const ends = [this.clock.watch(), this.queue.watch()];
    return () => {
      this.#turn += 1;
      for (const end of ends) end();
    };
  }

  #drop(name: string): void {
    this.current = Math.max(0, this.variables.findIndex((one) => one.name === name));
    this.unsay();
    this.message = "Taken back: answer again.";
  }

  async #finish(): Promise<void> {
    const item = this.item!;
    const before = this.#saidOf(item);
    const variables = item.variables.map((name) => this.codebook.get(name)!);
    const answers = kept(variables, $state.snapshot(this.answers) as Answers);
    const said = { answers, note: this.note.trim() || null, coded: true };
    if (!same(said, before)) {
      this.#steps.push({ position: item.position, before });
      this.#send(item, said, []);
    }
    await this.#onTo(item.position + 1);
  }

  async #onTo(position: number): Promise<void> {
    if (position < this.total) await this.show(position);
    else await this.#end();
  }

  /** After the last unit: those that were passed over, and then the end. */
  async #end(): Promise<void> {
    await this.queue.flush();
    if (this.queue.waiting.length === 0) await this.#next(-1);
    else this.finished = true;
  }

  async #next(after: number): Promise<void> {
    const turn = ++this.#turn;
    const name = encodeURIComponent(this.task);
    const found = await this.#patiently(() => get<{ position: number | null; total: number; done: number }>(`tasks/${name}/next`, { after }), turn);
    if (!found || turn !== this.#turn) return;
    if (found.position !== null) return this.show(found.position);
    if (!this.item && found.total > 0) await this.show(found.total - 1);
    this.finished = true;
  }

  async #takeBack(step: Step): Promise<void> {
    const item = await this.#load(step.position);
    this.#send(item, step.before, step.before.coded ? [] : item.variables);
    await this.show(step.position);
    this.message = step.before.coded ? "Taken back: what you said before counts again." : "Taken back: this unit is not coded.";
  }

  #send(item: Item, said: Said, withdrawn: string[]): void {
    const was = this.#saidOf(item).coded;
    this.#said.set(subject(item), said);
    this.#drafts.drop();
    this.#counted += Number(said.coded) - Number(was);
    const { answers, note } = said;
    // which definitions were read: the server refuses answers by others than the present ones
    const definitions = Object.fromEntries(Object.keys(answers).map((name) => [name, this.codebook.get(name)!.digest]));
    this.queue.add({ unit: subject(item), answers, withdrawn, seconds: this.clock.read(), note, key: newKey(), definitions });
  }

  /** What this coder said about a unit: here since the page was loaded, on its way, or as the server knows it. */
  #saidOf(item: Item): Said {
    const here = this.#said.get(subject(item));
    if (here) return here;
    const sent = this.queue.latest(subject(item));
    if (sent) return { answers: sent.answers, note: sent.note, coded: sent.withdrawn.length === 0 };
    return { answers: item.answers, note: item.note, coded: item.coded };
  }

  #count(item: Item): void {
    if (this.#said.size === 0) this.#counted = item.done + this.queue.waiting.length;
  }

  #load(position: number): Promise<Item> {
    const known = this.#items.get(position);
    if (known) return known;
    const asked = get<Item>(`tasks/${encodeURIComponent(this.task)}/items/${position}`);
    this.#items.set(position, asked);
    asked.catch(() => this.#items.delete(position));
    return asked;
  }

  /** Whether a unit and its pictures could be fetched. */
  async #preload(position: number): Promise<boolean> {
    try {
      const item = await this.#load(position);
      const units = (item.pair ?? [item.unit!]).flatMap((unit) => [unit, ...(unit.media ?? [])]);
      await Promise.allSettled(units.filter((unit) => PICTURED.has(unit.kind)).map(picture));
      return true;
    } catch {
      return false;
    }
  }

  /** Ask until the server answers, unless something else is to be shown by then. */
  async #patiently<T>(ask: () => Promise<T>, turn: number): Promise<T | undefined> {
    for (let pause = 500; turn === this.#turn; pause = Math.min(2 * pause, 8000)) {
      try {
        const answer = await ask();
        this.trouble = "";
        return answer;
      } catch (error) {
        this.trouble = (error as Error).message;
        if (error instanceof ApiError && [400, 403, 404, 422].includes(error.status)) return undefined;
        await wait(pause);
      }
    }
    return undefined;
  }
}

function same(one: Said, other: Said): boolean {
  const read = (said: Said) => JSON.stringify([Object.entries(said.answers).sort(), said.note, said.coded]);
  return read(one) === read(other);
}
