// What the server says about clusterings that were judged by coded pairs.

import type { Measure } from "../code/agreed";

export interface Configuration {
  table: string;
  name: string;
  params: Record<string, unknown>;
  clusters: number;
  unassigned: number;
  pairs: number;
  share: number | null;
  low: number | null;
  high: number | null;
  cluster_share: number | null;
  cluster_low: number | null;
  cluster_high: number | null;
  precision: number | null;
  recall: number | null;
  recall_low: number | null;
  recall_high: number | null;
  f1: number | null;
  f1_low: number | null;
  f1_high: number | null;
}

export interface Difference {
  measure: string;
  a: string;
  b: string;
  change: number | null;
  low: number | null;
  high: number | null;
  p: number | null;
  p_holm: number | null;
}

export interface Judged {
  variable: string;
  same: string[];
  drawn: number;
  known: number;
  adjudicated: number;
  majority: number;
  ties: number;
  cannot_tell: number;
  uncoded: number;
  coded_once: number;
  coders: string[];
  configurations: Configuration[];
  differences: Difference[];
  agreement: { units: number; coders: number; paradox: boolean; measures: Measure[] } | null;
}
