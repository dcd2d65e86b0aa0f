import type { Device } from "../../gpu/mod.ts";
import { gatherRows, Tensor } from "../../tensor/mod.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { RotationTable } from "../attend/rotation_table.ts";
import { votingRows } from "../selection/score_source.ts";
import {
  type AttendCall,
  type AttendedTokens,
  type AttentionStep,
  type AttentionWatch,
  disposeAttended,
  disposeSelection,
  type Selection,
  shareAttended,
  type StepRecorder,
} from "../step.ts";
import { Trace } from "./trace.ts";
import type { TraceStep } from "./trace_step.ts";

/** What was kept of one layer of a step, on the GPU. */
export interface ProbedLayer {
  /** The layer's number. */
  readonly layer: number;
  /** The layer's knobs. */
  readonly knobs: Readonly<Knobs>;
  /** Rotary angles of keys and queries. */
  readonly table: RotationTable;
  /** Angles by which the "_pe" scores rotate: the model's own. */
  readonly scoringTable: RotationTable;
  /** Queries of the kept rows before rotation, f32 [rows, query heads, head size]. */
  readonly queries: Tensor;
  /** Rows that vote before any rotation, f32 [rows, voting heads, head size]: the queries, or the rows' keys or values. */
  readonly voters: Tensor;
  /** What was attended to, u32 [1, selections, bound]. */
  readonly attended: AttendedTokens;
}

/**
 * Keeps of one step what attention and selection are made of, for chosen layers and rows: queries, attended tokens, picks. What
 * follows from them and the cache is computed afterwards, layer by layer, so that long contexts need no memory here.
 * It follows the first sequence of a batch.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * await attention.appendRandom(cache, 1000);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * using watch = new attention.AttentionProbe(device, [0], [999]); // layer 0, the newest token's query
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope, watch };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using queries = Tensor.from(device, new Float32Array([1, 2]), [1, 1, 1, 2]);
 * using _output = attention.attendOuter(step, 0, queries);
 * assertEquals([...await watch.probed[0].queries.read()], [1, 2]);
 * ```
 */
export class AttentionProbe implements StepRecorder, AttentionWatch {
  readonly #device: Device;
  readonly #layers: ReadonlySet<number>;
  readonly #trace: Trace;
  readonly #tokens: readonly number[];
  #step: AttentionStep | undefined;
  #rows: readonly number[] = [];
  #probed: ProbedLayer[] = [];

  /**
   * A probe that has seen no step.
   *
   * @param layers layers to keep something of
   * @param tokens places in the whole context of the tokens whose queries are kept
   */
  constructor(device: Device, layers: Iterable<number>, tokens: Iterable<number>) {
    this.#device = device;
    this.#layers = new Set(layers);
    this.#tokens = [...new Set(tokens)].sort((a, b) => a - b);
    this.#trace = new Trace(device, 1);
  }

  /** Rows of the last step that were kept, rising; none where the step has none of the tokens. */
  get rows(): readonly number[] {
    return this.#rows;
  }

  /** What was kept of the last step. */
  get probed(): readonly ProbedLayer[] {
    return this.#probed;
  }

  /** What the last step selected. */
  async readTrace(): Promise<TraceStep | undefined> {
    return (await this.#trace.read()).at(-1);
  }

  /** Keeps the layer's queries and list, and changes nothing. */
  attend(call: AttendCall): undefined {
    if (this.#wants(call.step, call.layer)) this.#keep(call);
  }

  /** Records a layer that attended to leading tokens and window; the list stays the step's. */
  recordOuter(step: AttentionStep, layer: number, attended: AttendedTokens): void {
    if (this.#wants(step, layer)) this.#trace.recordOuter(step, layer, attended);
  }

  /** Records a layer's selection and takes it over. */
  recordSelection(step: AttentionStep, layer: number, attended: AttendedTokens, selection: Selection): void {
    if (this.#wants(step, layer)) return this.#trace.recordSelection(step, layer, attended, selection);
    disposeAttended(attended);
    disposeSelection(selection);
  }

  /** Forgets what was kept. */
  clear(): void {
    for (const { queries, voters, attended } of this.#probed) {
      queries[Symbol.dispose]();
      voters[Symbol.dispose]();
      disposeAttended(attended);
    }
    this.#probed = [];
    this.#rows = [];
    this.#step = undefined;
    this.#trace.clear();
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    this.clear();
  }

  #wants(step: AttentionStep, layer: number): boolean {
    if (step.root !== this.#step) this.#begin(step.root);
    return this.#rows.length > 0 && this.#layers.has(layer);
  }

  #begin(step: AttentionStep): void {
    this.clear();
    const start = step.shapes[0].length - step.rows;
    this.#step = step;
    this.#rows = this.#tokens.map((token) => token - start).filter((row) => row >= 0 && row < step.rows);
  }

  #keep({ step, layer, queries, attended, table }: AttendCall): void {
    using voters = votingRows(step, layer, queries);
    this.#probed.push({
      layer,
      knobs: step.context.method.knobs,
      table,
      scoringTable: step.context.rotation,
      queries: this.#rowsOf(queries),
      voters: this.#rowsOf(voters),
      attended: shareAttended(attended),
    });
  }

  /** The wanted rows of the first sequence. */
  #rowsOf(x: Tensor): Tensor {
    const [batch, rows, heads, size] = x.shape;
    using flat = x.reshape([batch * rows, heads * size]);
    using places = Tensor.from(this.#device, Uint32Array.from(this.#rows), [this.#rows.length], "probed rows");
    using kept = gatherRows(flat, places);
    return kept.reshape([this.#rows.length, heads, size]);
  }
}
