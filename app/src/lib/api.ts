// The one way to the server: JSON in, JSON out, and errors that say what the server said.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Page<T> {
  items: T[];
  total: number;
  offset: number;
  limit: number;
}

let csrf = "";

export function keepCsrf(value: string): void {
  csrf = value;
}

let ended: () => void = () => {};

/** What to do when the server no longer knows the session. */
export function onEnded(then: () => void): void {
  ended = then;
}

export type Query = Record<string, string | number | boolean | undefined>;

export function url(path: string, query: Query = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") asked.set(name, String(value));
  const text = asked.toString();
  return "api/" + path + (text ? "?" + text : "");
}

async function ask<T>(method: string, path: string, query: Query, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  const raw = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = raw ? body.type : "application/json";
  let answer: Response;
  try {
    const sent = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    answer = await fetch(url(path, query), { method, headers, body: sent, signal, credentials: "same-origin" });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, "Unreachable", "The server does not answer. Is `studium serve` running?");
  }
  if (answer.status === 204) return undefined as T;
  const said = await answer.json().catch((error: Error) => {
    if (error.name === "AbortError") throw error;
    if (answer.ok) throw new ApiError(0, "Unreachable", "The server's answer broke off. Is `studium serve` running?");
  });
  if (!answer.ok) {
    if (answer.status === 401) ended();
    const told = said?.error ?? { type: "Error", message: answer.statusText };
    throw new ApiError(answer.status, told.type, told.message);
  }
  return said as T;
}

export const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) => ask<T>("GET", path, query, undefined, signal);
export const post = <T>(path: string, body?: unknown, query: Query = {}, signal?: AbortSignal) =>
  ask<T>("POST", path, query, body, signal);
export const put = <T>(path: string, body?: unknown) => ask<T>("PUT", path, {}, body);
export const patch = <T>(path: string, body?: unknown) => ask<T>("PATCH", path, {}, body);
export const remove = <T>(path: string) => ask<T>("DELETE", path, {});
