// What the gallery is asked for, read from the address and written to it; and what is selected in it.

import { SvelteSet } from "svelte/reactivity";

import { get, type Page } from "./api";
import { parse, print, type Filter } from "./filters";
import { Listing } from "./listing.svelte";
import { address, adjust, go, place } from "./router.svelte";
import { session } from "./session.svelte";
import type { Found, UnitRow } from "./units";

export interface Asked {
  of: string;
  filters: Filter[];
  sort: string;
  query: string;
  /** Found by meaning: the text, or the unit to be like, and the table of vectors to find by. */
  text: string;
  like: string;
  by: string;
  facets: string[] | null;
}

const ORDER = ["image", "video", "post", "audio"];
export const FOUND = 200;

/** The kind that a study opens with. */
function first(): string {
  const kinds = session.study?.kinds.filter((kind) => kind.n > 0).map((kind) => kind.kind) ?? [];
  return ORDER.find((kind) => kinds.includes(kind)) ?? kinds[0] ?? "image";
}

export function asked(query: Record<string, string>): Asked {
  return {
    of: query.of || first(),
    filters: parse(query.filter),
    sort: query.sort ?? "",
    query: query.query ?? "",
    text: query.text ?? "",
    like: query.like ?? "",
    by: query.by ?? "",
    facets: query.facets === undefined ? null : query.facets.split(",").filter(Boolean),
  };
}

function written(now: Asked): Record<string, string> {
  const { of, filters, sort, query, text, like, by, facets } = now;
  const pairs = { of, filter: print(filters), sort, query, text, like, by, facets: facets?.join(",") ?? "" };
  return facets?.length === 0 ? { ...pairs, facets: "," } : pairs;
}

/** Ask for something else: a step in the history, but while typing. */
export function ask(change: Partial<Asked>, step = true): void {
  const query = written({ ...asked(place.query), ...change });
  if (step) go("", [], query);
  else adjust(query);
}

export const likeAddress = (unit: string, of: string): string => address("", [], { of, like: unit });

/** The listing of what was asked for by columns and words. */
export function listed({ of, filters, sort, query }: Asked): Listing<UnitRow> {
  return new Listing((offset, limit, signal) =>
    get<Page<UnitRow>>("units", { of, filter: print(filters), sort, query, offset, limit }, signal),
  );
}

/** A listing of what a search found, all of it at once. */
export function ranked(find: (signal: AbortSignal) => Promise<{ items: Found[] }>): Listing<Found> {
  return new Listing<Found>(async (_, limit, signal) => {
    const { items } = await find(signal);
    return { items, total: items.length, offset: 0, limit };
  }, FOUND);
}

export const selected = new SvelteSet<string>();

/** What was on the screen when a unit was opened: the way back, and to its neighbours. */
export const left: { address: string; scroll: number; listing: Listing<UnitRow> | null; index: number } = {
  address: "",
  scroll: 0,
  listing: null,
  index: -1,
};
