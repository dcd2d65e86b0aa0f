interface Kept {
  readonly name: string;
  readonly value: Disposable;
}

/** A cell that runs again may load this module anew, and has to find what was kept before. */
const PLACE = Symbol.for("@reattention/toolkit/kept");

function kept(): Kept[] {
  const holder = globalThis as { [PLACE]?: Kept[] };
  return holder[PLACE] ??= [];
}

/** Frees what was kept from a place on, latest first. */
function closeFrom(place: number): void {
  for (const { value } of kept().splice(place).reverse()) value[Symbol.dispose]();
}

/**
 * Makes something that later cells of a notebook use, such as a device, a model or a session, and keeps it under a name. A
 * `using` at the top of a cell frees nothing when the cell ends or runs again; this frees what the same name held before it
 * makes the new one, and all that was kept after that and may rest on it.
 *
 * @param name a name of its own in the notebook
 * @param make makes it; what it throws leaves the name empty
 *
 * @example
 * ```ts
 * import { closeKept, keep } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const freed: string[] = [];
 * const resource = (name: string) => () => ({ [Symbol.dispose]: () => void freed.push(name) });
 * await keep("device", resource("device"));
 * await keep("session", resource("session"));
 * await keep("device", resource("device again"));
 * assertEquals(freed, ["session", "device"]);
 * closeKept();
 * assertEquals(freed, ["session", "device", "device again"]);
 * ```
 */
export async function keep<T extends Disposable>(name: string, make: () => T | Promise<T>): Promise<T> {
  const before = kept().findIndex((entry) => entry.name === name);
  if (before >= 0) closeFrom(before);
  const value = await make();
  kept().push({ name, value });
  return value;
}

/**
 * Frees all that `keep` made, latest first: a notebook's last cell.
 *
 * @example
 * ```ts
 * import { closeKept, keep } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * const freed: string[] = [];
 * await keep("device", () => ({ [Symbol.dispose]: () => void freed.push("device") }));
 * await keep("model", () => ({ [Symbol.dispose]: () => void freed.push("model") }));
 * closeKept();
 * assertEquals(freed, ["model", "device"]);
 * ```
 */
export function closeKept(): void {
  closeFrom(0);
}
