import type { Device } from "../../gpu/mod.ts";
import type { AttentionShape } from "../shape.ts";
import { FileValues, type FileValuesOptions } from "./file_values.ts";
import { HostValues } from "./host_values.ts";
import type { OutsideValues } from "./outside_values.ts";
import { type StorageType, storageTypes } from "./storage.ts";

/** How a cache's pages are laid out. */
export interface PageOptions {
  /** Tokens of a page. Default 256. */
  pageTokens?: number;
  /** Storage of keys. Default "f32". */
  keyType?: StorageType;
  /** Storage of values. Default "f32". */
  valueType?: StorageType;
  /**
   * Where values lie: "gpu" beside the keys, "host" in the machine's memory, or "file" on its disk, as f32. From there those of
   * attended tokens are brought in each layer and step, with a wait each time; selections and outputs are the same. Not for what reads
   * values in order to select: scores "v", "qkv", "qkv2" (and with "_pe"), and the method "long-heads". Default: where keys lie.
   */
  valuesOn?: ValuesPlace;
  /**
   * Where keys lie: "gpu", or where values lie, as f32, from where they are brought in the same way. Not for methods that read the keys
   * of all tokens in order to select; their `readsKeysFor` says for what. Default "gpu".
   */
  keysOn?: ValuesPlace;
  /**
   * With values in a file: where it is made, and how much of it stays in memory too. Keys have a file of their own, and as much memory
   * again.
   */
  valuesFile?: FileValuesOptions;
}

/** Where values, and keys, can lie. */
export type ValuesPlace = "gpu" | "host" | "file";

/** Places of values and keys, the fastest first. */
export const valuesPlaces: readonly ValuesPlace[] = ["gpu", "host", "file"];

/** Options with their defaults. */
export type CompletePageOptions = Required<Omit<PageOptions, "valuesFile">> & Pick<PageOptions, "valuesFile">;

/**
 * Completes a pool's options.
 *
 * @throws {RangeError} for a page size, storage type or place that can't be had.
 */
export function completePageOptions({ info }: Device, options: PageOptions): CompletePageOptions {
  const { pageTokens = 256, keyType = "f32", valueType = "f32", keysOn = "gpu", valuesFile } = options;
  const { valuesOn = keysOn } = options;
  if (!Number.isInteger(pageTokens) || pageTokens < 1) {
    throw new RangeError(`pageTokens ${pageTokens} must be a whole number of at least 1`);
  }
  checkStored("key", keyType, keysOn, info.f16);
  checkStored("value", valueType, valuesOn, info.f16);
  if (keysOn !== "gpu" && keysOn !== valuesOn) {
    throw new RangeError(
      `keysOn "${keysOn}": keys lie on the GPU or where values do; make valuesOn "${valuesOn}" "${keysOn}" too, or leave it out`,
    );
  }
  if (valuesFile && valuesOn !== "file") {
    throw new RangeError(`valuesFile is for valuesOn "file"; with "${valuesOn}" leave it out`);
  }
  return { pageTokens, keyType, valueType, valuesOn, keysOn, valuesFile };
}

function checkStored(what: "key" | "value", type: StorageType, on: ValuesPlace, f16: boolean): void {
  if (!storageTypes.includes(type)) {
    throw new RangeError(`${what}Type "${type}" is none; there are ${storageTypes.join(", ")}`);
  }
  if (!valuesPlaces.includes(on)) {
    throw new RangeError(`${what}sOn "${on}" must be ${valuesPlaces.map((place) => `"${place}"`).join(" or ")}`);
  }
  if (on !== "gpu" && type !== "f32") {
    throw new RangeError(`${what}sOn "${on}": ${what}s are kept there as f32; leave ${what}Type ${type} out`);
  }
  if (type === "f16" && !f16) throw new RangeError(`f16 storage: this adapter has no working f16; use "f32"`);
}

/** What of a pool's pages lies outside the GPU. */
export interface OutsidePages {
  /** Values, where they do. */
  readonly values?: OutsideValues;
  /** Keys, where they do: values then do too. */
  readonly keys?: OutsideValues;
}

/**
 * Room outside the GPU for what lies there.
 *
 * @throws {PlatformError} where no file can be made; nothing is left of one that could.
 */
export function openOutside(
  device: Device,
  shape: AttentionShape,
  { pageTokens, valuesOn, keysOn, valuesFile }: CompletePageOptions,
): OutsidePages {
  const open = (on: ValuesPlace): OutsideValues | undefined => {
    if (on === "gpu") return undefined;
    // A device that only counts makes no file.
    return on === "file" && !device.counts
      ? new FileValues(shape, pageTokens, valuesFile)
      : new HostValues(shape, pageTokens);
  };
  const values = open(valuesOn);
  try {
    return { values, keys: open(keysOn) };
  } catch (error) {
    values?.[Symbol.dispose]();
    throw error;
  }
}
