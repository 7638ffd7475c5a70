// Who is here, and what they may open.

import { ApiError, get, keepCsrf, onEnded, post, remove } from "./api";
import { place } from "./router.svelte";

export type Role = "coder" | "adjudicator" | "admin";

export interface Viewer {
  mode: "local" | "accounts";
  name: string;
  role: Role;
  csrf: string;
}

export interface Kind {
  kind: string;
  n: number;
  offers: string[];
}

export interface Study {
  title: string;
  question: string;
  blur_faces: boolean;
  kinds: Kind[];
  database: string;
  version: string;
}

const RANK: Record<Role, number> = { coder: 0, adjudicator: 1, admin: 2 };

/** `asks`: whether the study asks its coders about themselves. */
export const session = $state<{ viewer: Viewer | null; study: Study | null; asks: boolean; asked: boolean }>({
  viewer: null,
  study: null,
  asks: false,
  asked: false,
});

export function may(role: Role): boolean {
  return session.viewer !== null && RANK[session.viewer.role] >= RANK[role];
}

function enter(viewer: Viewer, study: Study, asks: boolean): void {
  keepCsrf(viewer.csrf);
  session.study = study;
  session.asks = asks;
  session.viewer = viewer;
}

/** Whether coders are asked about themselves; also where the questions cannot be read, which their page then says. */
async function asking(): Promise<boolean> {
  try {
    return (await get<{ questions: unknown[] }>("coders/traits/questions")).questions.length > 0;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return false;
    return true;
  }
}

/** Ask the server whether there is a session; none is an answer, not an error. */
export async function resume(): Promise<void> {
  try {
    enter(...(await Promise.all([get<Viewer>("session"), get<Study>("study"), asking()])));
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  } finally {
    session.asked = true;
  }
}

export async function login(credentials: { token: string } | { name: string; password: string }): Promise<void> {
  const viewer = await post<Viewer>("session", credentials);
  enter(viewer, ...(await Promise.all([get<Study>("study"), asking()])));
  session.asked = true;
}

export async function logout(): Promise<void> {
  await remove("session");
  session.viewer = null;
}

/** The study again, after something in it changed. */
export async function refreshStudy(): Promise<void> {
  session.study = await get<Study>("study");
}

onEnded(() => {
  session.viewer = null;
});

/** Where to go after the login: where the reader was, if that was anywhere. */
export function wanted(): string {
  return place.page === "login" ? "#/" : location.hash || "#/";
}
