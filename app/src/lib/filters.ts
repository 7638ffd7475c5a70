// Filters on columns, as the server takes them and the address keeps them.

export type Value = string | number | boolean;
export type Filter =
  | { column: string; in: Value[] }
  | { column: string; low?: number | string; high?: number | string }
  | { column: string; missing: true }
  | { units: string[] };

export function parse(text: string | undefined): Filter[] {
  if (!text) return [];
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? (read as Filter[]) : [];
  } catch {
    return []; // an address that was cut off while it was copied
  }
}

export const print = (filters: Filter[]): string => (filters.length ? JSON.stringify(filters) : "");

export const about = (filter: Filter): string => ("column" in filter ? filter.column : "");
export const of = (filters: Filter[], column: string): Filter | undefined => filters.find((one) => about(one) === column);
export const without = (filters: Filter[], column: string): Filter[] => filters.filter((one) => about(one) !== column);

/** The filters with another one in place of what was said about its column. */
export function put(filters: Filter[], filter: Filter): Filter[] {
  const column = about(filter);
  const kept = without(filters, column);
  if ("in" in filter && filter.in.length === 0) return kept;
  if (!("in" in filter) && !("missing" in filter) && !("units" in filter) && filter.low === undefined && filter.high === undefined) return kept;
  const at = filters.findIndex((one) => about(one) === column);
  return at < 0 ? [...kept, filter] : [...kept.slice(0, at), filter, ...kept.slice(at)];
}
