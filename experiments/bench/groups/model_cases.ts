import { type Approximation, approximations } from "../approximations.ts";
import { type CacheOptions, type Knobs, type MethodName, type StorageType } from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { loadModel, type Model } from "../../../lib/model/mod.ts";
import { loadRandomLlama, randomLlamaWeights } from "../random_llama.ts";

/** One way to read a context, and the ways to go on from there. */
export interface Reading {
  /** Its name in rows. */
  readonly label: string;
  /** The method. */
  readonly method: MethodName;
  /** Its knobs, where they differ from the model's preset. */
  readonly knobs: Partial<Knobs>;
  /** Where keys are stored otherwise than the case says. */
  readonly keyType?: StorageType;
  /** What decodes after it. */
  readonly decodes: readonly DecodeWay[];
}

/** One way to decode. */
export interface DecodeWay {
  /** Its name in rows. */
  readonly label: string;
  /** Its knobs, where they differ from the model's preset. */
  readonly knobs: Partial<Knobs>;
  /** What it does less exactly than the paper; undefined where nothing. */
  readonly approximation?: Approximation;
}

/** A whole model to time: lengths as multiples of the scope. */
export interface ModelCase {
  /** Its name in rows. */
  readonly name: string;
  /** Storage of its weights. */
  readonly dtype: string;
  /** Loads it. */
  load(device: Device): Promise<Model>;
  /** Bytes of weights that a decode step reads; undefined where they fit a cache, and the copy limit says nothing. */
  readonly weightBytes?: number;
  /** Most tokens that a selecting method attends to. */
  readonly scope: number;
  /** Where keys and values are stored. Default f32. */
  readonly storage?: "f32" | "f16";
  /** Lengths in tokens. */
  readonly lengths: readonly number[];
  /** What reads each length. */
  readonly readings: readonly Reading[];
}

/** Where a reading of a case stores keys and values. */
export function cacheOf({ storage = "f32" }: ModelCase, { keyType = storage }: Reading): CacheOptions {
  return { keyType, valueType: storage };
}

/** Knobs with which the embedded model is timed, and its approximations are measured: chunks are as long as the window. */
export const demoKnobs: Partial<Knobs> = { allowBeyondTrained: true, chunkSize: 256 };

/** The embedded model at 8 and 32 times its scope of 512 tokens. */
export function demoCase(): ModelCase {
  return {
    name: "demo",
    dtype: "f32",
    load: (device) => loadModel("demo", { device }),
    scope: 512,
    lengths: [4096, 16384],
    readings: [
      reading("full", "full", demoKnobs),
      ...selectingReadings(demoKnobs),
      reading("reattention-window", "reattention", { ...demoKnobs, prefill: "window" }),
    ],
  };
}

/**
 * A Llama of 1B parameters, random halves, at 8 and 32 times a scope of 2,048 tokens: 32 first, 992 last and 32 spans of 32. Chunks
 * are as long as the window allows in whole tiles.
 */
export function llamaCase(): ModelCase {
  const knobs = { globalSize: 32, window: 992, k: 4, spanSize: 32, recallClip: 32, chunkSize: 960 };
  return {
    name: "llama-1b",
    dtype: "f16",
    weightBytes: 2 * randomLlamaWeights(),
    scope: 2048,
    storage: "f16",
    load: loadRandomLlama,
    lengths: [16384, 65536],
    readings: [reading("full", "full", { chunkSize: 2048 }), ...selectingReadings(knobs)],
  };
}

function reading(label: string, method: MethodName, knobs: Partial<Knobs>): Reading {
  return { label, method, knobs, decodes: [{ label, knobs }] };
}

/** Exact selection, and the approximations: one reading for each way to store keys, from which all that share it decode. */
function selectingReadings(knobs: Partial<Knobs>): Reading[] {
  const keyTypes = [...new Set(approximations.map(({ keyType }) => keyType))];
  return keyTypes.map((keyType): Reading => {
    const decodes = approximations.filter((own) => own.keyType === keyType).map((approximation): DecodeWay => ({
      label: `reattention ${approximation.name}`,
      knobs: { ...knobs, ...approximation.knobs },
      approximation,
    }));
    if (!keyType) {
      return {
        ...reading("reattention", "reattention", knobs),
        decodes: [{ label: "reattention", knobs }, ...decodes],
      };
    }
    return { label: `reattention ${keyType} keys`, method: "reattention", knobs, keyType, decodes };
  });
}
