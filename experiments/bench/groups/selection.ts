import {
  AttentionStep,
  createMethod,
  KeyValueCache,
  resolveKnobs,
  rotaryFrequencies,
  RotationTable,
} from "../../../lib/attention/mod.ts";
import { picksAtOnce, pickTokens } from "../../../lib/attention/selection/pick_tokens.ts";
import { disposeAttended, disposeSelection } from "../../../lib/attention/step.ts";
import { planGroups, scoreGroups } from "../../../lib/attention/selection/score_groups.ts";
import { ScoreSource } from "../../../lib/attention/selection/score_source.ts";
import { selectTokens } from "../../../lib/attention/selection/select.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import type { BenchCase, OpenCase } from "../bench_case.ts";
import { inputTensor, inputValue } from "../inputs.ts";

const SHAPE = { layers: 1, queryHeads: 8, keyValueHeads: 2, headSize: 64 };
const K = 4;
/** The paper's 127 spans of 32. */
const MOST_PICKED = 127 * 32;
const STORED_AT_ONCE = 4096;

/**
 * Selection of one layer, from queries to marked spans or the list of tokens: scores and the k best of each query, votes, clip, spans. In prefill as
 * a share of the multiply-add rate of its scores alone, in decoding as a share of copy bandwidth for reading the keys once.
 */
export function selectionCases(software: boolean): BenchCase[] {
  const prefill = software ? [[128, 8192]] : [[512, 8192], [512, 32768], [512, 131072]];
  const decode = software ? [131072] : [131072, 1048576, 4194304];
  return [
    ...prefill.flatMap(([rows, middle]) => [
      ...(software ? [] : [scoresAlone(rows, middle)]),
      selection("prefill selection", rows, middle),
    ]),
    ...decode.map((middle) => selection("decode selection", 1, middle)),
  ];
}

function selection(group: string, rows: number, middle: number): BenchCase {
  const { queryHeads, keyValueHeads, headSize } = SHAPE;
  const decodes = rows === 1;
  return {
    group,
    shape: `${rows}x${queryHeads}/${keyValueHeads}x${headSize}x${middle} k ${K}`,
    dtype: "f32",
    limit: decodes ? "copy" : "multiply-add",
    amount: decodes ? middle * keyValueHeads * headSize * 4 : 2 * rows * queryHeads * middle * headSize,
    // Wrong picks count as 1; scores are sums of 64 products.
    tolerance: 1e-4,
    ...(!decodes && { notes: (milliseconds) => ofScores(rows, middle, milliseconds) }),
    open: (device) => new OpenSelection(device, rows, middle),
  };
}

/** Milliseconds of the products alone, by rows and middle, as this run measured them. */
const alone = new Map<string, number>();

function ofScores(rows: number, middle: number, milliseconds: number): Record<string, number> {
  const products = alone.get(`${rows} ${middle}`);
  return products ? { "of scores alone": milliseconds / products } : {};
}

/**
 * The products of queries and keys alone, by the kernel that selection uses, their highest taken in registers: of a thread's scores
 * in a block one number is written.
 */
function scoresAlone(rows: number, middle: number): BenchCase {
  return {
    ...selection("prefill selection, scores alone", rows, middle),
    notes: (milliseconds) => {
      alone.set(`${rows} ${middle}`, milliseconds);
      return {};
    },
    open: (device) => new OpenScores(device, rows, middle),
  };
}

/** A filled cache and a step that selects in it. */
class OpenSelection implements OpenCase {
  protected readonly middle: number;
  protected readonly step: AttentionStep;
  protected readonly queries: Tensor;
  readonly #device: Device;
  readonly #cache: KeyValueCache;
  readonly #rotation: RotationTable;
  readonly #scope: Tensor;

