import { Tensor } from "../../tensor/mod.ts";
import { type NewestVectors, writeOutside } from "../cache/write_outside.ts";
import { allHeads, bring, type WantedTokens } from "./bring.ts";
import {
  type AttendedTokens,
  type AttentionStep,
  type AwaitedAttention,
  type BroughtVectors,
  disposeAttended,
  shareAttended,
} from "../step.ts";

/** A step's own keys and values in one layer. */
export interface StepVectors {
  /** f32 [batch, rows, KV heads, head size], before rotation. */
  readonly keys: Tensor;
  /** f32 of the same shape. */
  readonly values: Tensor;
}

/**
 * Attends in one layer where values, or keys and values, lie in host memory or in a file: the method selects by what is on the GPU
 * (keys, or what it keeps of them), the list of attended tokens comes to the host, and their vectors go back. One wait a layer and
 * step brings the list and the step's own vectors, which are kept. While the GPU goes on, what the next layer wanted last is read
 * ahead. Outputs are those of keys and values on the GPU that are gathered, bit for bit.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @returns f32 of the queries' shape
 * @throws {RangeError} for a method that does not attend over one list of tokens in each layer.
 * @throws {PlatformError} where a file can't take or give the vectors.
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
 * using y = await attention.attendFromHost(step, 0, x, { keys: x, values: x });
 * assertEquals([...await y.read()], [1, 2]); // one token sees itself alone
 * ```
 */
export async function attendFromHost(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  own: StepVectors,
): Promise<Tensor> {
  const { cache } = step.context;
  const call = listen(step, layer, queries);
  const { attended, changed } = call;
  try {
    const lists = changed?.lists ?? [attended];
    const vectors = toKeep(step, own);
    const read = await readAll(step, [...vectors, ...lists.flatMap(({ indices, counts }) => [indices, counts])]);
    await keep(step, layer, ownOf(read.slice(0, vectors.length)));
    using outputs = new DisposableStack();
    const made: Tensor[] = [];
    for (const [index, list] of lists.entries()) {
      const [indices, counts] = read.slice(vectors.length + 2 * index).map((data) => new Uint32Array(data));
      using brought = new DisposableStack();
      const output = call.run(call.queries, list, await bringList(step, layer, list, { indices, counts }, brought));
      made.push(outputs.use(output));
    }
    const output = changed ? changed.join(made) : made[0].share();
    // The GPU has work now until the next layer's list is asked for.
    step.device.commands.flush();
    const { values, keys } = cache.pool.outside;
    for (const outside of [values, keys]) outside?.readAhead((layer + 1) % cache.shape.layers);
    return output;
  } finally {
    disposeCall(call);
  }
}

/**
 * Keeps the step's own values, and keys where they lie outside too, of a layer that does not attend; see `attendFromHost`.
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
 * await attention.keepOutside(step, 0, { keys: x, values: x });
 * assertEquals(cache.pool.host?.memoryBytes, 256 * 4 * 4); // a page of 256 tokens, padded to four floats
 * ```
 */
export async function keepOutside(step: AttentionStep, layer: number, own: StepVectors): Promise<void> {
  await keep(step, layer, ownOf(await readAll(step, toKeep(step, own))));
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

/** A list of tokens on the host. */
interface ReadList {
  readonly indices: Uint32Array;
  readonly counts: Uint32Array;
}

/** Tensors' contents in one wait. */
async function readAll({ device }: AttentionStep, tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
  return await device.readBack.read(tensors.map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes })));
}

/** What of a step's own has to be kept outside the GPU: values, and keys where they go there. */
function toKeep({ context: { cache } }: AttentionStep, { keys, values }: StepVectors): Tensor[] {
  return cache.pool.outside.keys ? [values, keys] : [values];
}

function ownOf([values, keys]: readonly ArrayBuffer[]): NewestVectors {
  return { values: new Float32Array(values), ...(keys && { keys: new Float32Array(keys) }) };
}

async function keep(
  { context: { cache }, device, rows }: AttentionStep,
  layer: number,
  own: NewestVectors,
): Promise<void> {
  if (!device.counts) await writeOutside(cache, layer, rows, own);
}

/** Brings what lies outside the GPU of listed tokens; `owner` gives it back. */
async function bringList(
  step: AttentionStep,
  layer: number,
  { selections, bound }: AttendedTokens,
  { indices, counts }: ReadList,
  owner: DisposableStack,
): Promise<BroughtVectors> {
  const heads = allHeads(step);
  const wanted = Array.from(counts, (count, list): WantedTokens => ({
    sequence: Math.floor(list / selections),
    heads: selections === 1 ? heads : [list % selections],
    tokens: indices.subarray(list * bound, list * bound + count),
  }));
  const values = owner.use(await bring(step, layer, "values", wanted, bound));
  const { keys } = step.context.cache.pool.outside;
  return { values, ...(keys && { keys: owner.use(await bring(step, layer, "keys", wanted, bound)) }) };
}
