// Where points lie: in the map (-1 to 1, its shape kept), on the screen, near a cursor, within a lasso.

export interface View {
  x: number;
  y: number;
  zoom: number;
}

export interface Room {
  width: number;
  height: number;
}

export type Point = [number, number];

/** The points with their middle at 0 and the longer side from -1 to 1. */
export function fitted(x: Float32Array, y: Float32Array): Float32Array {
  const [x0, x1] = extent(x);
  const [y0, y1] = extent(y);
  const half = Math.max(x1 - x0, y1 - y0, 1e-9) / 2;
  const points = new Float32Array(2 * x.length);
  for (let row = 0; row < x.length; row++) {
    points[2 * row] = (x[row]! - (x0 + x1) / 2) / half;
    points[2 * row + 1] = (y[row]! - (y0 + y1) / 2) / half;
  }
  return points;
}

function extent(values: Float32Array): Point {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Pixels for one unit of the map. */
export const scaleOf = (view: View, room: Room) => (0.47 * Math.min(room.width, room.height)) * view.zoom;

export function onMap([px, py]: Point, view: View, room: Room): Point {
  const scale = scaleOf(view, room);
  return [view.x + (px - room.width / 2) / scale, view.y - (py - room.height / 2) / scale];
}

export function onScreen([x, y]: Point, view: View, room: Room): Point {
  const scale = scaleOf(view, room);
  return [room.width / 2 + (x - view.x) * scale, room.height / 2 - (y - view.y) * scale];
}

/** The view after zooming about a point of the screen that stays where it is. */
export function zoomed(view: View, by: number, about: Point, room: Room): View {
  const zoom = Math.min(Math.max(view.zoom * by, 0.5), 400);
  const [x, y] = onMap(about, view, room);
  const share = view.zoom / zoom;
  return { zoom, x: x + (view.x - x) * share, y: y + (view.y - y) * share };
}

/** The rows within a polygon of the map. */
export function within(points: Float32Array, polygon: Point[]): number[] {
  const xs = polygon.map((point) => point[0]);
  const ys = polygon.map((point) => point[1]);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const rows: number[] = [];
  for (let row = 0; 2 * row < points.length; row++) {
    const [x, y] = [points[2 * row]!, points[2 * row + 1]!];
    if (x >= x0 && x <= x1 && y >= y0 && y <= y1 && inside(x, y, polygon)) rows.push(row);
  }
  return rows;
}

/** Whether a line to the right crosses the polygon an odd number of times. */
function inside(x: number, y: number, polygon: Point[]): boolean {
  let odd = false;
  let [ax, ay] = polygon.at(-1)!;
  for (const [bx, by] of polygon) {
    if (by > y !== ay > y && x < ((ax - bx) * (y - by)) / (ay - by) + bx) odd = !odd;
    [ax, ay] = [bx, by];
  }
  return odd;
}

/** Points by the cells of a grid, to find those near a cursor without looking at all of them. */
export class Grid {
  static readonly SIDE = 128;
  #starts: Uint32Array;
  #rows: Uint32Array;

  constructor(readonly points: Float32Array) {
    const n = points.length / 2;
    const counts = new Uint32Array(Grid.SIDE ** 2 + 1);
    for (let row = 0; row < n; row++) counts[this.#cell(row) + 1]! += 1;
    for (let cell = 0; cell < Grid.SIDE ** 2; cell++) counts[cell + 1]! += counts[cell]!;
    this.#starts = counts.slice();
    this.#rows = new Uint32Array(n);
    for (let row = 0; row < n; row++) this.#rows[counts[this.#cell(row)]!++] = row;
  }

  /** The nearest rows to a point of the map, nearest first, none further than the radius. */
  nearest([x, y]: Point, radius: number, most: number): number[] {
    const found: [number, number][] = [];
    const [left, right] = [Grid.#at(x - radius), Grid.#at(x + radius)];
    for (let line = Grid.#at(y - radius); line <= Grid.#at(y + radius); line++) {
      const from = this.#starts[line * Grid.SIDE + left]!;
      const to = this.#starts[line * Grid.SIDE + right + 1]!;
      for (let at = from; at < to; at++) {
        const row = this.#rows[at]!;
        const far = Math.hypot(this.points[2 * row]! - x, this.points[2 * row + 1]! - y);
        if (far <= radius) found.push([far, row]);
      }
    }
    return found.sort((a, b) => a[0] - b[0]).slice(0, most).map(([, row]) => row);
  }

  #cell(row: number): number {
    return Grid.#at(this.points[2 * row + 1]!) * Grid.SIDE + Grid.#at(this.points[2 * row]!);
  }

  static #at(value: number): number {
    return Math.min(Math.max(Math.floor(((value + 1) / 2) * Grid.SIDE), 0), Grid.SIDE - 1);
  }
}
