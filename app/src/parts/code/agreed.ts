// What the server says about agreement.

export interface Measure {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
  se: number | null;
  undefined: number | null;
  reason: string;
}

export interface CoderPair {
  a: string;
  b: string;
  units: number;
  percent: number | null;
  kappa: number | null;
}

export interface CoderSaid {
  coder: string;
  machine: boolean;
  units: number;
  cannot_tell: number;
  seconds: number | null;
  again: number;
  again_percent: number | null;
}

export interface Block {
  first: number;
  last: number;
  value: number;
  low: number;
  high: number;
}

export interface Drift {
  coder: string;
  blocks: Block[];
  units: number;
  trend: { slope: number | null; z: number | null; p: number | null; reason: string };
}

export interface GroupDifference {
  trait: string;
  value: string;
  a: string;
  b: string;
  coders_a: number;
  coders_b: number;
  units: number;
  difference: number | null;
  low: number | null;
  high: number | null;
  p: number | null;
  p_holm: number | null;
  smallest: number | null;
  reason: string;
}

export interface Agreed {
  variable: string;
  type: string;
  level: string;
  units: number;
  coded: number;
  coders: CoderSaid[];
  measures: Measure[];
  parts: { value: string; units: number; paradox: boolean; measures: Measure[] }[];
  coder_pairs: CoderPair[];
  confusion: { labels: string[]; counts: number[][] };
  paradox: boolean;
  drift: Drift[];
  groups: GroupDifference[];
  left_out: Record<string, number>;
  unequal: boolean;
}
