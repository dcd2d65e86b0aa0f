import { Tensor } from "../../tensor/mod.ts";
import type { WantedValues } from "../cache/outside_values.ts";
import { headVectors } from "../shape.ts";
import {
  type AttendedTokens,
  type AttentionStep,
  type AwaitedAttention,
  disposeAttended,
  shareAttended,
} from "../step.ts";

/**
 * Attends in one layer where values lie in host memory or in a file: the method selects by the keys on the GPU, the list of attended
 * tokens comes to the host, and their values go back. One wait a layer and step brings the list and the step's own values, which are
 * kept. While the GPU goes on, what the next layer wanted last is read ahead. Outputs are those of values on the GPU that are
 * gathered, bit for bit.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @param values f32 [batch, rows, KV heads, head size], the step's own
 * @returns f32 of the queries' shape
 * @throws {RangeError} for a method that does not attend over one list of tokens in each layer.
 * @throws {PlatformError} where a file can't take or give the values.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * const shape = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 };
 * using cache = new attention.KeyValueCache(device, shape, { valuesOn: "host" });
 * cache.extend(1);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using x = Tensor.from(device, new Float32Array([1, 2]), [1, 1, 1, 2]);
 * cache.store(0, x, x, step.layout);
 * using y = await attention.attendFromHost(step, 0, x, x);
 * assertEquals([...await y.read()], [1, 2]); // one token sees itself alone
 * ```
 */
export async function attendFromHost(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  values: Tensor,
): Promise<Tensor> {
  const { cache } = step.context;
  const call = listen(step, layer, queries);
  const { attended, changed } = call;
  try {
    const lists = changed?.lists ?? [attended];
    const wanted = [values, ...lists.flatMap(({ indices, counts }) => [indices, counts])];
    const read = await step.device.readBack.read(wanted.map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes })));
    await write(step, layer, new Float32Array(read[0]));
    using outputs = new DisposableStack();
    const made: Tensor[] = [];
    for (const [index, list] of lists.entries()) {
      const [indices, counts] = read.slice(1 + 2 * index, 3 + 2 * index).map((data) => new Uint32Array(data));
      using brought = await bring(step, layer, list, { indices, counts });
      made.push(outputs.use(call.run(call.queries, list, brought)));
    }
    const output = changed ? changed.join(made) : made[0].share();
    // The GPU has work now until the next layer's list is asked for.
    step.device.commands.flush();
    cache.pool.host!.readAhead((layer + 1) % cache.shape.layers);
    return output;
  } finally {
    disposeCall(call);
  }
}

/**
 * Keeps the step's values of a layer that does not attend; see `attendFromHost`.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * const shape = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 };
 * using cache = new attention.KeyValueCache(device, shape, { valuesOn: "host" });
 * cache.extend(1);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using x = Tensor.from(device, new Float32Array([1, 2]), [1, 1, 1, 2]);
 * cache.store(0, x, x, step.layout);
 * await attention.keepValues(step, 0, x);
 * assertEquals(cache.pool.host?.memoryBytes, 256 * 4 * 4); // a page of 256 tokens, padded to four floats
 * ```
 */
export async function keepValues(step: AttentionStep, layer: number, values: Tensor): Promise<void> {
  const { buffer, bytes } = values;
  const [read] = await step.device.readBack.read([{ buffer, offset: 0, bytes }]);
  await write(step, layer, new Float32Array(read));
}

/** Has the method select, and takes down what it would attend to; the tensors of the call are the caller's. */
function listen(step: AttentionStep, layer: number, queries: Tensor): AwaitedAttention {
  const { method } = step.context;
  const calls: AwaitedAttention[] = [];
  const stand = Tensor.empty(step.device, queries.shape, "f32", "attention output");
  step.root.bring = ({ attended, queries, ...call }) => {
    calls.push({ ...call, queries: queries.share(), attended: shareAttended(attended) });
    return stand;
  };
  try {
    const output = method.attend(step, layer, queries);
    if (calls.length === 1 && output === stand) return calls[0];
    if (output !== stand) output[Symbol.dispose]();
    const { name } = method as { name?: string };
    throw new RangeError(
      `valuesOn "${step.context.cache.pool.valuesOn}": the method ${name} does not attend over one list of tokens in each layer`,
    );
  } catch (error) {
    calls.forEach(disposeCall);
    throw error;
  } finally {
    step.root.bring = undefined;
    stand[Symbol.dispose]();
  }
}

function disposeCall({ queries, attended, changed }: AwaitedAttention): void {
  queries[Symbol.dispose]();
  disposeAttended(attended);
  changed?.[Symbol.dispose]();
}

/** What the ledger calls values that were brought. */
const LABEL = "values from the host";

/** A list of tokens on the host. */
interface ReadList {
  readonly indices: Uint32Array;
  readonly counts: Uint32Array;
}

async function write(
  { context: { cache }, device, rows }: AttentionStep,
  layer: number,
  values: Float32Array<ArrayBuffer>,
): Promise<void> {
  if (device.counts) return;
  const own = values.length / cache.batch;
  for (const [sequence, { pages, length }] of cache.sequences.entries()) {
    const part = values.subarray(sequence * own, (sequence + 1) * own);
    await cache.pool.host!.write(layer, pages, length - rows, part);
  }
}

/** Brings the values of listed tokens to the GPU: f32 [batch, KV heads, bound, padded head size]. */
async function bring(
  step: AttentionStep,
  layer: number,
  { selections, bound }: AttendedTokens,
  { indices, counts }: ReadList,
): Promise<Tensor> {
  const { device, context: { cache } } = step;
  const { keyValueHeads, headSize } = cache.shape;
  const padded = 4 * headVectors(headSize);
  const shape = [cache.batch, keyValueHeads, bound, padded];
  if (device.counts) return Tensor.empty(device, shape, "f32", LABEL);
  const wanted: WantedValues[] = [];
  for (const [sequence, { pages }] of cache.sequences.entries()) {
    for (let part = 0; part < selections; part++) {
      const list = sequence * selections + part;
      const heads = selections === 1 ? Array.from({ length: keyValueHeads }, (_, head) => head) : [part];
      wanted.push({
        pages,
        heads,
        tokens: indices.subarray(list * bound, list * bound + counts[list]),
        places: heads.map((head) => (sequence * keyValueHeads + head) * bound * padded),
      });
    }
  }
  const into = new Float32Array(cache.batch * keyValueHeads * bound * padded);
  await cache.pool.host!.gather(layer, wanted, into);
  return Tensor.from(device, into, shape, LABEL);
}
