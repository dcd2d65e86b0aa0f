/** Throws where a grid of values has other sizes than its labels. */
export function checkGrid(
  name: string,
  values: readonly (readonly unknown[])[],
  rows: { readonly name: string; readonly count: number },
  columns: { readonly name: string; readonly count: number },
): void {
  if (values.length !== rows.count) {
    throw new RangeError(`${name}: values has ${values.length} rows, not one for each of ${rows.count} ${rows.name}`);
  }
  const bad = values.findIndex((row) => row.length !== columns.count);
  if (bad < 0) return;
  const found = values[bad].length;
  throw new RangeError(
    `${name}: row ${bad} of values has ${found} cells, not one for each of ${columns.count} ${columns.name}`,
  );
}

/** Throws where a value can't be drawn. */
export function checkFinite(name: string, what: string, value: number, scale: "linear" | "log" = "linear"): void {
  if (!Number.isFinite(value)) throw new RangeError(`${name}: ${what} is ${value}; it must be a finite number`);
  if (scale === "log" && value <= 0) {
    throw new RangeError(`${name}: ${what} is ${value}; a logarithmic axis takes numbers above 0 only`);
  }
}
