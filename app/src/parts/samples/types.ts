// What the server says about samples.

import type { Page } from "../../lib/api";

export interface SampleRow {
  name: string;
  of: string;
  pairs: boolean;
  design: string;
  by: string;
  seed: number;
  frame: number;
  drawn: number;
  strata: { name: string; units: number; drawn: number }[];
  left_out: Record<string, number>;
  behind: Record<string, unknown>[];
  estimates: string;
  configurations: string[];
  who: string;
  at: string;
}

export interface SampledUnit {
  id: string;
  chance: number;
  stratum: string | null;
}

export interface SampleDetail extends SampleRow {
  units: Page<SampledUnit>;
}

/** The designs, and when each is right. */
export const DESIGNS: Record<string, { title: string; when: string }> = {
  simple: { title: "Simple random", when: "Every unit has the same chance. For shares of everything, and for the units on which a model is judged." },
  stratified: { title: "Stratified", when: "So many from each part. When every part is to be told of, or when the answer differs between parts: then it is more exact than a simple one." },
  clusters: { title: "Whole clusters", when: "Clusters are drawn, and all their units coded. When units that belong together are cheap to code together; less exact for as many units." },
  uncertainty: { title: "What a model is unsure of", when: "More of the units that teach a model most, with known chances, and some of all the others. For training." },
  holdout: { title: "Held out", when: "A simple sample that no other sample may draw from: for the final judgement of a model." },
  purposive: { title: "Chosen by hand", when: "To look at, or to train with. Choose the units in the gallery or on the map. Nothing can be said of other units." },
};

export const titleOf = (row: SampleRow): string => (row.pairs ? "Pairs" : (DESIGNS[row.design]?.title ?? row.design));
