// Numbers of a plan as people read them.

/** Bytes as people read them. */
export function gibibytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "unknown";
  const units = [[2 ** 30, "GiB"], [2 ** 20, "MiB"]] as const;
  const [size, name] = units.find(([size]) => bytes >= size) ?? [2 ** 10, "KiB"];
  return `${(bytes / size).toFixed(bytes === 0 ? 0 : 1)} ${name}`;
}

/** A whole number with commas. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A time as people read it. */
export function duration(seconds: number): string {
  if (seconds >= 5400) return `${(seconds / 3600).toFixed(1)} hours`;
  if (seconds >= 90) return `${(seconds / 60).toFixed(1)} minutes`;
  return seconds >= 1 ? `${seconds.toFixed(1)} s` : `${(1000 * seconds).toFixed(1)} ms`;
}
