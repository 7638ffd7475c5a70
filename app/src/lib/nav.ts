// The pages in the order of the navigation, and the role that each takes. A coder codes blind, and sees no results.

import type { Role } from "./session.svelte";

export interface Entry {
  page: string;
  title: string;
  role: Role;
  listed: boolean;
}

const entry = (page: string, title: string, role: Role, listed = true): Entry => ({ page, title, role, listed });

export const ENTRIES: Entry[] = [
  entry("", "Gallery", "coder"),
  entry("map", "Map", "adjudicator"),
  entry("clusters", "Clusters", "adjudicator"),
  entry("code", "Code", "coder"),
  entry("agreement", "Agreement", "adjudicator"),
  entry("adjudicate", "Adjudicate", "adjudicator"),
  entry("pairs", "Pairs", "adjudicator"),
  entry("samples", "Samples", "adjudicator"),
  entry("tasks", "Tasks", "adjudicator", false),
  entry("codebook", "Codebook", "coder"),
  entry("failures", "Failures", "adjudicator"),
  entry("about", "About me", "coder"),
  entry("accounts", "Accounts", "admin"),
  entry("units", "Unit", "coder", false),
];
