// Numbers and times as people read them.

/** 1234567.891 -> "1,234,567.9": as many digits as tell, never in powers of ten unless they must be. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(2);
  const digits = Number.isInteger(value) || size >= 1000 ? 1 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

export const count = (value: number): string => value.toLocaleString("en");

/** 3671.5 s -> "1:01:11.5"; tenths only where asked for. */
export function clock(seconds: number, tenths = false): string {
  const whole = tenths ? Math.floor(seconds * 10) / 10 : Math.floor(seconds);
  const rest = whole % 60;
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  const last = (tenths ? rest.toFixed(1) : String(rest)).padStart(tenths ? 4 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${last}` : `${minutes}:${last}`;
}

/** An ISO time in the reader's own zone, to the minute. */
export function moment(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.valueOf()) ? iso : at.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
