import { Tensor } from "../tensor/mod.ts";
import { attendListed } from "./attend.ts";
import type { HostValues } from "./host_values.ts";
import { headVectors } from "./shape.ts";
import { type AttendCall, type AttendedTokens, type AttentionStep, disposeAttended } from "./step.ts";

/**
 * Attends in one layer where values lie in host memory: the method selects by the keys on the GPU, the list of attended tokens comes
 * to the host, and their values go back. One wait a layer and step brings the list and the step's own values, which are kept.
 * Outputs are those of values on the GPU that are gathered, bit for bit.
 *
 * @param queries f32 [batch, rows, query heads, head size], before rotation
 * @param values f32 [batch, rows, KV heads, head size], the step's own
 * @returns f32 of the queries' shape
 * @throws {RangeError} for a method that does not attend over one list of tokens in each layer, and where something watches attention.
 */
export async function attendFromHost(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  values: Tensor,
): Promise<Tensor> {
  const call = listen(step, layer, queries);
  const { attended } = call;
  try {
    const wanted = [attended.indices, attended.counts, values];
    const read = await step.device.readBack.read(wanted.map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes })));
    using staged = stage(step, layer, attended, {
      indices: new Uint32Array(read[0]),
      counts: new Uint32Array(read[1]),
      values: new Float32Array(read[2]),
    });
    return attendListed(step, layer, call.queries, attended, call.table, staged);
  } finally {
    disposeAttended(attended);
    call.queries[Symbol.dispose]();
  }
}

/** Has the method select, and takes down what it would attend to; the tensors of the call are the caller's. */
function listen(step: AttentionStep, layer: number, queries: Tensor): AttendCall {
  const { method, watch } = step.context;
  if (watch) throw new RangeError('inspecting and intervening need the values on the GPU: valuesOn must be "gpu"');
  const calls: AttendCall[] = [];
  const stand = Tensor.empty(step.device, queries.shape, "f32", "attention output");
  step.root.listener = {
    attend({ attended, ...call }) {
      const { indices, counts, grid } = attended;
      const shared = {
        ...attended,
        indices: indices.share(),
        counts: counts.share(),
        ...(grid && { grid: grid.share() }),
      };
      calls.push({ ...call, queries: call.queries.share(), attended: shared });
      return stand;
    },
  };
  try {
    const output = method.attend(step, layer, queries);
    if (calls.length === 1 && output === stand) return calls[0];
    if (output !== stand) output[Symbol.dispose]();
    const { name } = method as { name?: string };
    throw new RangeError(`valuesOn "host": the method ${name} does not attend over one list of tokens in each layer`);
  } catch (error) {
    for (const { attended, queries } of calls) {
      disposeAttended(attended);
      queries[Symbol.dispose]();
    }
    throw error;
  } finally {
    step.root.listener = undefined;
    stand[Symbol.dispose]();
  }
}

interface ReadBack {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly counts: Uint32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
}

/** Keeps the step's values, and brings those of attended tokens to the GPU: f32 [batch, KV heads, bound, padded head size]. */
function stage(
  { context: { cache }, rows, device }: AttentionStep,
  layer: number,
  { selections, bound }: AttendedTokens,
  { indices, counts, values }: ReadBack,
): Tensor {
  const host: HostValues = cache.pool.host!;
  const { keyValueHeads: heads, headSize } = cache.shape;
  const padded = 4 * headVectors(headSize);
  const own = rows * heads * headSize;
  const into = new Float32Array(cache.batch * heads * bound * padded);
  cache.sequences.forEach(({ pages, length }, sequence) => {
    host.write(layer, pages, length - rows, values.subarray(sequence * own, (sequence + 1) * own));
    for (let head = 0; head < heads; head++) {
      const selection = sequence * selections + (selections === 1 ? 0 : head);
      const tokens = indices.subarray(selection * bound, selection * bound + counts[selection]);
      host.gather(layer, pages, head, tokens, into, (sequence * heads + head) * bound * padded);
    }
  });
  return Tensor.from(device, into, [cache.batch, heads, bound, padded], "values from the host");
}
