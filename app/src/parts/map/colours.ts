// Colours of points: categories by a palette that most eyes tell apart, numbers from dark to light (viridis).

export type Colour =
  | { type: "category"; categories: (string | number | boolean)[]; codes: string }
  | { type: "number"; low: number | null; high: number | null; values: string };

export interface Coloured {
  rgba: Uint8Array;
  /** Row -> category, 65535 if none; null if the colours are numbers. */
  codes: Uint16Array | null;
}

const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a6fd1", "#b8a000", "#7f3c2c", "#3f8f2f", "#e05c8a", "#4a6a8a"];
const OTHER = "#8c9096";
const VIRIDIS = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"];
export const MISSING = 65535;

const parts = (hex: string): [number, number, number] => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];

/** The colour of a category, by its number; those beyond the palette share one. */
export const categoryColour = (code: number): string => PALETTE[code] ?? OTHER;
export const SCALE = `linear-gradient(to right, ${VIRIDIS.join(", ")})`;

function bytes(text: string): ArrayBuffer {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer as ArrayBuffer;
}

export const floats = (text: string): Float32Array => new Float32Array(bytes(text));

export function coloured(colour: Colour): Coloured {
  return colour.type === "category" ? byCategory(new Uint16Array(bytes(colour.codes))) : byNumber(colour);
}

function byCategory(codes: Uint16Array): Coloured {
  const known = PALETTE.map(parts);
  const other = parts(OTHER);
  const rgba = new Uint8Array(4 * codes.length);
  codes.forEach((code, row) => rgba.set(known[code] ?? other, 4 * row));
  return { rgba, codes };
}

function byNumber({ low, high, values }: Extract<Colour, { type: "number" }>): Coloured {
  const numbers = floats(values);
  const stops = VIRIDIS.map(parts);
  const other = parts(OTHER);
  const rgba = new Uint8Array(4 * numbers.length);
  const [least, range] = [low ?? 0, (high ?? 0) - (low ?? 0) || 1];
  numbers.forEach((value, row) => {
    const share = ((value - least) / range) * (stops.length - 1);
    const at = Math.min(Math.max(Math.floor(share), 0), stops.length - 2);
    const mixed = stops[at]!.map((part, band) => part + (share - at) * (stops[at + 1]![band]! - part));
    rgba.set(Number.isNaN(value) ? other : mixed, 4 * row);
  });
  return { rgba, codes: null };
}
