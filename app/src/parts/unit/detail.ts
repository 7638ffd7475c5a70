// A unit as the server tells it: what it is, where it was found, and every column with its recipe.

export interface Span {
  start?: number;
  end?: number;
  box?: [number, number, number, number];
}

export interface Recipe {
  name: string;
  version: string;
  key: string;
  params: Record<string, unknown>;
  model: string | null;
  weights: Record<string, string>;
}

export interface Cell {
  name: string;
  value: unknown;
  type: string;
  unit: string;
  /** Of a vector or list: how long it is. */
  size: number | null;
  description: string;
  sensitive: boolean;
}

export interface Made {
  table: string;
  recipe: Recipe;
  columns: Cell[];
  made: string | null;
}

export interface Child {
  id: string;
  kind: string;
  label: string;
  span: Span | null;
}

export interface Detail {
  id: string;
  kind: string;
  label: string;
  path: string | null;
  parent: { id: string; kind: string; label: string } | null;
  span: Span | null;
  width: number | null;
  height: number | null;
  seconds: number | null;
  children: Record<string, number>;
  text: string | null;
  attachments: { media: string | null; kind: string | null; label: string | null; path: string | null }[];
  posts: Record<string, unknown>[];
  tables: Made[];
  failures: { step: string; error: string; message: string }[];
  annotations: {
    variable: string;
    value: unknown;
    coder: string;
    at: string;
    sample: string | null;
    note: string | null;
    seconds: number | null;
  }[];
  blind: boolean;
}

export interface Timeline {
  seconds: number | null;
  shots: { id: string; start: number; end: number }[];
  frames: { id: string; time: number }[];
  speech: { id: string; start: number; end: number; text: string | null; language: string | null }[];
}
