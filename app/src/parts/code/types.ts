// What the server says about variables, tasks and the units to be coded.

export interface Value {
  name: string;
  definition: string;
  include: string[];
  exclude: string[];
  examples: string[];
  units: string[];
}

export interface Variable {
  name: string;
  question: string;
  of: string;
  type: "binary" | "categorical" | "multilabel" | "ordinal" | "continuous" | "text" | "boxes";
  pairs: boolean;
  instructions: string;
  values: Value[];
  low: number | null;
  high: number | null;
  none_of_these: boolean;
  cannot_tell: boolean;
  sensitive: boolean;
  only_if: Record<string, string[]> | null;
  digest: string;
}

export interface Box {
  value: string;
  box: [number, number, number, number];
}

/** The boxes of one coder. */
export interface Drawn {
  who: string;
  boxes: Box[];
  /** Another coder's are looked at. */
  faint: boolean;
}

/** One answer; null is "cannot tell". */
export type Answer = string | number | string[] | Box[] | null;
export type Answers = Record<string, Answer>;

export interface UnitShown {
  id: string;
  kind: string;
  label: string;
  text?: string | null;
  width?: number | null;
  height?: number | null;
  seconds?: number | null;
  media?: UnitShown[];
}

export interface Item {
  position: number;
  total: number;
  done: number;
  unit: UnitShown | null;
  pair: [UnitShown, UnitShown] | null;
  variables: string[];
  answers: Answers;
  note: string | null;
  coded: boolean;
  skipped: string[];
}

export interface CoderProgress {
  coder: string;
  total: number;
  done: number;
  seconds_median: number | null;
  last: string | null;
}

export interface Task {
  name: string;
  sample: string;
  variables: string[];
  of: string;
  pairs: boolean;
  mine: { total: number; done: number } | null;
  coders: CoderProgress[];
  problem: string | null;
}

export interface Timeline {
  seconds: number | null;
  shots: { id: string; start: number; end: number }[];
  frames: { id: string; time: number }[];
  speech: { id: string; start: number; end: number; text: string; language: string | null }[];
}

/** What an annotation is about: the unit, or the pair, in the order of `studium.core.pair`. */
export function subject(item: Item): string {
  return item.pair ? item.pair.map((unit) => unit.id).sort().join("+") : item.unit!.id;
}

/** A unit, or pair, that coders answered differently. */
export interface Disagreement {
  id: string;
  unit: UnitShown | null;
  pair: [UnitShown, UnitShown] | null;
  variable: string;
  codes: Answers;
  notes: Record<string, string>;
  decision: { value: Answer; who: string; at: string; note: string | null; codes: Answers } | null;
}
