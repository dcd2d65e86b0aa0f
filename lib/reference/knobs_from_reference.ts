import * as z from "../zod.ts";
import { completeKnobs, type ReferenceKnobs, type ReferenceScoring } from "./knobs.ts";

/** A layer as the published implementation's JSON describes it. */
export interface ReferenceSetup {
  /** The knobs, by this project's names. */
  readonly knobs: ReferenceKnobs;
  /** Query heads (n_heads), where given. */
  readonly queryHeads?: number;
  /** KV heads (n_kv_heads), where given. */
  readonly keyValueHeads?: number;
  /** Channels of a head (head_dim), where given. */
  readonly headSize?: number;
  /** Base of the rotary frequencies (rope_theta), where given. */
  readonly ropeBase?: number;
}

type Recall = "default" | "whole" | "prefill_only" | "generate_only" | "full_attn";

interface PublishedKnobs {
  global_size: number;
  local_size: number;
  mid_size: number;
  span_size: number;
  recall_clip: number;
  chunk_size: number;
  recall_type: ReferenceScoring;
  recall_option: Recall;
  pe_original: boolean;
  q_cache_len: number;
  align: number;
  n_heads?: number;
  n_kv_heads?: number;
  head_dim?: number;
  rope_theta?: number;
}

const recallOf: Readonly<Record<Recall, ReferenceKnobs["recall"]>> = {
  default: "always",
  whole: "always",
  prefill_only: "prefill",
  generate_only: "generate",
  full_attn: "never",
};

const scorings: readonly ReferenceScoring[] = ["qk", "qkv", "qkv2", "k", "v", "qk_pe", "qkv_pe", "qkv2_pe"];

const publishedSchema: z.ZodMiniType<PublishedKnobs> = z.strictObject({
  global_size: z._default(z.int(), 32),
  local_size: z._default(z.int(), 4096),
  mid_size: z._default(z.int(), 1),
  span_size: z._default(z.int(), 32),
  recall_clip: z._default(z.int(), -1),
  chunk_size: z._default(z.int(), 512),
  recall_type: z._default(z.enum(scorings), "qk"),
  recall_option: z._default(z.enum(Object.keys(recallOf) as Recall[]), "default"),
  pe_original: z._default(z.boolean(), true),
  q_cache_len: z._default(z.int(), 0),
  align: z._default(z.int(), 128),
  n_heads: z.optional(z.int().check(z.minimum(1))),
  n_kv_heads: z.optional(z.int().check(z.minimum(1))),
  head_dim: z.optional(z.int().check(z.minimum(1))),
  rope_theta: z.optional(z.number().check(z.positive())),
  // Accepted, without effect in the published code.
  first_prefill: z.optional(z.unknown()),
  unique_option: z.optional(z.unknown()),
  key_compress_ratio: z.optional(z.unknown()),
  value_compress_ratio: z.optional(z.unknown()),
});

/**
 * Reads knobs by the published implementation's names and defaults (ALGORITHM section 8), one layer of them.
 *
 * @param json an object; a knob may be a list with one value per layer
 * @param layer which value of such lists to take. Default 0
 * @returns the knobs by this project's names, and the layer's shape where the object has it
 * @throws {RangeError} if a knob is unknown, wrong, or its list has no such layer, naming it.
 *
 * @example
 * ```ts
 * import { knobsFromReference } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const { knobs } = knobsFromReference({ mid_size: [0, 8], local_size: 2048, pe_original: false }, 1);
 * assertEquals([knobs.k, knobs.window, knobs.positions, knobs.align], [8, 2048, "compact", 128]);
 * ```
 */
export function knobsFromReference(json: unknown, layer = 0): ReferenceSetup {
  const parsed = publishedSchema.safeParse(layerOf(json, layer));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
    throw new RangeError(`knobsFromReference: ${faults.join("; ")}`);
  }
  const found = parsed.data;
  return {
    knobs: completeKnobs({
      globalSize: found.global_size,
      window: found.local_size,
      k: found.mid_size,
      spanSize: found.span_size,
      recallClip: found.recall_clip,
      chunkSize: found.chunk_size,
      scoring: found.recall_type,
      recall: recallOf[found.recall_option],
      positions: found.pe_original ? "original" : "compact",
      queryCacheLength: found.q_cache_len,
      align: found.align,
    }),
    queryHeads: found.n_heads,
    keyValueHeads: found.n_kv_heads,
    headSize: found.head_dim,
    ropeBase: found.rope_theta,
  };
}

function layerOf(json: unknown, layer: number): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => {
      if (!Array.isArray(value)) return [name, value];
      if (layer in value) return [name, value[layer]];
      throw new RangeError(
        `knobsFromReference: ${name} has values for ${value.length} layers; there is no layer ${layer}`,
      );
    }),
  );
}
