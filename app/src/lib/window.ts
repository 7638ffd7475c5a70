// Which rows of a long list are on the screen. A browser cannot lay out more than some 30 million px: a list that
// is longer is scrolled in proportion.

const TALLEST = 10_000_000;

export interface Pane {
  /** Height of the list, px, as the browser is told it. */
  height: number;
  first: number;
  last: number;
  /** Where the first row goes, px from the top of the list. */
  top: number;
}

export function pane(rows: number, row: number, view: number, scroll: number, spare = 2): Pane {
  const real = rows * row;
  const height = Math.min(real, TALLEST);
  const end = Math.max(1, height - view);
  const at = real > height ? (Math.min(scroll, end) / end) * (real - view) : scroll;
  const first = Math.max(0, Math.floor(at / row) - spare);
  const last = Math.min(rows - 1, Math.ceil((at + view) / row) + spare - 1);
  return { height, first, last, top: scroll + first * row - at };
}

/** How far to scroll so that a row is whole on the screen. */
export function reveal(index: number, rows: number, row: number, view: number, scroll: number): number {
  const real = rows * row;
  const height = Math.min(real, TALLEST);
  const stretch = real > height ? (real - view) / (height - view) : 1;
  const at = scroll * stretch;
  if (index * row < at) return (index * row) / stretch;
  if ((index + 1) * row > at + view) return ((index + 1) * row - view) / stretch;
  return scroll;
}
