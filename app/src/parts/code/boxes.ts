// Boxes in whole pixels of a picture: x0, y0, x1, y1, the last two exclusive, never outside it.

export type Corners = [number, number, number, number];

export interface Size {
  width: number;
  height: number;
}

export const MIN_SIDE = 3;

const within = (value: number, low: number, high: number) => Math.round(Math.min(Math.max(value, low), high));

/** The box between two points. */
export function spanned(a: [number, number], b: [number, number], { width, height }: Size): Corners {
  const x = [within(a[0], 0, width), within(b[0], 0, width)];
  const y = [within(a[1], 0, height), within(b[1], 0, height)];
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}

/** The box elsewhere, as large as before. */
export function moved([x0, y0, x1, y1]: Corners, dx: number, dy: number, { width, height }: Size): Corners {
  const x = within(x0 + dx, 0, width - (x1 - x0));
  const y = within(y0 + dy, 0, height - (y1 - y0));
  return [x, y, x + x1 - x0, y + y1 - y0];
}

/** The box with its lower right corner elsewhere. */
export function sized([x0, y0, x1, y1]: Corners, dx: number, dy: number, { width, height }: Size): Corners {
  return [x0, y0, within(x1 + dx, x0 + MIN_SIDE, width), within(y1 + dy, y0 + MIN_SIDE, height)];
}

/** A third of the picture, in its middle. */
export function middle({ width, height }: Size): Corners {
  return [width / 3, height / 3, (2 * width) / 3, (2 * height) / 3].map(Math.round) as Corners;
}
