import { type CacheOptions, type MethodName, methodNames } from "../../attention/mod.ts";
import type { MethodOptions } from "../session/session_method.ts";
import type { SavedHeader } from "./header.ts";
import { SavedSessionError } from "./saved_session_error.ts";

interface RestoreOptions extends MethodOptions {
  trace?: boolean;
  cache?: Omit<CacheOptions, "batch">;
}

/**
 * How a restored session attends and keeps its tokens: as the file says, where options don't. Values can lie elsewhere than the saved
 * session's did.
 *
 * @throws {SavedSessionError} where a storage other than the file's is asked for, or a place that can't have it, or the method can't be told from the file.
 */
export function restoreOptions(path: string, header: SavedHeader, options: RestoreOptions): RestoreOptions {
  for (const name of ["pageTokens", "keyType", "valueType"] as const) {
    const [wanted, saved] = [options.cache?.[name], header.cache[name]];
    if (wanted === undefined || wanted === saved) continue;
    throw new SavedSessionError(
      path,
      `it was saved with other storage: ${name} is ${saved} in the file and ${wanted} here`,
    );
  }
  const cache = { ...header.cache, ...placesOf(path, header, options.cache ?? {}) };
  if (options.method !== undefined || options.knobs || options.layerKnobs) return { ...options, cache };
  const { name, knobs, layers } = header.method;
  if (!layers && methodNames.includes(name as MethodName)) {
    return { ...options, cache, method: name as MethodName, knobs };
  }
  const what = layers ? "layers that differ" : `the method "${name}", which is none of the toolkit's`;
  throw new SavedSessionError(path, `it was saved with ${what}: give the same method, knobs and layerKnobs again`);
}

/** Where keys and values lie from now on. Keys that lay outside the GPU follow the values, unless told otherwise. */
function placesOf(path: string, { cache: saved }: SavedHeader, asked: CacheOptions): CacheOptions {
  const { valuesOn = asked.keysOn ?? saved.valuesOn ?? "gpu", valuesFile } = asked;
  const { keysOn = (saved.keysOn ?? "gpu") === "gpu" ? "gpu" : valuesOn } = asked;
  for (const [what, place, type] of [["key", keysOn, saved.keyType], ["value", valuesOn, saved.valueType]] as const) {
    if (place === "gpu" || type === "f32") continue;
    throw new SavedSessionError(
      path,
      `its ${what}s are stored as ${type}, and ${what}sOn "${place}" keeps f32; restore it with ${what}sOn "gpu"`,
    );
  }
  return { keysOn, valuesOn, ...(valuesFile && { valuesFile }) };
}
