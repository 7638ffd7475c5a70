// Boxes that are being drawn over the picture of a unit, by the mouse or by keys.

import { middle } from "./boxes";
import { sizeOf } from "./pictures";
import type { Box, UnitShown, Variable } from "./types";

export class Drawing {
  /** The value of the next box. */
  label = $state("");
  /** The box that takes the keys, as it has just been made by one. */
  fresh = $state(-1);

  /** Another question, perhaps with other values. */
  begin({ values }: Variable): void {
    if (!values.some((value) => value.name === this.label)) this.label = values[0]?.name ?? "";
  }

  /** By the mouse a value is chosen and then drawn; by its key a box of it appears, to be moved: then all boxes. */
  async choose(name: string, boxes: Box[], unit: UnitShown | undefined, pointed: boolean): Promise<Box[] | undefined> {
    this.label = name;
    const size = pointed || !unit ? null : await sizeOf(unit);
    if (!size) return undefined;
    this.fresh = boxes.length;
    return [...boxes, { value: name, box: middle(size) }];
  }
}
