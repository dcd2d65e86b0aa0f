import { fileExists, readText } from "../../platform.ts";
import type { HubOptions } from "../hub/fetch_model.ts";
import { modelFolder } from "../model_folder.ts";
import { openWeights } from "./safetensors.ts";
import type { WeightStore } from "./weight_store.ts";

/** Tensors of at most so many bytes count whole. */
const WHOLE = 8 * 2 ** 20;
/** Rows at either end of larger ones. */
const ROWS = 32;

/**
 * Tells models apart by what they are, not by what they are called: a digest of config.json, tokenizer.json, and every
 * tensor's name, type, shape and values. Of tensors above 8 MiB the first and the last 32 rows stand for all: training
 * changes every row, and gigabytes need not be read a second time.
 *
 * @param source as of `loadModel`
 * @param options for a model of the hub
 * @returns the first 16 hexadecimal digits of a SHA-256
 * @throws {ModelFileError} for a folder without weights, or a file that is damaged, naming it.
 * @throws {PlatformError} where one can't be read.
 *
 * @example
 * ```ts
 * import { modelFingerprint } from "@reattention/toolkit/model";
 * import { assertMatch } from "@std/assert";
 *
 * assertMatch(await modelFingerprint("demo"), /^[0-9a-f]{16}$/);
 * ```
 */
export async function modelFingerprint(source: string | URL, options: HubOptions = {}): Promise<string> {
  const folder = await modelFolder(source, options);
  const store = await openWeights(folder);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const name of ["config.json", "tokenizer.json"]) {
    const file = new URL(name, folder);
    const text = await fileExists(file) ? await readText(file) : "";
    parts.push(await sha256(new TextEncoder().encode(text)));
  }
  for (const name of [...store.names].sort()) {
    const { dtype, shape } = store.entry(name);
    parts.push(await sha256(new TextEncoder().encode(JSON.stringify([name, dtype, shape]))));
    for (const bytes of await contents(store, name)) parts.push(await sha256(bytes));
  }
  const digest = await sha256(new Uint8Array(await new Blob(parts).arrayBuffer()));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function contents(store: WeightStore, name: string): Promise<Uint8Array<ArrayBuffer>[]> {
  const { shape } = store.entry(name);
  if (store.bytes(name) <= WHOLE || shape.length !== 2 || shape[0] < 2 * ROWS) return [await store.read(name)];
  const ends = [await store.readRows(name, 0, ROWS), await store.readRows(name, shape[0] - ROWS, ROWS)];
  return ends.map(({ buffer }) => new Uint8Array(buffer));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
