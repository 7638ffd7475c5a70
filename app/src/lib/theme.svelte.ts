// Light or dark: as the system says, until the reader says otherwise.

export type Theme = "light" | "dark";

const KEY = "studium-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme | null {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : null;
}

export const look = $state<{ theme: Theme }>({ theme: "light" });

export function applyTheme(): void {
  look.theme = chosen() ?? (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = look.theme;
}

export function switchTheme(): void {
  localStorage.setItem(KEY, look.theme === "dark" ? "light" : "dark");
  applyTheme();
}

dark.addEventListener("change", applyTheme);
