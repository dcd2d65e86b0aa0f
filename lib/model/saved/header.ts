import * as z from "../../zod.ts";
import type { Knobs, StorageType, ValuesPlace } from "../../attention/mod.ts";
import { SavedSessionError } from "./saved_session_error.ts";

/** A tensor that follows in the file. */
export interface SavedTensorShape {
  /** Type of its elements. */
  readonly dtype: "f32" | "f16" | "u32" | "i32";
  /** Its shape. */
  readonly shape: readonly number[];
}

/** A part of what is kept beside keys and values, and the tensors that it has in the file. */
export interface SavedPart {
  /** Whose it is. */
  readonly part: "queries" | "held" | "memory";
  /** The layer, of a memory. */
  readonly layer?: number;
  /** What is no tensor. */
  readonly facts?: unknown;
  /** Its tensors, in order. */
  readonly tensors: readonly SavedTensorShape[];
}

/** A method and all its knobs. */
export interface SavedMethod {
  /** Its name. */
  readonly name: string;
  /** Its knobs, complete; those of the first layer where layers differ. */
  readonly knobs: Readonly<Knobs>;
  /** Name and knobs of each layer, where layers differ. */
  readonly layers?: readonly { readonly name: string; readonly knobs: Readonly<Knobs> }[];
}

/** What a saved session's file says of it, before its tokens, pages and tensors. */
export interface SavedHeader {
  /** Fields of the model's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Tells the weights. */
  readonly weights: string;
  /** How it attends. */
  readonly method: SavedMethod;
  /** How pages are laid out, and where keys and values lay: undefined in older files, on the GPU. */
  readonly cache: {
    readonly pageTokens: number;
    readonly keyType: StorageType;
    readonly valueType: StorageType;
    readonly keysOn?: ValuesPlace;
    readonly valuesOn?: ValuesPlace;
  };
  /** Tokens cached. */
  readonly length: number;
  /** Ids that are known: of the tokens cached. */
  readonly tokens: number;
  /** Tokens that wait to be read. */
  readonly pending: readonly number[];
  /** First token of the question; null where none was asked. */
  readonly questionStart: number | null;
  /** Most tokens attended to. */
  readonly scope: number;
  /** Whether any step attended to more than the trained context. */
  readonly beyondTrained: boolean;
  /** Pages that follow, and bytes of each. */
  readonly pages: { readonly count: number; readonly bytes: number };
  /** What else follows. */
  readonly parts: readonly SavedPart[];
}

const count = z.int().check(z.minimum(0));
const storage = z.enum(["f32", "f16", "int8"]);
const place = z.enum(["gpu", "host", "file"]);
const method = z.looseObject({ name: z.string(), knobs: z.looseObject({}) });
const schema = z.strictObject({
  config: z.record(z.string(), z.unknown()),
  weights: z.string(),
  method: z.extend(method, { layers: z.optional(z.array(method)) }),
  cache: z.strictObject({
    pageTokens: count,
    keyType: storage,
    valueType: storage,
    keysOn: z.optional(place),
    valuesOn: z.optional(place),
  }),
  length: count,
  tokens: count,
  pending: z.array(count),
  questionStart: z.nullable(count),
  scope: count,
  beyondTrained: z.boolean(),
  pages: z.strictObject({ count, bytes: count }),
  parts: z.array(z.strictObject({
    part: z.enum(["queries", "held", "memory"]),
    layer: z.optional(count),
    facts: z.optional(z.unknown()),
    tensors: z.array(z.strictObject({ dtype: z.enum(["f32", "f16", "u32", "i32"]), shape: z.array(count) })),
  })),
});

/**
 * Reads a header's text.
 *
 * @throws {SavedSessionError} where it is none.
 */
export function parseHeader(path: string, text: string): SavedHeader {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SavedSessionError(path, "its header is no JSON", { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data as unknown as SavedHeader;
  const [issue] = parsed.error.issues;
  throw new SavedSessionError(path, `its header's ${issue.path.join(".")}: ${issue.message}`);
}
