// Counts of a column, as the server gives them.

import type { Value } from "../../lib/filters";
import type { ColumnInfo } from "../../lib/units";

export interface CategoryFacet {
  column: string;
  type: "category";
  values: { value: Value; n: number }[];
  other: number;
  missing: number;
}

export interface NumberFacet {
  column: string;
  type: "number";
  bins: { low: number; high: number; n: number }[];
  missing: number;
}

export type Facet = CategoryFacet | NumberFacet;

// Columns that differ from unit to unit, or say in numbers what another says in words.
const POOR = /^(unit\.path|post\.(id|text|date)|attachment\.source|cluster-\w+\.(cluster|rank)|duplicates-\w+\..*)$/;
const RANKS = [/^cluster-\w+\.name$/, /^post\./, /^attachment\.label$/, /./];
const PLAIN = /^(properties|map|cluster)-/;

/** Columns to begin with: names of clusters, what posts say, then what was measured. */
export function usual(columns: ColumnInfo[]): ColumnInfo[] {
  const rank = (column: ColumnInfo): number => RANKS.findIndex((pattern) => pattern.test(column.name));
  const rich = columns.filter((column) => !POOR.test(column.name)).sort((a, b) => rank(a) - rank(b));
  const named = rich.filter((column) => ["category", "boolean", "list"].includes(column.type)).slice(0, 6);
  return [...named, ...rich.filter((column) => column.type === "number" && !PLAIN.test(column.name)).slice(0, 2)];
}
