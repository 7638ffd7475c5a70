// Where the app is: the part of the address after "#", such as  #/units/4f2a?of=image

export interface Place {
  page: string;
  rest: string[];
  query: Record<string, string>;
}

export function read(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", ...rest] = path.split("/").map(decodeURIComponent);
  return { page, rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function address(page: string, rest: string[] = [], query: Record<string, string> = {}): string {
  const kept = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  const asked = new URLSearchParams(kept).toString();
  return "#/" + [page, ...rest].map(encodeURIComponent).join("/") + (asked ? "?" + asked : "");
}

export const place = $state<Place>(read(location.hash));

let known = location.hash;

function follow(): void {
  if (location.hash === known) return;
  known = location.hash;
  Object.assign(place, read(known));
}

addEventListener("hashchange", follow);

export function go(page: string, rest: string[] = [], query: Record<string, string> = {}): void {
  location.hash = address(page, rest, query);
  follow();
}

/** Change the query and leave no step in the history: for filters that follow the typing. */
export function adjust(query: Record<string, string>): void {
  history.replaceState(null, "", address(place.page, place.rest, query));
  follow();
}
