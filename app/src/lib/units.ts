// What the server says about units, and the addresses of their pictures.

import { url } from "./api";
import { session } from "./session.svelte";

export interface UnitRow {
  id: string;
  kind: string;
  label: string;
  width: number | null;
  height: number | null;
  seconds: number | null;
}

export interface Found extends UnitRow {
  score: number;
}

export interface ColumnInfo {
  name: string;
  table: string;
  label: string;
  type: "number" | "category" | "text" | "boolean" | "list" | "vector" | "time";
  unit: string | null;
  low: number | null;
  high: number | null;
  description: string | null;
}

/** Whether there is a picture of units of a kind: of a video or a shot, a frame of it. */
export function pictured(kind: string): boolean {
  const offers = session.study?.kinds.find((one) => one.kind === kind)?.offers ?? [];
  return offers.includes("image") || offers.includes("video");
}

export const thumb = (unit: string, of: string, side = 256): string => url(`units/${encodeURIComponent(unit)}/thumb`, { of, side });
export const picture = (unit: string, of: string, longest = 1600): string =>
  url(`units/${encodeURIComponent(unit)}/picture`, { of, longest });
export const media = (unit: string, of: string): string => url(`units/${encodeURIComponent(unit)}/media`, { of });
