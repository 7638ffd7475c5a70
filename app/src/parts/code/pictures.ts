// Pictures of units, fetched ahead and kept decoded, so that the next one stands there at the press of a key.

import { ApiError } from "../../lib/api";
import { picture as address } from "../../lib/units";

const KEPT = 16;
const kept = new Map<string, Promise<string>>();

/** The address of a unit's picture in this browser; rejects with what the server said. */
export function picture({ id, kind }: { id: string; kind: string }): Promise<string> {
  const known = kept.get(id);
  kept.delete(id);
  const found = known ?? fetched(id, kind);
  kept.set(id, found);
  found.catch(() => kept.delete(id));
  for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))) {
    void kept.get(oldest)!.then(URL.revokeObjectURL, () => undefined);
    kept.delete(oldest);
  }
  return found;
}

/** The longest side in which the server sends a picture here; what is larger may have been made smaller. */
export const LONGEST = 1600;

interface Sized {
  id: string;
  kind: string;
  width?: number | null;
  height?: number | null;
}

/** Width and height in pixels of a unit's picture as it is, not as it was sent; null where nobody knows. */
export async function sizeOf(unit: Sized): Promise<{ width: number; height: number } | null> {
  if (unit.width && unit.height) return { width: unit.width, height: unit.height };
  const { naturalWidth: width, naturalHeight: height } = await decoded(await picture(unit));
  return Math.max(width, height) < LONGEST ? { width, height } : null;
}

async function decoded(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

async function fetched(id: string, kind: string): Promise<string> {
  const answer = await fetch(address(id, kind));
  if (!answer.ok) {
    const said = await answer.json().catch(() => undefined);
    throw new ApiError(answer.status, said?.error?.type ?? "Error", said?.error?.message ?? answer.statusText);
  }
  const local = URL.createObjectURL(await answer.blob());
  await decoded(local);
  return local;
}
