// Short messages at the foot of the screen, read aloud as they come.

import { ApiError } from "./api";

export interface Notice {
  id: number;
  kind: "good" | "bad";
  text: string;
}

export const notices = $state<Notice[]>([]);
let last = 0;

export function dismiss(id: number): void {
  const at = notices.findIndex((notice) => notice.id === id);
  if (at >= 0) notices.splice(at, 1);
}

/** Good news go by themselves; bad news stay until they are closed. */
export function say(text: string, kind: Notice["kind"] = "good"): void {
  if (notices.some((notice) => notice.text === text)) return;
  const id = ++last;
  notices.push({ id, kind, text });
  if (kind === "good") setTimeout(() => dismiss(id), 5000);
}

/** Say what went wrong; what was called off went well, and a session that ended shows the login. */
export function complain(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (error instanceof ApiError && error.status === 401) return;
  say(error instanceof Error ? error.message : String(error), "bad");
}