  constructor(device: Device, rows: number, middle: number) {
    this.#device = device;
    this.middle = middle;
    this.#cache = new KeyValueCache(device, SHAPE);
    this.#scope = Tensor.zeros(device, [1], "u32", "scope");
    this.#rotation = new RotationTable(device, rotaryFrequencies(SHAPE.headSize, { base: 10000 }));
    const window = Math.max(256, rows);
    const method = createMethod(
      "reattention",
      resolveKnobs({ globalSize: 32, window, chunkSize: window, k: K, allowBeyondTrained: true }),
      SHAPE,
    );
    const context = { cache: this.#cache, method, rotation: this.#rotation, scope: this.#scope };
    const total = 32 + middle + window;
    this.#cache.reserve(total);
    for (let done = 0; done < total; done += STORED_AT_ONCE) {
      this.#fill(context, Math.min(STORED_AT_ONCE, total - done));
    }
    this.queries = inputTensor(device, 0, [1, rows, SHAPE.queryHeads, SHAPE.headSize]);
    this.step = new AttentionStep(context, rows, { phase: rows === 1 ? "decode" : "prefill", first: false });
  }

  /** Appends tokens; the same keys come again after each so many. */
  #fill(context: ConstructorParameters<typeof AttentionStep>[0], rows: number): void {
    this.#cache.extend(rows);
    using step = new AttentionStep(context, rows, { phase: "prefill", first: true });
    using keys = keysOf(this.#device, rows);
    this.#cache.store(0, keys, keys, step.layout);
  }

  record(): Disposable {
    // As `ReAttention.attend` selects where nothing looks at the step.
    if (picksAtOnce(this.step, this.step.rows)) {
      const picked = pickTokens(this.step, 0, this.queries, this.step.outerLength + MOST_PICKED);
      return { [Symbol.dispose]: () => disposeAttended(picked) };
    }
    const selected = selectTokens(this.step, 0, this.queries);
    return { [Symbol.dispose]: () => disposeSelection(selected) };
  }

  /** The k best of some queries against plain scores. */
  async error(): Promise<number> {
    const selected = selectTokens(this.step, 0, this.queries);
    const { scores, tokens } = selected.top!;
    const [foundScores, foundTokens] = [await scores.read() as Float32Array, await tokens.read() as Uint32Array];
    disposeSelection(selected);
    const pairs = scores.shape[2];
    let worst = 0;
    for (const head of [0, SHAPE.keyValueHeads - 1]) {
      for (const pair of [0, pairs - 1]) {
        const best = bestOf(this.middle, head, pair);
        best.forEach(([token, score], place) => {
          const at = (head * pairs + pair) * K + place;
          if (foundTokens[at] !== token) worst = Math.max(worst, Math.abs(foundScores[at] - score) > 1e-5 ? 1 : 0);
          worst = Math.max(worst, Math.abs(foundScores[at] - score) / Math.abs(best[0][1]));
        });
      }
    }
    return worst;
  }

  [Symbol.dispose](): void {
    for (const each of [this.step, this.queries, this.#scope, this.#rotation, this.#cache]) each[Symbol.dispose]();
  }
}

/** The same, up to the scores. */
class OpenScores extends OpenSelection {
  override record(): Tensor {
    using source = new ScoreSource(this.step, 0, this.queries);
    const plan = planGroups(this.step, source);
    // A group for each thread of a block.
    const groupTokens = plan.blockTokens / plan.together;
    return scoreGroups(this.step, source, { ...plan, groupTokens, groups: Math.ceil(this.middle / groupTokens) });
  }

  /** The highest score of all against plain scores. */
  override async error(): Promise<number> {
    using bests = this.record();
    const found = await bests.read() as Float32Array;
    const [, groups] = bests.shape;
    const pairs = bests.shape[0] / SHAPE.keyValueHeads;
    const errors = [0, SHAPE.keyValueHeads - 1].flatMap((head) =>
      [0, pairs - 1].map((pair) => {
        const [[, score]] = bestOf(this.middle, head, pair);
        const first = (head * pairs + pair) * groups;
        return Math.abs(found.subarray(first, first + groups).reduce((a, b) => Math.max(a, b)) / score - 1);
      })
    );
    return Math.max(...errors);
  }
}

let kept: { device: Device; values: Map<number, Float32Array<ArrayBuffer>> } | undefined;

function keysOf(device: Device, rows: number): Tensor {
  if (kept?.device !== device) kept = { device, values: new Map() };
  const size = rows * SHAPE.keyValueHeads * SHAPE.headSize;
  let values = kept.values.get(rows);
  if (!values) kept.values.set(rows, values = Float32Array.from({ length: size }, (_, index) => inputValue(1, index)));
  return Tensor.from(device, values, [1, rows, SHAPE.keyValueHeads, SHAPE.headSize]);
}

/** The best tokens of the middle for a pair (row and query head of a group), and their scores. */
function bestOf(middle: number, head: number, pair: number): [token: number, score: number][] {
  const { queryHeads, keyValueHeads, headSize } = SHAPE;
  const share = queryHeads / keyValueHeads;
  const query = (Math.floor(pair / share) * queryHeads + head * share + pair % share) * headSize;
  // Keys come again, so scores of one round are enough; the lowest token of equals wins.
  const round = Array.from({ length: STORED_AT_ONCE }, (_, token) => {
    let score = 0;
    for (let c = 0; c < headSize; c++) {
      score += inputValue(0, query + c) * inputValue(1, (token * keyValueHeads + head) * headSize + c);
    }
    return score;
  });
  const all: [number, number][] = [];
  for (let token = 0; token < middle; token++) {
    const score = round[(token + 32) % STORED_AT_ONCE];
    if (all.length === K && score <= all[K - 1][1]) continue;
    all.push([token, score]);
    all.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    all.length = Math.min(all.length, K);
  }
  return all;
}
