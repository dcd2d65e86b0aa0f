import type { ProbedLayer } from "./attention_probe.ts";
import type { KeyValueCache } from "../cache/kv_cache.ts";
import type { TraceLayer, TraceStep } from "./trace_step.ts";

/** What to compute of a step's inside. */
export interface InsideOptions {
  /** Query heads to look at. Default: all. */
  heads?: readonly number[];
  /** Whether to compute attention over all cached tokens too, as it would be without selection. Default true. */
  before?: boolean;
  /** Whether to give scores along the whole context. Default false: they take 8 bytes for each token, head and query. */
  scores?: boolean;
  /** Tokens whose ranks among each head's scores are wanted, such as a needle's value. Default: none. */
  watch?: readonly number[];
  /** How many of each head's best tokens are given. Default: the knob `k`. */
  top?: number;
  /** Most entries of a row of weights; longer ones are binned. Default 4,096. */
  bins?: number;
}

/** What one layer's parts are computed from. */
export interface LayerReading {
  /** The cache, as the step left it. */
  readonly cache: KeyValueCache;
  /** What was kept of the layer. */
  readonly probed: ProbedLayer;
  /** The step. */
  readonly trace: TraceStep;
  /** What the layer selected. */
  readonly selected: TraceLayer | undefined;
  /** Rows of the step that are looked at. */
  readonly rows: readonly number[];
  /** Their places in the whole context. */
  readonly queries: Uint32Array<ArrayBuffer>;
  /** What to compute. */
  readonly options: InsideOptions;
}
