import type { Device, ReadRange } from "../../gpu/mod.ts";
import { showAs } from "../../notebook/mod.ts";
import { showTrace } from "./show_trace.ts";
import {
  type AttendedTokens,
  type AttentionStep,
  disposeAttended,
  disposeSelection,
  type Selection,
  shareAttended,
  type StepRecorder,
} from "../step.ts";
import { groupsOf, picksOf, type RecordedLayer, tensorsOf, type TraceStep } from "./trace_step.ts";

interface Recorded {
  readonly step: AttentionStep;
  readonly number: number;
  readonly layers: RecordedLayer[];
}

/**
 * Keeps what each layer selected in the last `capacity` steps, on the GPU until it is read.
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
 * cache.extend(1000);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * using trace = new attention.Trace(device);
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope, trace };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * attention.listOuter(step, 0); // records what layer 0 attends to
 * const [{ layers: [{ groups: [{ indices }] }] }] = await trace.read();
 * assertEquals([indices.length, indices[31], indices[32]], [32 + 256, 31, 1000 - 256]); // the middle is left out
 * ```
 */
export class Trace implements StepRecorder {
  readonly #device: Device;
  readonly #capacity: number;
  #steps: Recorded[] = [];
  #count = 0;

  /** `capacity` steps are kept; older ones are dropped. Default 64. */
  constructor(device: Device, capacity = 64) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(
        `trace: capacity ${capacity} must be a whole number of at least 1`,
      );
    }
    this.#device = device;
    this.#capacity = capacity;
  }

  /** Records a layer that attended to leading tokens and window; the list stays the step's. */
  recordOuter(
    step: AttentionStep,
    layer: number,
    attended: AttendedTokens,
  ): void {
    this.#record(step, layer, shareAttended(attended));
  }

  /** Records a layer's selection and takes it over. */
  recordSelection(
    step: AttentionStep,
    layer: number,
    attended: AttendedTokens,
    selection: Selection,
  ): void {
    this.#record(step, layer, attended, selection);
  }

  /**
   * Brings the recorded steps to the host, oldest first, in one read.
   *
   * @throws {GpuError} the first GPU error since the last read.
   */
  async read(): Promise<TraceStep[]> {
    const steps = this.#steps;
    const tensors = steps.flatMap(({ layers }) => layers.flatMap((entry) => tensorsOf(entry)));
    const ranges: ReadRange[] = tensors.map((tensor) => ({
      buffer: tensor.buffer,
      offset: 0,
      bytes: tensor.bytes,
    }));
    const words = (await this.#device.readBack.read(ranges)).map((data) => new Uint32Array(data));
    let next = 0;
    const read = steps.map(({ step, number, layers }): TraceStep => ({
      step: number,
      kind: step.layouts[0].mode,
      frozen: step.layouts[0].frozen ?? false,
      start: step.shapes[0].length - step.rows,
      rows: step.rows,
      length: step.shapes[0].length,
      layers: layers.map((entry) => {
        const count = tensorsOf(entry).length;
        const data = words.slice(next, next += count);
        return {
          layer: entry.layer,
          groups: groupsOf(entry, data),
          picks: entry.selection?.top ? picksOf(entry.step, entry.selection.top, data[4], data[5]) : [],
        };
      }),
    }));
    return showAs(read, "trace", () => showTrace(read));
  }

  /** Forgets all steps. */
  clear(): void {
    for (const recorded of this.#steps) disposeRecorded(recorded);
    this.#steps = [];
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    this.clear();
  }

  #record(
    step: AttentionStep,
    layer: number,
    attended: AttendedTokens,
    selection?: Selection,
  ): void {
    let last = this.#steps.at(-1);
    if (last?.step !== step.root) {
      this.#steps.push(last = { step: step.root, number: this.#count++, layers: [] });
      if (this.#steps.length > this.#capacity) {
        disposeRecorded(this.#steps.shift()!);
      }
    }
    last.layers.push({ step, layer, attended, selection });
  }
}

function disposeRecorded({ layers }: Recorded): void {
  for (const { attended, selection } of layers) {
    disposeAttended(attended);
    if (selection) disposeSelection(selection);
  }
}
