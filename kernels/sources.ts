/**
 * The kernels of this folder as TypeScript, for places that can't import .wgsl files.
 * Written by `deno task kernels`: change the .wgsl files, not this one.
 *
 * @module
 */

/** One scalar of a kernel's parameter block. */
export interface KernelParam {
  /** Field name in `struct Params`. */
  readonly name: string;
  /** Field type. */
  readonly type: "u32" | "i32" | "f32";
}

/** One binding of a kernel, all of them in group 0. */
export interface KernelBinding {
  /** Its number. */
  readonly binding: number;
  /** The variable's name. */
  readonly name: string;
  /** The parameter block, a buffer that is only read, one that is written too, or an image that is only read. */
  readonly kind: "uniform" | "read" | "write" | "image";
}

/** A kernel: its text and what the host must know to call it. */
export interface KernelSource {
  /** File name without its ending. */
  readonly name: string;
  /** The WGSL text; its entry point is `main`. */
  readonly text: string;
  /** Fields of `struct Params`, in order. */
  readonly params: readonly KernelParam[];
  /** Bindings of group 0, in order; binding 0 is the parameter block. */
  readonly bindings: readonly KernelBinding[];
}

/** Names of all kernels. */
export type KernelName =
  | "add"
  | "argmax"
  | "argmax_wide"
  | "attention_combine"
  | "attention_join"
  | "attention_lanes"
  | "attention_mass"
  | "attention_split"
  | "attention_tiled"
  | "attention_transposed"
  | "block_bounds"
  | "block_representatives"
  | "cache_append"
  | "cache_append_keys"
  | "cast"
  | "cast_votes"
  | "causal_attention"
  | "causal_attention_image"
  | "chunk_features"
  | "chunk_keys"
  | "clip_votes"
  | "collect_indices"
  | "copy_probe"
  | "edit_attended"
  | "f16_probe"
  | "fill"
  | "fma_probe"
  | "fold_grid"
  | "gather_rotate"
  | "gather_rows"
  | "gather_vectors"
  | "greedy_blocks"
  | "greedy_join"
  | "keep_marked"
  | "linear_rows"
  | "linear_rows_split"
  | "mark_blocks"
  | "mark_heaviest"
  | "matmul"
  | "matmul_general"
  | "matmul_image"
  | "matmul_tiled"
  | "matmul_transposed"
  | "matmul_vector"
  | "max"
  | "merge_top_k"
  | "multiply"
  | "own_scores"
  | "pick_best"
  | "pick_tokens"
  | "pool_weights"
  | "query_scores"
  | "raise"
  | "raise_to"
  | "read_probe"
  | "relative_attention"
  | "relative_join"
  | "rescore_groups"
  | "rescore_short_groups"
  | "rms_norm"
  | "rms_norm_wide"
  | "rotary"
  | "rotate_queries"
  | "sample"
  | "scale"
  | "scan_groups"
  | "scatter_rows"
  | "score_blocks"
  | "score_groups"
  | "score_image_top_k"
  | "score_short_top_k"
  | "score_top_k"
  | "score_vectors"
  | "silu_gate"
  | "softmax"
  | "softmax_wide"
  | "strided_copy"
  | "sum"
  | "token_relevance"
  | "top_k";

/** All kernels by name. */
export const kernels: Readonly<Record<KernelName, KernelSource>> = {
  add: {
    name: "add",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "first", type: "u32" },
      { name: "other_count", type: "u32" },
      { name: "other_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "other", kind: "read" },
      { binding: 3, name: "y", kind: "write" },
    ],
    text: `// Sum of two arrays, element by element: y[i] = x[i] + other[(other_first + i) mod other_count].
//
// Shapes:   x, y [count] from element \`first\` on; other [other_count], repeated along x; one element type for all three, computed in
//           Wide (f32 for f32 and f16, the type itself for whole numbers, which wrap around); elements may be vec4s
// Dispatch: one thread per WIDTH elements, a workgroup's side by side, so that all are loaded before any is stored; linear
//           groups. REPEATED is 0 where other is as long as x: a remainder costs more than
//           all the rest.
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  first: u32,
  other_count: u32,
  other_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> other: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  var sums: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, params.count - 1u);
    var repeated = params.other_first + index;
    if (REPEATED == 1u) {
      repeated %= params.other_count;
    }
    sums[i] = Wide(x[params.first + index]) + Wide(other[repeated]);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < params.count) {
      y[params.first + index] = Element(sums[i]);
    }
  }
}
`,
  },
  argmax: {
    name: "argmax",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Index of the largest element of each row; the lowest index among equals.
//
// Shapes:   x [rows, size] of Element from element x_first on, size at least 1; y u32 [rows]
// Dispatch: one workgroup per row, linear groups
// Source:   plain definition; NaN ranks lowest; a row of nothing but NaN gives 0

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

// uses parts/order_key.wgsl

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

var<workgroup> keys: array<u32, WORKGROUP>;
var<workgroup> places: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let first = params.x_first + row * params.size;
  var best = 0u;
  var place = 0u;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let key = order_key(f32(x[first + i]));
    if (key > best) {
      best = key;
      place = i;
    }
  }
  keys[lane] = best;
  places[lane] = place;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < WORKGROUP; other++) {
    let key = keys[other];
    if (key > best || (key == best && places[other] < place)) {
      best = key;
      place = places[other];
    }
  }
  y[params.y_first + row] = place;
}
`,
  },
  argmax_wide: {
    name: "argmax_wide",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// The same as argmax.wgsl for rows of whole vec4s: the index of a row's largest element; the lowest index among equals.
//
// Shapes:   x [rows, size] of vec4<Element> from vec4 x_first on, size at least 1; y u32 [rows]
// Dispatch: one workgroup of 16 to 256 threads per row, linear groups
// Source:   plain definition; NaN ranks lowest; a row of nothing but NaN gives 0

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

const RUN = 16u;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

var<workgroup> keys: array<u32, WORKGROUP>;
var<workgroup> places: array<u32, WORKGROUP>;

// Unsigned integers in the order of the floats; NaN is the lowest, both zeros are equal.
fn order_keys(value: vec4<f32>) -> vec4<u32> {
  let bits = bitcast<vec4<u32>>(value);
  let magnitude = bits & vec4(0x7fffffffu);
  var key = select(bits | vec4(0x80000000u), ~bits, bits != magnitude);
  key = select(key, vec4(0x80000000u), magnitude == vec4(0u));
  return select(key, vec4(0u), magnitude > vec4(0x7f800000u));
}

// The best of \`count\` threads from \`first\` on, \`step\` apart, to the first of them.
fn best_of(first: u32, count: u32, step: u32) {
  var best = keys[first];
  var place = places[first];
  for (var i = 1u; i < count; i++) {
    let other = first + i * step;
    if (other < WORKGROUP && (keys[other] > best || (keys[other] == best && places[other] < place))) {
      best = keys[other];
      place = places[other];
    }
  }
  keys[first] = best;
  places[first] = place;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let first = params.x_first + row * params.size;
  // Each channel on its own: a later element must be greater to take an earlier one's place.
  var best = vec4(0u);
  var from_vector = vec4(0u);
  for (var start = lane; start < params.size; start += 4u * WORKGROUP) {
    // Several are loaded before the first is looked at; the last one stands in past the end, where it is no news.
    var held: array<vec4<f32>, 4>;
    for (var i = 0u; i < 4u; i++) { // unrolled
      held[i] = vec4<f32>(x[first + min(start + i * WORKGROUP, params.size - 1u)]);
    }
    for (var i = 0u; i < 4u; i++) { // unrolled
      let key = order_keys(held[i]);
      let greater = key > best;
      best = select(best, key, greater);
      from_vector = select(from_vector, vec4(min(start + i * WORKGROUP, params.size - 1u)), greater);
    }
  }
  let place = 4u * from_vector + vec4(0u, 1u, 2u, 3u);
  let most = max(max(best.x, best.y), max(best.z, best.w));
  let candidates = select(vec4(0xffffffffu), place, best == vec4(most));
  keys[lane] = most;
  // Where nothing ranked above a NaN the row's first element stands for all.
  places[lane] = select(min(min(candidates.x, candidates.y), min(candidates.z, candidates.w)), 0u, most == 0u);
  workgroupBarrier();
  if (lane % RUN == 0u) {
    best_of(lane, RUN, 1u);
  }
  workgroupBarrier();
  if (lane == 0u) {
    best_of(0u, RUN, RUN);
    y[params.y_first + row] = places[0];
  }
}
`,
  },
  attention_combine: {
    name: "attention_combine",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "splits", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "parts", kind: "read" },
      { binding: 2, name: "output", kind: "write" },
    ],
    text: `// Joins the parts that attention over few rows leaves: each row's sums, brought to one largest score, over their weights. For many
// rows with few parts there is attention_join.wgsl.
//
// Shapes:   parts vec4 [rows of batch and heads, pairs, splits, D4 + 1]; output [batch, step_rows, query_heads, D4] of vec4
// Dispatch: one workgroup of THREADS threads per sequence, KV head and pair (row, query head of its group); linear groups. SLICES
//           threads take parts in turns, AHEAD at once, for each of the D4 vectors of a part.
// Source:   Flash-Decoding (Dao et al. 2023); parts without a token weigh 0

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  splits: u32,
}

const LOWEST = -3.0e38f;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

// Of each slice: its largest score and weight, and its sums.
var<workgroup> tails: array<vec2<f32>, SLICES>;
var<workgroup> sums: array<array<vec4<f32>, D4>, SLICES>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let first = group * params.splits * (D4 + 1u);
  let channel = lane % D4;
  let slice = lane / D4;
  var most = LOWEST;
  var weight = 0.0;
  var total = vec4<f32>();
  if (slice < SLICES) {
    for (var split = slice; split < params.splits; split += AHEAD * SLICES) {
      var found: array<vec4<f32>, AHEAD>;
      var loaded: array<vec4<f32>, AHEAD>;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let place = first + min(split + i * SLICES, params.splits - 1u) * (D4 + 1u);
        found[i] = parts[place + D4];
        loaded[i] = parts[place + channel];
      }
      var highest = most;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        // Of a part without a token nothing counts: its sums need not be numbers.
        if (split + i * SLICES >= params.splits || found[i].y <= 0.0) {
          found[i] = vec4(LOWEST, 0.0, 0.0, 0.0);
          loaded[i] = vec4<f32>();
        }
        highest = max(highest, found[i].x);
      }
      let shrink = exp(most - highest);
      most = highest;
      weight *= shrink;
      total *= shrink;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let share = exp(found[i].x - highest);
        weight = fma(found[i].y, share, weight);
        total = fma(loaded[i], vec4<f32>(share), total);
      }
    }
    if (channel == 0u) {
      tails[slice] = vec2(most, weight);
    }
    sums[slice][channel] = total;
  }
  workgroupBarrier();
  if (lane < D4) {
    var highest = LOWEST;
    for (var other = 0u; other < SLICES; other++) { // unrolled
      highest = max(highest, tails[other].x);
    }
    weight = 0.0;
    total = vec4<f32>();
    for (var other = 0u; other < SLICES; other++) { // unrolled
      let share = exp(tails[other].x - highest);
      weight = fma(tails[other].y, share, weight);
      total = fma(sums[other][lane], vec4<f32>(share), total);
    }
    let share = params.query_heads / params.heads;
    let pairs = params.step_rows * share;
    let pair = group % pairs;
    let head = (group / pairs) % params.heads;
    let sequence = group / (pairs * params.heads);
    let row = sequence * params.step_rows + pair / share;
    output[(row * params.query_heads + head * share + pair % share) * D4 + lane] = total / weight;
  }
}
`,
  },
  attention_join: {
    name: "attention_join",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "vectors", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "parts", kind: "read" },
      { binding: 2, name: "output", kind: "write" },
    ],
    text: `// Joins the few parts that attention over many rows leaves: each row's sums, brought to one largest score, over their weights. For
// few rows or many parts there is attention_combine.wgsl.
//
// Shapes:   parts vec4 [rows of batch and heads, pairs, splits, D4 + 1]; output [batch, step_rows, query_heads, D4] of vec4
// Dispatch: one thread per vec4 of the output, \`vectors\` of them; linear groups. AHEAD parts are on their way at a time, brought to
//           the highest score so far
// Source:   Flash-Decoding (Dao et al. 2023); parts without a token weigh 0

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  splits: u32,
  vectors: u32,
}

override WORKGROUP: u32 = 128u;
// Less than any score.
const LOWEST = -3.0e38f;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let vector = group * WORKGROUP + lane;
  if (group >= params.group_count || vector >= params.vectors) {
    return;
  }
  let row = vector / D4;
  let channel = vector % D4;
  let first = row * params.splits * (D4 + 1u);
  var most = LOWEST;
  var total = vec4<f32>();
  var weight = 0.0;
  for (var split = 0u; split < params.splits; split += AHEAD) {
    var tails: array<vec4<f32>, AHEAD>;
    var sums: array<vec4<f32>, AHEAD>;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let place = first + min(split + i, params.splits - 1u) * (D4 + 1u);
      tails[i] = parts[place + D4];
      sums[i] = parts[place + channel];
    }
    var next = most;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      // Past the last part stands that one again: it counts once.
      tails[i].y = select(0.0, tails[i].y, split + i < params.splits);
      next = max(next, select(LOWEST, tails[i].x, tails[i].y > 0.0));
    }
    let shrink = exp(most - next);
    most = next;
    weight *= shrink;
    total *= shrink;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      // Of a part without a token nothing counts: its sums need not be numbers.
      if (tails[i].y > 0.0) {
        let factor = exp(tails[i].x - most);
        weight = fma(tails[i].y, factor, weight);
        total = fma(sums[i], vec4<f32>(factor), total);
      }
    }
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = row % pairs;
  let head = (row / pairs) % params.heads;
  let sequence = row / (pairs * params.heads);
  let place = sequence * params.step_rows + pair / share;
  output[(place * params.query_heads + head * share + pair % share) * D4 + channel] = total / weight;
}
`,
  },
  attention_lanes: {
    name: "attention_lanes",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "first_sequence", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "original", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "tokens", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "parts", type: "u32" },
      { name: "first_part", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "value_pages", kind: "read" },
      { binding: 4, name: "table", kind: "read" },
      { binding: 5, name: "indices", kind: "read" },
      { binding: 6, name: "counts", kind: "read" },
      { binding: 7, name: "rotation", kind: "read" },
      { binding: 8, name: "output", kind: "write" },
    ],
    text: `// The same as causal_attention_image.wgsl straight from the cache's pages, whose keys are turned as they are read: for decoding on
// software adapters, where each key is read by a few rows only and is not worth being gathered first.
//
// Shapes:   queries [batch, step_rows, query_heads, D4] of vec4<f32>, rotated; key_pages, value_pages [slab_pages, heads, page_tokens,
//           8 * D8], stored as parts/keys_*.wgsl and values_*.wgsl say, the only slab that has tokens of the list; table [batch,
//           table_stride]; indices u32 [batch, selections, indices_stride], not read where IN_ORDER is 1: a list is 0, 1, 2.. then;
//           counts u32 [batch, selections]; rotation (cos, sin) two a vec4 [positions, 2 * D8]; output [batch, step_rows, query_heads,
//           D4] of vec4<f32>; SPLIT: what attention_combine.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and behind
//           them the highest score and the weights' sum
// Dispatch: one thread per PAIRS pairs (row, query head of a KV head's group) and split of the keys, TOKENS of them at a time; pairs
//           fastest; linear groups, batch * heads outermost
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), each number as gather_vectors.wgsl and
//           causal_attention_image.wgsl compute it
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  indices_stride: u32,
  original: u32,
  scale: f32,
  tokens: u32,
  splits: u32,
  parts: u32,
  first_part: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> indices: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> output: array<vec4<f32>>;

fn product(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles * params.splits + WORKGROUP - 1u) / WORKGROUP;
  let own = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || own >= tiles * params.splits) {
    return;
  }
  let tile = own % tiles;
  let split = own / tiles;
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let count = count_of(sequence, head);
  let list = (sequence * params.selections + select(head, 0u, params.selections == 1u)) * params.indices_stride;

  // Row i sees the keys up to count - step_rows + i; the last of the rows bounds the loop.
  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var firsts: array<u32, PAIRS>;
  var ends: array<u32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(tile * PAIRS + p, pairs - 1u);
    firsts[p] = query_first(pair, share, head, sequence);
    ends[p] = end_of(count, pair / share);
    for (var c = 0u; c < D4; c++) { // unrolled
      queries_of[p][c] = queries[firsts[p] + c] * params.scale;
    }
  }
  let all = ends[PAIRS - 1u];
  let split_keys = (all + params.splits - 1u) / params.splits;
  let first = min(split * split_keys, all);
  let last = min((split + 1u) * split_keys, all);
  var sums: array<array<vec4<f32>, D4>, PAIRS>;
  var most: array<f32, PAIRS>;
  var weights: array<f32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    most[p] = LOWEST;
  }
  for (var place = first; place < last; place += TOKENS) {
    var scores: array<array<f32, TOKENS>, PAIRS>;
    var value_rows: array<u32, TOKENS>;
    var value_scales: array<f32, TOKENS>;
    // Loops over tokens are not written out: loads are most of the lines, and of the time that those take to compile.
    for (var n = 0u; n < TOKENS; n++) {
      let listed = min(place + n, last - 1u);
      var token = listed;
      if (IN_ORDER == 0u) {
        token = indices[list + listed];
      }
      let page = table[sequence * params.table_stride + token / params.page_tokens] - params.slab_first;
      let slot = (page * params.heads + head) * params.page_tokens + token % params.page_tokens;
      let key_row = key_first(slot);
      let key_factor = key_scale(slot);
      let angles = select(listed, token, params.original == 1u) * D4;
      // Lower halves first, as they lie in a gathered key: sums run in the same order.
      var score = array<f32, PAIRS>();
      var uppers: array<vec4<f32>, D8>;
      for (var load = 0u; load < KEY_LOADS; load++) { // unrolled
        let lows = key_pages[key_row + load];
        let highs = key_pages[key_row + load + KEY_LOADS];
        for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
          let low = key_part(lows, v) * key_factor;
          let high = key_part(highs, v) * key_factor;
          let c = load * KEY_VECTORS + v;
          let a = rotation[angles + 2u * c];
          let b = rotation[angles + 2u * c + 1u];
          let cosines = vec4(a.x, a.z, b.x, b.z);
          let sines = vec4(a.y, a.w, b.y, b.w);
          uppers[c] = high * cosines + low * sines;
          let lower = low * cosines - high * sines;
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            score[p] = product(queries_of[p][c], lower, score[p]);
          }
        }
      }
      for (var c = 0u; c < D8; c++) { // unrolled
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          score[p] = product(queries_of[p][c + D8], uppers[c], score[p]);
        }
      }
      let value_row = value_first(slot);
      let value_factor = value_scale(slot);
      for (var m = 0u; m < TOKENS; m++) { // unrolled
        if (n == m) {
          value_rows[m] = value_row;
          value_scales[m] = value_factor;
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            scores[p][m] = select(LOWEST, score[p], place + m < min(ends[p], last));
          }
        }
      }
    }
    for (var p = 0u; p < PAIRS; p++) { // unrolled
      var next = most[p];
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        next = max(next, scores[p][n]);
      }
      let shrink = exp(most[p] - next);
      most[p] = next;
      weights[p] *= shrink;
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        scores[p][n] = select(exp(scores[p][n] - next), 0.0, scores[p][n] == LOWEST);
        weights[p] += scores[p][n];
      }
      for (var c = 0u; c < D4; c++) { // unrolled
        sums[p][c] *= shrink;
      }
    }
    for (var n = 0u; n < TOKENS; n++) {
      var value_row = 0u;
      var value_factor = 1.0;
      var weight: array<f32, PAIRS>;
      for (var m = 0u; m < TOKENS; m++) { // unrolled
        if (n == m) {
          value_row = value_rows[m];
          value_factor = value_scales[m];
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            weight[p] = scores[p][m];
          }
        }
      }
      for (var load = 0u; load < VALUE_LOADS; load++) { // unrolled
        let loaded = value_pages[value_row + load];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          let c = load * VALUE_VECTORS + v;
          let value = value_part(loaded, v) * value_factor;
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            sums[p][c] = fma(vec4<f32>(weight[p]), value, sums[p][c]);
          }
        }
      }
    }
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (tile * PAIRS + p < pairs) {
      var target_first = firsts[p];
      var factor = 1.0 / weights[p];
      if (SPLIT == 1u) {
        target_first = part_first(tile * PAIRS + p, pairs, head, sequence, split);
        factor = 1.0;
        output[target_first + D4] = vec4(most[p], weights[p], 0.0, 0.0);
      }
      for (var c = 0u; c < D4; c++) { // unrolled
        output[target_first + c] = sums[p][c] * factor;
      }
    }
  }
}
`,
  },
  attention_mass: {
    name: "attention_mass",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "causal", type: "u32" },
      { name: "compact", type: "u32" },
      { name: "near", type: "u32" },
      { name: "fine", type: "u32" },
      { name: "slope", type: "u32" },
      { name: "group", type: "u32" },
      { name: "most", type: "u32" },
      { name: "scale", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "indices", kind: "read" },
      { binding: 4, name: "counts", kind: "read" },
      { binding: 5, name: "angles", kind: "read" },
      { binding: 6, name: "sums", kind: "read" },
      { binding: 7, name: "mass", kind: "write" },
    ],
    text: `// How much attention each listed token gets: the sum of its softmax weights over all rows and heads that share its list.
//
// Shapes:   queries f32 [batch, rows, query_heads, 2 * HALF]; keys f32 [batch, heads, bound, padded], gathered and not turned;
//           indices u32 [batch, selections, bound]; counts u32 [batch, selections]; angles vec2 (cos, sin) [relative positions,
//           HALF]; sums f32 [batch, rows, query_heads] from relative_attention; mass f32 [batch, selections, bound], 0 past
//           the lists' ends
// Dispatch: one thread per list and place in it, linear groups
// Source:   the accumulated attention of H2O (arXiv 2306.14048, section 4), the votes of SnapKV (arXiv 2404.14469, section 3)
//           and the soft votes of TokenSelect (arXiv 2411.02886); rows as in relative_attention

// uses parts/relative_position.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  bound: u32,
  padded: u32,
  causal: u32,
  compact: u32,
  near: u32,
  fine: u32,
  slope: u32,
  group: u32,
  most: u32,
  scale: f32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> indices: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> sums: array<f32>;
@group(0) @binding(7) var<storage, read_write> mass: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let workgroup_number = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = workgroup_number * WORKGROUP + lane;
  if (workgroup_number >= params.group_count || thread >= params.batch * params.selections * params.bound) {
    return;
  }
  let place = thread % params.bound;
  let selection = thread / params.bound;
  let sequence = selection / params.selections;
  let count = counts[selection];
  let listed = selection * params.bound;
  let group = params.query_heads / params.heads;
  // All query heads share the list, or those of one KV head.
  let heads = params.query_heads / params.selections;
  let first_head = (selection % params.selections) * heads;
  let own = params.causal == 1u;
  var total = 0.0;
  if (place < count) {
    let n = select(indices[listed + place], place, params.compact == 1u);
    for (var pair = 0u; pair < params.rows * heads; pair++) {
      let row = pair / heads;
      let query_head = first_head + pair % heads;
      let end = select(count, count - params.rows + row + 1u, own);
      if (place >= end) {
        continue;
      }
      var angle = 0u;
      if (own) {
        angle = relative_row(select(indices[listed + end - 1u], end - 1u, params.compact == 1u), n) * HALF;
      }
      let query = ((sequence * params.rows + row) * params.query_heads + query_head) * 2u * HALF;
      let key = ((sequence * params.heads + query_head / group) * params.bound + place) * params.padded;
      var score = 0.0;
      for (var c = 0u; c < HALF; c++) { // unrolled
        let turn = angles[angle + c];
        let low = keys[key + c];
        let high = keys[key + c + HALF];
        score = fma(queries[query + c], low * turn.x + high * turn.y, score);
        score = fma(queries[query + c + HALF], high * turn.x - low * turn.y, score);
      }
      total += exp(score * params.scale - sums[(sequence * params.rows + row) * params.query_heads + query_head]);
    }
  }
  mass[thread] = total;
}
`,
  },
  attention_split: {
    name: "attention_split",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "original", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "first_place", type: "u32" },
      { name: "end_place", type: "u32" },
      { name: "first_position", type: "u32" },
      { name: "first_split", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "newer", type: "u32" },
      { name: "first_newer", type: "u32" },
      { name: "scale", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "value_pages", kind: "read" },
      { binding: 4, name: "table", kind: "read" },
      { binding: 5, name: "indices", kind: "read" },
      { binding: 6, name: "counts", kind: "read" },
      { binding: 7, name: "rotation", kind: "read" },
      { binding: 8, name: "parts", kind: "write" },
    ],
    text: `// Attention of few rows over listed tokens, straight from the cache's pages: each workgroup takes a block of tokens and leaves a
// part, which attention_combine.wgsl joins. For GPUs, in decoding: keys and values are read once, by all threads of the GPU.
//
// Shapes:   queries [batch, step_rows, query_heads, 8 * D8] f32, before rotation (TURNED 1: after it); key_pages, value_pages [slab_pages, heads,
//           PAGE, 8 * D8], stored as parts/keys_*.wgsl and values_*.wgsl say (SCALED is 1 where one of them has scales), one slab of
//           the cache (ONE_SLAB is 1 where there is no other); table [batch, table_stride]; indices u32 [batch, selections,
//           indices_stride], not read where IN_ORDER is 1: a list is 0, 1, 2.. then; counts u32 [batch, selections]; behind each
//           list \`newer\` tokens from first_newer on; rotation (cos,
//           sin) two a vec4 [positions, 2 * D8], from first_position on (SHIFTED is 1 where that is not 0); parts f32 [batch, heads, PAIRS, splits, 8 * D8 + 4]: sums of values, then
//           their largest score and weight
// Dispatch: one workgroup of THREADS threads per sequence, KV head and block of block_tokens listed tokens, heads fastest; linear
//           groups; one call per slab, or per slab and window of the list: places first_place to end_place, whose parts start at
//           first_split. A block is swept SWEEP tokens at a time. LANES threads
//           share a key, each with CHUNKS stored vectors of its lower half and as many of the upper one, and score KEYS tokens a
//           sweep; a value's stored vectors are read side by side, by SLICES threads VALUES tokens each. Pairs are joined in JOINS
//           turns of JOIN. QUERIES, PLACES and ITEMS: vectors of queries, tokens, and pairs with slices, that a thread sees to.
// Source:   softmax(q k / sqrt(d)) v (ALGORITHM section 6), split over tokens as in Flash-Decoding (Dao et al. 2023); rotation
//           by compact positions (places in the list) or original ones. RELATIVE is 1 where a block's positions are in a row, as
//           compact ones are: queries are turned back by a sweep's first position, and keys by their places in the sweep, so that
//           a thread keeps its angles
// uses parts/split_places.wgsl
// uses parts/split_scores.wgsl
// uses parts/split_join.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  indices_stride: u32,
  original: u32,
  blocks: u32,
  block_tokens: u32,
  first_place: u32,
  end_place: u32,
  first_position: u32,
  first_split: u32,
  splits: u32,
  newer: u32,
  first_newer: u32,
  scale: f32,
}

const LOWEST = -3.0e38f;
const NOWHERE = 0xffffffffu;
const D4 = 2u * D8;
const POSITIONS = select(SWEEP, 1u, RELATIVE == 1u);
const FACTORS = select(1u, SWEEP, SCALED == 1u);
// Numbers of a part.
const WIDTH = 8u * D8 + 4u;
// Stored vectors of a key's half.
const HALF = D8 / KEY_VECTORS;
// Threads that read a value side by side.
const VALUE_LANES = D4 / VALUE_VECTORS;
// Units of threads that share keys take a sweep's tokens in turns.
const UNITS = THREADS / LANES;
// Padding keeps what neighbours write on different banks.
const ROW = UNITS + 32u / LANES;
// Numbers of a value's stored vector, and all threads' of one.
const NUMBERS = 4u * VALUE_VECTORS;
const JOIN_ROW = THREADS + VALUE_LANES;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> indices: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> parts: array<f32>;

var<workgroup> rotated: array<array<vec4<f32>, D4>, PAIRS>;
// The lanes' sums of each pair and token; at the end the slices' sums of values. One for both, so that workgroup memory stays small.
var<workgroup> products: array<f32, max(KEYS * PAIRS * LANES * ROW, JOIN * NUMBERS * JOIN_ROW)>;
var<workgroup> weights: array<array<f32, PAIRS>, SWEEP>;
// Of this sweep's tokens and the next one's: where they lie; and their positions, where those are not told by the place.
var<workgroup> slots: array<array<u32, SWEEP>, 2>;
var<workgroup> positions: array<array<u32, POSITIONS>, 2>;
// Scales of keys and values.
var<workgroup> factors: array<vec2<f32>, FACTORS>;
// Of each pair and slice: what a sweep shrinks earlier sums by; at the end its largest score and its weight.
var<workgroup> shrinks: array<array<f32, SLICES>, PAIRS>;
var<workgroup> highs_of: array<array<f32, SLICES>, PAIRS>;
var<workgroup> sums: array<array<f32, SLICES>, PAIRS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  var work: Work;
  work.head = group % params.heads;
  let block = group / params.heads % params.blocks;
  work.sequence = group / (params.blocks * params.heads);
  work.selection = work.sequence * params.selections + select(work.head, 0u, params.selections == 1u);
  let begin = params.first_place + block * params.block_tokens;
  // Read without waiting for how many there are: what lies past them is no token.
  var tokens: array<u32, PLACES>;
  for (var i = 0u; i < PLACES; i++) { // unrolled
    tokens[i] = listed_at(begin + lane + i * THREADS, work);
  }
  work.listed = counts[work.selection];
  work.count = work.listed + params.newer;
  let share = params.query_heads / params.heads;
  let end = min(min(begin + params.block_tokens, params.end_place), work.count);
  let first_part = ((work.sequence * params.heads + work.head) * PAIRS * params.splits + params.first_split + block) * WIDTH;
  let part_stride = params.splits * WIDTH;
  if (begin >= work.count) {
    for (var pair = lane; pair < PAIRS; pair += THREADS) {
      parts[first_part + pair * part_stride + WIDTH - 4u] = LOWEST;
      parts[first_part + pair * part_stride + WIDTH - 3u] = 0.0;
    }
    return;
  }
  for (var i = 0u; i < PLACES; i++) { // unrolled
    let item = lane + i * THREADS;
    locate_listed(0u, item, begin + item, tokens[i], end, work);
  }
  // Queries, turned by the positions of the newest tokens: the last ones of the list.
  var lows: array<vec4<f32>, QUERIES>;
  var highs: array<vec4<f32>, QUERIES>;
  for (var i = 0u; i < QUERIES; i++) { // unrolled
    let item = min(lane + i * THREADS, PAIRS * D8 - 1u);
    let pair = item / D8;
    let c = item % D8;
    let row = pair / share;
    var position = work.count - params.step_rows + row;
    if (params.original == 1u) {
      position = token_at(position, work);
    }
    let first = ((work.sequence * params.step_rows + row) * params.query_heads + work.head * share + pair % share) * D4;
    let low = queries[first + c] * params.scale;
    let high = queries[first + c + D8] * params.scale;
    lows[i] = low;
    highs[i] = high;
    if (TURNED == 0u) {
      let a = rotation[(position * D8 + c) * 2u];
      let b = rotation[(position * D8 + c) * 2u + 1u];
      lows[i] = turn_low(low, high, a, b);
      highs[i] = turn_high(low, high, a, b);
    }
    if (RELATIVE == 1u) {
      let back = ((begin - params.first_position) * D8 + c) * 2u;
      turn_back(lane + i * THREADS, lows[i], highs[i], rotation[back], rotation[back + 1u]);
    } else {
      keep_query(lane + i * THREADS, lows[i], highs[i]);
    }
  }
  let angles = own_angles(lane);

  let channel = lane % VALUE_LANES;
  let slice = lane / VALUE_LANES;
  var most: array<f32, ITEMS>;
  var weight: array<f32, ITEMS>;
  for (var i = 0u; i < ITEMS; i++) { // unrolled
    most[i] = LOWEST;
  }
  var totals: array<vec4<f32>, PAIRS * VALUE_VECTORS>;
  var turn = 0u;
  workgroupBarrier();
  for (var sweep = begin; sweep < end; sweep += SWEEP) {
    let next = sweep + SWEEP;
    var loaded: array<StoredValues, VALUES>;
    if (EARLY == 1u) {
      for (var t = 0u; t < VALUES; t++) { // unrolled
        loaded[t] = load_value(turn, slice + t * SLICES, channel);
      }
    }
    var factor: array<vec2<f32>, PLACES>;
    if (SCALED == 1u) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        let slot = slot_of(turn, min(lane + i * THREADS, SWEEP - 1u));
        factor[i] = vec2(key_scale(slot), value_scale(slot));
      }
    }
    // What the next sweep needs is read ahead.
    var back: array<vec4<f32>, 2u * QUERIES>;
    if (next < end) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        tokens[i] = token_at(min(next + lane + i * THREADS, end - 1u), work);
      }
      if (RELATIVE == 1u) {
        for (var i = 0u; i < QUERIES; i++) { // unrolled
          let first = ((next - params.first_position) * D8 + (lane + i * THREADS) % D8) * 2u;
          back[2u * i] = rotation[first];
          back[2u * i + 1u] = rotation[first + 1u];
        }
      }
    }
    multiply(lane, turn, angles);
    if (SCALED == 1u) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        if (lane + i * THREADS < SWEEP) {
          factors[min(lane + i * THREADS, FACTORS - 1u)] = factor[i];
        }
      }
    }
    workgroupBarrier();
    if (EARLY == 0u) {
      for (var t = 0u; t < VALUES; t++) { // unrolled
        loaded[t] = load_value(turn, slice + t * SLICES, channel);
      }
    }
    if (next < end) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        locate(1u - turn, lane + i * THREADS, next + lane + i * THREADS, tokens[i], work);
      }
      if (RELATIVE == 1u) {
        for (var i = 0u; i < QUERIES; i++) { // unrolled
          turn_back(lane + i * THREADS, lows[i], highs[i], back[2u * i], back[2u * i + 1u]);
        }
      }
    }
    // Each thread a pair and slice: its weights, by the largest of its own scores so far.
    for (var i = 0u; i < ITEMS; i++) { // unrolled
      let pair = (lane + i * THREADS) / SLICES;
      let own = (lane + i * THREADS) % SLICES;
      if (pair < PAIRS) {
        // Row i of the step sees the tokens up to its own.
        let seen = min(end, work.count - params.step_rows + pair / share + 1u);
        var scores: array<f32, VALUES>;
        var highest = most[i];
        for (var t = 0u; t < VALUES; t++) { // unrolled
          let token = min(own + t * SLICES, SWEEP - 1u);
          var counts_here = own + t * SLICES < SWEEP && sweep + token < seen;
          if (ONE_SLAB == 0u) {
            counts_here = counts_here && slots[turn][token] != NOWHERE;
          }
          scores[t] = select(LOWEST, product(pair, token), counts_here);
          highest = max(highest, scores[t]);
        }
        let shrink = exp(most[i] - highest);
        most[i] = highest;
        weight[i] *= shrink;
        shrinks[pair][own] = shrink;
        for (var t = 0u; t < VALUES; t++) { // unrolled
          let token = own + t * SLICES;
          var part = select(exp(scores[t] - highest), 0.0, scores[t] == LOWEST);
          weight[i] += part;
          if (SCALED == 1u) {
            part *= factors[min(token, FACTORS - 1u)].y;
          }
          if (token < SWEEP) {
            weights[token][pair] = part;
          }
        }
      }
    }
    workgroupBarrier();
    // Values: neighbours read neighbouring channels; slices are added at the end.
    if (slice < SLICES) {
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        let shrink = shrinks[pair][slice];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          totals[pair * VALUE_VECTORS + v] *= shrink;
        }
      }
      for (var t = 0u; t < VALUES; t++) { // unrolled
        let token = min(slice + t * SLICES, SWEEP - 1u);
        let counts_here = slice + t * SLICES < SWEEP && (ONE_SLAB == 1u || slots[turn][token] != NOWHERE);
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          var value = value_part(loaded[t], v);
          // What lies at a slab's first place need not be a number.
          if (ONE_SLAB == 0u || SWEEP % SLICES != 0u) {
            value = select(vec4<f32>(), value, counts_here);
          }
          for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
            let sum = totals[pair * VALUE_VECTORS + v];
            totals[pair * VALUE_VECTORS + v] = fma(vec4<f32>(weights[token][pair]), value, sum);
          }
        }
      }
    }
    turn = 1u - turn;
  }
  leave_part(lane, most, weight, totals, first_part, part_stride);
}
`,
  },
  attention_tiled: {
    name: "attention_tiled",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "first_sequence", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "sequence_stride", type: "u32" },
      { name: "head_stride", type: "u32" },
      { name: "token_stride", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "slide", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "parts", type: "u32" },
      { name: "first_part", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "values", kind: "read" },
      { binding: 4, name: "counts", kind: "read" },
      { binding: 5, name: "output", kind: "write" },
    ],
    text: `// Causal attention with grouped heads and an online softmax through workgroup memory: for GPUs, in prefill.
//
// Shapes:   as in causal_attention.wgsl: queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32 as
//           vec4, addressed by strides (in vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros;
//           counts u32 [batch, selections]: tokens from the first key on to the last row's own, of which the first \`tokens\` keys
//           are here. SPLIT: output is what attention_combine.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and
//           behind them the highest score and the weights' sum; this call's parts are first_part to first_part + splits
// Dispatch: one workgroup of 8 x XS threads per 64 pairs (row, query head of a KV head's group) and split of the keys; linear
//           groups, batch * heads outermost, late rows first, splits innermost. A thread scores 8 pairs by 4 * KEYS4 keys of a
//           tile, and sums 8 pairs by 4 * OUTPUTS channels.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), tiled as in FlashAttention (Dao et al. 2022).
//           32 channels are staged a turn for scores, CHUNKS turns; then 32 keys' weights a part, with 4 * STAGE_KEYS4 of their
//           values at a time. Places in workgroup memory are numbers but for one index: no bound is checked in inner loops.
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
  scale: f32,
  slide: u32,
  tokens: u32,
  splits: u32,
  parts: u32,
  first_part: u32,
}

// Less than any score that is not hidden; hidden ones are less than it.
const LOWEST = -1.0e38f;
const HIDDEN = -3.0e38f;
const LOG2_E = 1.4426950408889634f;
const PAIRS = 64u;
const TILE_KEYS = 4u * KEYS4 * XS;
const SCORES = 8u * THREAD_KEYS;
const PARTS = TILE_KEYS / 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;

// [pair / 8][pair % 8][..]: queries' channels, then highest scores, then weights of 32 keys. Rows of nine keep neighbours on
// other banks.
var<workgroup> left: array<array<array<vec4<f32>, 9>, 8>, 8>;
// [key / XS][key % XS][..]: keys' channels; then values, a thread's channels of key k in output j at place OUTPUTS k + j.
var<workgroup> right: array<array<array<vec4<f32>, 9>, XS>, THREAD_KEYS>;
var<workgroup> attended: u32;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let linear = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (linear >= params.group_count) {
    return;
  }
  let group = linear / params.splits;
  let split = linear % params.splits;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let first_pair = (tiles - 1u - group % tiles) * PAIRS;
  let head = (group / tiles) % params.heads;
  let sequence = group / (tiles * params.heads);
  let y = lane / XS;
  let x = lane % XS;
  let base = sequence * params.sequence_stride + head * params.head_stride;
  if (lane == 0u) {
    attended = count_of(sequence, head);
  }
  let count = workgroupUniformLoad(&attended);

  // The rows of this workgroup see keys up to last, the first of them up to first_end.
  let last = end_of(count, min(first_pair + PAIRS - 1u, pairs - 1u) / share);
  let first_end = end_of(count, first_pair / share);
  let first = select(0u, (first_end - min(first_end, params.slide)) / TILE_KEYS * TILE_KEYS, params.slide > 0u);
  let all = (last - first + TILE_KEYS - 1u) / TILE_KEYS;
  let own = (all + params.splits - 1u) / params.splits;
  let tile_begin = first + min(split * own, all) * TILE_KEYS;
  let tile_end = min(last, tile_begin + own * TILE_KEYS);
  // What a thread loads: member lane / 8 of every XS, channels lane % 8 of a turn's eight vec4s.
  let member = lane / 8u;
  let loaded4 = lane % 8u;
  var query_places: array<u32, QUERY_LOADS>;
  for (var load = 0u; load < QUERY_LOADS; load++) { // unrolled
    query_places[load] = query_first(min(first_pair + load * XS + member, pairs - 1u), share, head, sequence);
  }

  let scale = params.scale * LOG2_E;
  var most: array<f32, 8>;
  var weight: array<f32, 8>;
  for (var r = 0u; r < 8u; r++) { // unrolled
    most[r] = LOWEST;
  }
  var sums: array<vec4<f32>, 8u * OUTPUTS>;
  for (var tile = tile_begin; tile < tile_end; tile += TILE_KEYS) {
    var scores = array<f32, SCORES>();
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let channel4 = chunk * 8u + loaded4;
      workgroupBarrier();
      for (var load = 0u; load < QUERY_LOADS; load++) { // unrolled
        var query = vec4<f32>();
        if (channel4 < D4) {
          query = queries[query_places[load] + channel4];
        }
        left[load * (XS / 8u) + member / 8u][member % 8u][loaded4] = query;
      }
      for (var load = 0u; load < THREAD_KEYS; load++) { // unrolled
        var key = vec4<f32>();
        if (channel4 < D4) {
          key = keys[base + min(tile + load * XS + member, last - 1u) * params.token_stride + channel4];
        }
        right[load][member][loaded4] = key;
      }
      workgroupBarrier();
      for (var c = 0u; c < 8u; c++) { // unrolled
        var query: array<vec4<f32>, 8>;
        for (var r = 0u; r < 8u; r++) { // unrolled
          query[r] = left[r][y][c];
        }
        for (var k = 0u; k < THREAD_KEYS; k++) { // unrolled
          let key = right[k][x][c];
          for (var r = 0u; r < 8u; r++) { // unrolled
            scores[r * THREAD_KEYS + k] = fma(query[r].x, key.x, scores[r * THREAD_KEYS + k]);
          }
          for (var r = 0u; r < 8u; r++) { // unrolled
            scores[r * THREAD_KEYS + k] = fma(query[r].y, key.y, scores[r * THREAD_KEYS + k]);
          }
          for (var r = 0u; r < 8u; r++) { // unrolled
            scores[r * THREAD_KEYS + k] = fma(query[r].z, key.z, scores[r * THREAD_KEYS + k]);
          }
          for (var r = 0u; r < 8u; r++) { // unrolled
            scores[r * THREAD_KEYS + k] = fma(query[r].w, key.w, scores[r * THREAD_KEYS + k]);
          }
        }
      }
    }
    // Only tiles at an end hold keys that some row does not see.
    if (tile + TILE_KEYS > first_end || params.slide > 0u) {
      for (var r = 0u; r < 8u; r++) { // unrolled
        let end = end_of(count, min(first_pair + 8u * r + y, pairs - 1u) / share);
        let begin = select(0u, end - min(end, params.slide), params.slide > 0u);
        for (var k = 0u; k < THREAD_KEYS; k++) { // unrolled
          let token = tile + XS * k + x;
          scores[r * THREAD_KEYS + k] = select(HIDDEN, scores[r * THREAD_KEYS + k], token < end && token >= begin);
        }
      }
    }
    workgroupBarrier();
    for (var r = 0u; r < 8u; r++) { // unrolled
      var highest = scores[r * THREAD_KEYS];
      for (var k = 0u; k < THREAD_KEYS; k++) { // unrolled
        highest = max(highest, scores[r * THREAD_KEYS + k]);
      }
      left[r][y][x / 4u][x % 4u] = highest;
    }
    workgroupBarrier();
    for (var r = 0u; r < 8u; r++) { // unrolled
      var highest = vec4<f32>(most[r]);
      for (var other = 0u; other < XS4; other++) { // unrolled
        highest = max(highest, left[r][y][other]);
      }
      let next = max(max(highest.x, highest.y), max(highest.z, highest.w));
      let shrink = exp2((most[r] - next) * scale);
      most[r] = next;
      weight[r] *= shrink;
      for (var k = 0u; k < THREAD_KEYS; k++) { // unrolled
        let share_of = exp2(fma(scores[r * THREAD_KEYS + k], scale, -next * scale));
        scores[r * THREAD_KEYS + k] = share_of;
        weight[r] += share_of;
      }
      for (var j = 0u; j < OUTPUTS; j++) { // unrolled
        sums[r * OUTPUTS + j] *= shrink;
      }
    }
    for (var part = 0u; part < PARTS; part++) {
      for (var stage = 0u; stage < STAGES; stage++) {
        workgroupBarrier();
        if (stage == 0u) {
          // A thread's keys x + XS * (4 g + 0..3) stand in the vec4 at place XS * g + x, eight places a part.
          for (var g = 0u; g < KEYS4; g++) { // unrolled
            if ((XS * g + x) / 8u == part) {
              for (var r = 0u; r < 8u; r++) { // unrolled
                left[r][y][x % 8u] = vec4<f32>(
                  scores[r * THREAD_KEYS + 4u * g],
                  scores[r * THREAD_KEYS + 4u * g + 1u],
                  scores[r * THREAD_KEYS + 4u * g + 2u],
                  scores[r * THREAD_KEYS + 4u * g + 3u],
                );
              }
            }
          }
        }
        for (var load = 0u; load < VALUE_LOADS; load++) { // unrolled
          let staged = (8u * load + y) / OUTPUTS;
          let place = 8u * part + STAGE_KEYS4 * stage + staged / 4u;
          let token = min(tile + place % XS + XS * (4u * (place / XS) + staged % 4u), last - 1u);
          let channel4 = min((8u * load + y) % OUTPUTS * XS + x, D4 - 1u);
          right[load][x][y] = values[base + token * params.token_stride + channel4];
        }
        workgroupBarrier();
        for (var eight = 0u; eight < VALUE_LOADS; eight++) { // unrolled
          for (var slot = 0u; slot < SLOTS; slot++) { // unrolled
            var weights: array<vec4<f32>, 8>;
            for (var r = 0u; r < 8u; r++) { // unrolled
              weights[r] = left[r][y][stage * STAGE_KEYS4 + eight * SLOTS + slot];
            }
            for (var i = 0u; i < 4u; i++) { // unrolled
              for (var j = 0u; j < OUTPUTS; j++) { // unrolled
                let value = right[eight][x][(4u * slot + i) * OUTPUTS + j];
                for (var r = 0u; r < 8u; r++) { // unrolled
                  sums[r * OUTPUTS + j] = fma(vec4<f32>(weights[r][i]), value, sums[r * OUTPUTS + j]);
                }
              }
            }
          }
        }
      }
    }
  }

  workgroupBarrier();
  for (var r = 0u; r < 8u; r++) { // unrolled
    left[r][y][x / 4u][x % 4u] = weight[r];
  }
  workgroupBarrier();
  for (var r = 0u; r < 8u; r++) { // unrolled
    var total = vec4<f32>();
    for (var other = 0u; other < XS4; other++) { // unrolled
      total += left[r][y][other];
    }
    let pair = first_pair + 8u * r + y;
    if (pair < pairs) {
      let whole = (total.x + total.y) + (total.z + total.w);
      var place = query_first(pair, share, head, sequence);
      var factor = 1.0 / whole;
      if (SPLIT == 1u) {
        place = part_first(pair, pairs, head, sequence, split);
        factor = 1.0;
        if (x == 0u) {
          output[place + D4] = vec4<f32>(most[r] * params.scale, whole, 0.0, 0.0);
        }
      }
      for (var j = 0u; j < OUTPUTS; j++) { // unrolled
        if (x + XS * j < D4) {
          output[place + x + XS * j] = sums[r * OUTPUTS + j] * factor;
        }
      }
    }
  }
}
`,
  },
  attention_transposed: {
    name: "attention_transposed",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "first_sequence", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "sequence_stride", type: "u32" },
      { name: "head_stride", type: "u32" },
      { name: "token_stride", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "slide", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "split_keys", type: "u32" },
      { name: "sequences", type: "u32" },
      { name: "parts", type: "u32" },
      { name: "first_part", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "values", kind: "read" },
      { binding: 4, name: "counts", kind: "read" },
      { binding: 5, name: "output", kind: "write" },
    ],
    text: `// Causal attention with grouped heads and an online softmax through workgroup memory: for GPUs, in prefill. Both sides lie
// transposed, for 4 * FOURS pairs (1 or 2 FOURS) by 8 keys a thread with few registers. Little memory a workgroup: an H100's
// processor has 48 KB for all.
//
// Shapes:   queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32 as vec4, addressed by strides (in
//           vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros; counts u32 [batch, selections]:
//           tokens from the first key on to the last row's own, of which the first \`tokens\` keys are here. SPLIT: output is what
//           attention_join.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and behind them the highest score and the
//           weights' sum; this call's parts are first_part to first_part + splits
// Dispatch: one workgroup of SIDE_ROWS x SIDE threads per ROWS * SIDE_ROWS pairs (row, query head of a KV head's group) and
//           split_keys keys; linear groups: late rows first, then splits, heads and sequences innermost, so that what takes longest
//           starts first. A thread scores ROWS pairs (8, or 4) by 8 keys, and sums ROWS pairs by 4 * OUTPUTS channels, OUTPUTS =
//           D4 / SIDE rounded up: 1 or 2.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), tiled as in FlashAttention (Dao et al. 2022). 16
//           channels are staged a turn for scores, TURNS turns; then 16 keys' weights and values a part. What comes next is
//           loaded into registers while a thread multiplies: 8 % faster for heads of 128 channels on an H200.
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
  scale: f32,
  slide: u32,
  tokens: u32,
  splits: u32,
  split_keys: u32,
  sequences: u32,
  parts: u32,
  first_part: u32,
}

// Less than any score that is not hidden; hidden ones are less than it.
const LOWEST = -1.0e38f;
const HIDDEN = -3.0e38f;
const LOG2_E = 1.4426950408889634f;
const THREADS = SIDE_ROWS * SIDE;
const PAIRS = ROWS * SIDE_ROWS;
const TILE_KEYS = 8u * SIDE;
const PARTS = SIDE / 2u;
// Vectors of a key's values that are staged, some of them past its channels.
const VALUES4 = SIDE * OUTPUTS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;

// [channel of the turn][..][..]: pair 4 * place + i; then [key of the part][..][..]: pairs' weights.
var<workgroup> left: array<array<vec4<f32>, FOURS * SIDE_ROWS + 1u>, 16>;
// [channel of the turn][..][..]: key 4 * place + i; then [pair / 8][SIDE4 * (pair % 8) + ..][..]: a pair's numbers of SIDE threads;
// then [key of the part][..]: its values.
var<workgroup> right: array<array<vec4<f32>, 2u * SIDE + 1u>, 16>;
var<workgroup> attended: u32;

// What a thread stages: four channels of a query, none behind its last; where those of a key or value lie.
fn query_at(place: u32, channel4: u32) -> vec4<f32> {
  return select(vec4<f32>(), queries[place + min(channel4, D4 - 1u)], channel4 < D4);
}

fn place_of(base: u32, token: u32, channel4: u32) -> u32 {
  return base + token * params.token_stride + min(channel4, D4 - 1u);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let linear = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (linear >= params.group_count) {
    return;
  }
  let head = linear % params.heads;
  let sequence = linear / params.heads % params.sequences;
  let unit = linear / (params.heads * params.sequences);
  let split = unit % params.splits;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let first_pair = (tiles - 1u - unit / params.splits) * PAIRS;
  let y = lane / SIDE;
  let x = lane % SIDE;
  let base = sequence * params.sequence_stride + head * params.head_stride;
  if (lane == 0u) {
    attended = count_of(sequence, head);
  }
  let count = workgroupUniformLoad(&attended);

  // The rows of this workgroup see keys up to last, the first of them up to first_end.
  let last = end_of(count, min(first_pair + PAIRS - 1u, pairs - 1u) / share);
  let first_end = end_of(count, first_pair / share);
  let first = select(0u, (first_end - min(first_end, params.slide)) / TILE_KEYS * TILE_KEYS, params.slide > 0u);
  let tile_begin = first + split * params.split_keys;
  let tile_end = min(last, tile_begin + params.split_keys);
  if (SPLIT == 1u && tile_begin >= tile_end) {
    for (var pair = first_pair + lane; pair < min(first_pair + PAIRS, pairs); pair += THREADS) {
      output[part_first(pair, pairs, head, sequence, split) + D4] = vec4<f32>();
    }
    return;
  }

  // A thread stages channels half of a turn's, and half + 2, of every THREADS / 2 queries or keys: a warp's stores meet no bank
  // twice.
  let member = lane / 2u;
  let half = lane % 2u;
  var query_places: array<u32, PLACES_LEFT>;
  for (var load = 0u; load < PLACES_LEFT; load++) { // unrolled
    query_places[load] = query_first(min(first_pair + member + load * (THREADS / 2u), pairs - 1u), share, head, sequence);
  }
  let scale = params.scale * LOG2_E;
  var most: array<f32, ROWS>;
  var weight: array<f32, ROWS>;
  for (var r = 0u; r < ROWS; r++) { // unrolled
    most[r] = LOWEST;
  }
  var sums: array<vec4<f32>, ROWS * OUTPUTS>;
  // Of pair r: its scores of keys 4 * x to 4 * x + 3, and of those half a tile further.
  var scores: array<vec4<f32>, SCORES>;
  var next_left: array<vec4<f32>, LOADS_LEFT>;
  var next_right: array<vec4<f32>, LOADS_RIGHT>;
  var next_value: array<vec4<f32>, LOADS_VALUES>;
  for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
    next_left[load] = query_at(query_places[load / 2u], 2u * (load % 2u) + half);
  }
  for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
    let key = member + load / 2u * (THREADS / 2u);
    next_right[load] = keys[place_of(base, min(tile_begin + key, last - 1u), 2u * (load % 2u) + half)];
  }
  for (var tile = tile_begin; tile < tile_end; tile += TILE_KEYS) {
    for (var s = 0u; s < SCORES; s++) { // unrolled
      scores[s] = vec4<f32>();
    }
    for (var turn = 0u; turn < TURNS; turn++) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        let row = member + load / 2u * (THREADS / 2u);
        let k = 8u * (load % 2u) + 4u * half;
        for (var c = 0u; c < 4u; c++) { // unrolled
          left[k + c][row / 4u][row % 4u] = next_left[load][c];
        }
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        let key = member + load / 2u * (THREADS / 2u);
        let k = 8u * (load % 2u) + 4u * half;
        for (var c = 0u; c < 4u; c++) { // unrolled
          right[k + c][key / 4u][key % 4u] = next_right[load][c];
        }
      }
      workgroupBarrier();
      if (turn + 1u < TURNS) {
        for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
          next_left[load] = query_at(query_places[load / 2u], 4u * turn + 4u + 2u * (load % 2u) + half);
        }
        for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
          let key = member + load / 2u * (THREADS / 2u);
          next_right[load] = keys[place_of(base, min(tile + key, last - 1u), 4u * turn + 4u + 2u * (load % 2u) + half)];
        }
      }
      for (var k = 0u; k < 16u; k++) { // unrolled
        let low = right[k][x];
        let high = right[k][x + SIDE];
        for (var i = 0u; i < FOURS; i++) { // unrolled
          let a = left[k][y + i * SIDE_ROWS];
          for (var q = 0u; q < 4u; q++) { // unrolled
            scores[8u * i + 2u * q] = fma(vec4<f32>(a[q]), low, scores[8u * i + 2u * q]);
            scores[8u * i + 2u * q + 1u] = fma(vec4<f32>(a[q]), high, scores[8u * i + 2u * q + 1u]);
          }
        }
      }
    }
    for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
      let item = lane + load * THREADS;
      next_value[load] = values[place_of(base, min(tile + item / VALUES4, last - 1u), item % VALUES4)];
    }
    // Only tiles at an end hold keys that some row does not see.
    if (tile + TILE_KEYS > first_end || params.slide > 0u) {
      let low = vec4<u32>(tile + 4u * x) + vec4(0u, 1u, 2u, 3u);
      let high = low + vec4<u32>(4u * SIDE);
      for (var r = 0u; r < ROWS; r++) { // unrolled
        let pair = first_pair + 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
        let end = end_of(count, min(pair, pairs - 1u) / share);
        let begin = select(0u, end - min(end, params.slide), params.slide > 0u);
        scores[2u * r] = select(vec4<f32>(HIDDEN), scores[2u * r], (low < vec4(end)) & (low >= vec4(begin)));
        scores[2u * r + 1u] = select(vec4<f32>(HIDDEN), scores[2u * r + 1u], (high < vec4(end)) & (high >= vec4(begin)));
      }
    }
    workgroupBarrier();
    for (var r = 0u; r < ROWS; r++) { // unrolled
      let pair = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
      let four = max(scores[2u * r], scores[2u * r + 1u]);
      right[pair / 8u][pair % 8u * SIDE4 + x / 4u][x % 4u] = max(max(four.x, four.y), max(four.z, four.w));
    }
    workgroupBarrier();
    for (var r = 0u; r < ROWS; r++) { // unrolled
      let pair = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
      var highest = vec4<f32>(most[r]);
      for (var other = 0u; other < SIDE4; other++) { // unrolled
        highest = max(highest, right[pair / 8u][pair % 8u * SIDE4 + other]);
      }
      let next = max(max(highest.x, highest.y), max(highest.z, highest.w));
      let shrink = exp2((most[r] - next) * scale);
      most[r] = next;
      scores[2u * r] = exp2(fma(scores[2u * r], vec4<f32>(scale), vec4<f32>(-next * scale)));
      scores[2u * r + 1u] = exp2(fma(scores[2u * r + 1u], vec4<f32>(scale), vec4<f32>(-next * scale)));
      let four = scores[2u * r] + scores[2u * r + 1u];
      weight[r] = fma(weight[r], shrink, (four.x + four.y) + (four.z + four.w));
      for (var j = 0u; j < OUTPUTS; j++) { // unrolled
        sums[r * OUTPUTS + j] *= shrink;
      }
    }
    // Keys past the last one weigh nothing in any row.
    let parts = min(PARTS, (tile_end - tile + 15u) / 16u);
    for (var part = 0u; part < parts; part++) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
        let item = lane + load * THREADS;
        right[item / VALUES4][item % VALUES4] = next_value[load];
      }
      // Four threads of a row hold the part's keys, low ones in the first half of the parts.
      if (x / 4u == part % SIDE4) {
        if (part < SIDE4) {
          for (var c = 0u; c < 4u; c++) { // unrolled
            for (var i = 0u; i < FOURS; i++) { // unrolled
              left[x % 4u * 4u + c][y + i * SIDE_ROWS] = vec4<f32>(
                scores[8u * i][c],
                scores[8u * i + 2u][c],
                scores[8u * i + 4u][c],
                scores[8u * i + 6u][c],
              );
            }
          }
        } else {
          for (var c = 0u; c < 4u; c++) { // unrolled
            for (var i = 0u; i < FOURS; i++) { // unrolled
              left[x % 4u * 4u + c][y + i * SIDE_ROWS] = vec4<f32>(
                scores[8u * i + 1u][c],
                scores[8u * i + 3u][c],
                scores[8u * i + 5u][c],
                scores[8u * i + 7u][c],
              );
            }
          }
        }
      }
      workgroupBarrier();
      if (part + 1u < parts) {
        for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
          let item = lane + load * THREADS;
          next_value[load] = values[place_of(base, min(tile + 16u * part + 16u + item / VALUES4, last - 1u), item % VALUES4)];
        }
      }
      for (var k = 0u; k < 16u; k++) { // unrolled
        for (var i = 0u; i < FOURS; i++) { // unrolled
          let a = left[k][y + i * SIDE_ROWS];
          for (var j = 0u; j < OUTPUTS; j++) { // unrolled
            let value = right[k][x + j * SIDE];
            for (var q = 0u; q < 4u; q++) { // unrolled
              sums[(4u * i + q) * OUTPUTS + j] = fma(vec4<f32>(a[q]), value, sums[(4u * i + q) * OUTPUTS + j]);
            }
          }
        }
      }
    }
    for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
      next_left[load] = query_at(query_places[load / 2u], 2u * (load % 2u) + half);
    }
    for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
      let key = min(tile + TILE_KEYS + member + load / 2u * (THREADS / 2u), last - 1u);
      next_right[load] = keys[place_of(base, key, 2u * (load % 2u) + half)];
    }
  }

  workgroupBarrier();
  for (var r = 0u; r < ROWS; r++) { // unrolled
    let pair = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
    right[pair / 8u][pair % 8u * SIDE4 + x / 4u][x % 4u] = weight[r];
  }
  workgroupBarrier();
  for (var r = 0u; r < ROWS; r++) { // unrolled
    let in_tile = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
    var total = vec4<f32>();
    for (var other = 0u; other < SIDE4; other++) { // unrolled
      total += right[in_tile / 8u][in_tile % 8u * SIDE4 + other];
    }
    let pair = first_pair + in_tile;
    if (pair < pairs) {
      let whole = (total.x + total.y) + (total.z + total.w);
      var place = query_first(pair, share, head, sequence);
      var factor = 1.0 / whole;
      if (SPLIT == 1u) {
        place = part_first(pair, pairs, head, sequence, split);
        factor = 1.0;
        if (x == 0u) {
          output[place + D4] = vec4<f32>(most[r] * params.scale, whole, 0.0, 0.0);
        }
      }
      for (var j = 0u; j < OUTPUTS; j++) { // unrolled
        if (x + SIDE * j < D4) {
          output[place + x + SIDE * j] = sums[r * OUTPUTS + j] * factor;
        }
      }
    }
  }
}
`,
  },
  block_bounds: {
    name: "block_bounds",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "sequence", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "size", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "first_block", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "keys", kind: "read" },
      { binding: 2, name: "bounds", kind: "write" },
    ],
    text: `// The smallest and the largest value of each channel over the keys of each block.
//
// Shapes:   keys f32 [batch, heads, bound, padded], gathered, of which one sequence's first blocks * block_tokens tokens are
//           read; bounds f32 [.., heads, 2, size], written from block \`first_block\` on
// Dispatch: one thread per block, KV head and channel, linear groups
// Source:   Quest (arXiv 2406.10774), section 3.2: a page's metadata

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  size: u32,
  bound: u32,
  padded: u32,
  blocks: u32,
  block_tokens: u32,
  first_block: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> bounds: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.blocks * params.heads * params.size) {
    return;
  }
  let c = thread % params.size;
  let head = (thread / params.size) % params.heads;
  let block = thread / (params.size * params.heads);
  let first = ((params.sequence * params.heads + head) * params.bound + block * params.block_tokens) * params.padded + c;
  var lowest = keys[first];
  var highest = lowest;
  for (var token = 1u; token < params.block_tokens; token++) {
    let value = keys[first + token * params.padded];
    lowest = min(lowest, value);
    highest = max(highest, value);
  }
  let goal = ((params.first_block + block) * params.heads + head) * 2u * params.size + c;
  bounds[goal] = lowest;
  bounds[goal + params.size] = highest;
}
`,
  },
  block_representatives: {
    name: "block_representatives",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "sequence", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "first_block", type: "u32" },
      { name: "representatives", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "relevance", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "vectors", kind: "write" },
    ],
    text: `// The sum of the keys of each block's most relevant tokens.
//
// Shapes:   relevance f32 [heads, blocks * block_tokens]; keys f32 [batch, heads, bound, padded], gathered, one sequence's;
//           vectors f32 [.., heads, size], written from block \`first_block\` on
// Dispatch: one thread per block and KV head, linear groups
// Source:   InfLLM (arXiv 2402.04617), section 3.2: the r tokens of a block with the highest scores represent it, and its
//           relevance to a query is the sum of their products, so the sum of their keys is all that is needed. Of equal tokens
//           the earlier comes first.

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  bound: u32,
  padded: u32,
  blocks: u32,
  block_tokens: u32,
  first_block: u32,
  representatives: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> relevance: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read_write> vectors: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.blocks * params.heads) {
    return;
  }
  let head = thread % params.heads;
  let block = thread / params.heads;
  let first = block * params.block_tokens;
  let scores = head * params.blocks * params.block_tokens + first;
  var sum: array<f32, SIZE>;
  // Each turn finds the best token that is worse than the one before.
  var limit = 3.0e38f;
  var last = 0u;
  for (var turn = 0u; turn < min(params.representatives, params.block_tokens); turn++) {
    var best = LOWEST;
    var chosen = 0u;
    for (var token = 0u; token < params.block_tokens; token++) {
      let score = relevance[scores + token];
      let open = score < limit || (score == limit && token > last && turn > 0u);
      if (open && score > best) {
        best = score;
        chosen = token;
      }
    }
    limit = best;
    last = chosen;
    let key = ((params.sequence * params.heads + head) * params.bound + first + chosen) * params.padded;
    for (var c = 0u; c < SIZE; c++) { // unrolled
      sum[c] += keys[key + c];
    }
  }
  let goal = ((params.first_block + block) * params.heads + head) * SIZE;
  for (var c = 0u; c < SIZE; c++) { // unrolled
    vectors[goal + c] = sum[c];
  }
}
`,
  },
  cache_append: {
    name: "cache_append",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "keys", kind: "read" },
      { binding: 2, name: "values", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "key_pages", kind: "write" },
      { binding: 6, name: "value_pages", kind: "write" },
    ],
    text: `// Writes one step's new keys and values into the pages of the KV cache, before any rotation.
//
// Shapes:   keys, values [batch, step_rows, heads, head_size] f32; key_pages, value_pages: one slab of the cache (pages slab_first ..),
//           stored as parts/stores_keys_*.wgsl and stores_values_*.wgsl say, each as floats or int8; table [batch, table_stride], the
//           page of each run of page_tokens tokens; parts [batch, 4] u32: tokens cached with this step, leading tokens, start of the
//           window, middle length
// Dispatch: one thread per four channels of a new token: batch * step_rows * heads * D4 threads, linear groups
// Source:   ALGORITHM: the cache keeps keys without rotary positions, ReAttention (arXiv 2407.15176) section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
}

// uses parts/append_place.wgsl
// uses parts/int8_bytes.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> key_pages: array<StoredKey>;
@group(0) @binding(6) var<storage, read_write> value_pages: array<StoredValue>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let place = append_place(group, lane);
  if (!place.here) {
    return;
  }
  var key = vec4<f32>();
  var value = vec4<f32>();
  for (var i = 0u; i < 4u; i++) { // unrolled
    // Head sizes that are no multiple of four end in zeros, which add nothing to any dot product.
    let c = 4u * place.c4 + i;
    let at = place.first + min(c, params.head_size - 1u);
    key[i] = select(0.0, keys[at], c < params.head_size);
    value[i] = select(0.0, values[at], c < params.head_size);
  }
  store_key(place.slot, place.c4, key, place.first);
  store_value(place.slot, place.c4, value, place.first);
}
`,
  },
  cache_append_keys: {
    name: "cache_append_keys",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "keys", kind: "read" },
      { binding: 2, name: "table", kind: "read" },
      { binding: 3, name: "parts", kind: "read" },
      { binding: 4, name: "key_pages", kind: "write" },
    ],
    text: `// Writes one step's new keys into the pages of the KV cache, before any rotation: for caches whose values lie outside the GPU.
//
// Shapes:   as cache_append.wgsl, without values
// Dispatch: one thread per four channels of a new token: batch * step_rows * heads * D4 threads, linear groups
// Source:   as cache_append.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
}

// uses parts/append_place.wgsl
// uses parts/int8_bytes.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> key_pages: array<StoredKey>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let place = append_place(group, lane);
  if (!place.here) {
    return;
  }
  var key = vec4<f32>();
  for (var i = 0u; i < 4u; i++) { // unrolled
    // Head sizes that are no multiple of four end in zeros, which add nothing to any dot product.
    let c = 4u * place.c4 + i;
    key[i] = select(0.0, keys[place.first + min(c, params.head_size - 1u)], c < params.head_size);
  }
  store_key(place.slot, place.c4, key, place.first);
}
`,
  },
  cast: {
    name: "cast",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Converts elements from one type to another.
//
// Shapes:   x [count] of From, y [count] of To
// Dispatch: one thread per element, linear groups
// Source:   WGSL's value conversions; made definite where WGSL leaves a choice: floats become whole numbers by dropping the
//           fraction, clamped to the target's range, NaN gives 0; f32 becomes f16 by rounding to nearest, ties to even.
//           TO_KIND: 0 f32, 1 f16, 2 i32, 3 u32; FROM_FLOAT: 1 where From is f32 or f16.

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<From>;
@group(0) @binding(2) var<storage, read_write> y: array<To>;

// Rounds to a value that f16 holds, so that the driver's own rounding has nothing left to choose.
fn round_to_half(value: f32) -> f32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) {
    return value;
  }
  if (magnitude < 0x38800000u) {
    // Subnormal halves are multiples of 2^-24; WGSL's round goes to even.
    return round(value * 16777216.0) / 16777216.0;
  }
  let rounded = (magnitude + 0xfffu + ((magnitude >> 13u) & 1u)) & 0xffffe000u;
  let limited = select(rounded, 0x7f800000u, rounded >= 0x47800000u);
  return bitcast<f32>(limited | (bits & 0x80000000u));
}

fn is_nan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

// The largest float below 2^31 or 2^32 is 128 or 256 short of the largest whole number: those are picked apart.
fn to_i32(value: f32) -> i32 {
  if (is_nan(value)) {
    return 0;
  }
  return select(i32(clamp(value, -2147483648.0, 2147483520.0)), 2147483647, value >= 2147483648.0);
}

fn to_u32(value: f32) -> u32 {
  if (is_nan(value)) {
    return 0u;
  }
  return select(u32(clamp(value, 0.0, 4294967040.0)), 0xffffffffu, value >= 4294967296.0);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  if (TO_KIND == 1u) {
    y[index] = To(round_to_half(f32(x[index])));
  } else if (TO_KIND == 2u && FROM_FLOAT == 1u) {
    y[index] = To(to_i32(f32(x[index])));
  } else if (TO_KIND == 3u && FROM_FLOAT == 1u) {
    y[index] = To(to_u32(f32(x[index])));
  } else {
    y[index] = To(x[index]);
  }
}
`,
  },
  cast_votes: {
    name: "cast_votes",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "entries", type: "u32" },
      { name: "votes_stride", type: "u32" },
      { name: "candidates_stride", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "best_tokens", kind: "read" },
      { binding: 2, name: "votes", kind: "write" },
      { binding: 3, name: "candidates", kind: "write" },
      { binding: 4, name: "candidate_counts", kind: "write" },
    ],
    text: `// Casts one vote for each token that a query's list holds: where lists are whole, and nothing is left to merge.
//
// Shapes:   best_tokens u32 [selections, entries], the lists of all queries that vote together, NONE where there is no token; votes
//           u32 [selections, votes_stride], zero before; candidates u32 [selections, candidates_stride], every token with a vote
//           once, in no order; candidate_counts u32 [selections], zero before
// Dispatch: one workgroup of WORKGROUP threads per selection and WORKGROUP entries, entries fastest; linear groups
// Source:   ALGORITHM section 5: votes[j] = number of (head, row) whose k best hold j; ReAttention section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  entries: u32,
  votes_stride: u32,
  candidates_stride: u32,
}

override WORKGROUP: u32 = 64u;

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> votes: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(4) var<storage, read_write> candidate_counts: array<atomic<u32>>;

// New candidates of this workgroup, and where they go: one wait for the common count instead of one each.
var<workgroup> fresh: atomic<u32>;
var<workgroup> first_place: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let parts = (params.entries + WORKGROUP - 1u) / WORKGROUP;
  let selection = group / parts;
  let entry = group % parts * WORKGROUP + lane;
  var token = NONE;
  if (entry < params.entries) {
    token = best_tokens[selection * params.entries + entry];
  }
  var place = NONE;
  if (token != NONE && atomicAdd(&votes[selection * params.votes_stride + token], 1u) == 0u) {
    place = atomicAdd(&fresh, 1u);
  }
  workgroupBarrier();
  if (lane == 0u) {
    first_place = atomicAdd(&candidate_counts[selection], atomicLoad(&fresh));
  }
  let first = workgroupUniformLoad(&first_place);
  if (place != NONE) {
    candidates[selection * params.candidates_stride + first + place] = token;
  }
}
`,
  },
  causal_attention: {
    name: "causal_attention",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "first_sequence", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "sequence_stride", type: "u32" },
      { name: "head_stride", type: "u32" },
      { name: "token_stride", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "slide", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "parts", type: "u32" },
      { name: "first_part", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "values", kind: "read" },
      { binding: 4, name: "counts", kind: "read" },
      { binding: 5, name: "output", kind: "write" },
    ],
    text: `// Causal attention with grouped heads and an online softmax: the score matrix is never written.
//
// Shapes:   queries, output [batch, step_rows, query_heads, head_size] f32; keys, values f32 as vec4, addressed by strides
//           (in vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros; counts u32
//           [batch, selections], the tokens attended to, of the whole batch, of which the first \`tokens\` keys are here (all of
//           them without selections: counts is not read); the others may hold sequences from first_sequence on, where a batch is
//           past one binding. SPLIT: output is what
//           attention_combine.wgsl joins, [batch, heads, pairs, parts, 4 * D4 + 4], this call's part being first_part: sums, and
//           behind them the highest score and the weights' sum
// Dispatch: one thread per PAIRS pairs (row, query head of a KV head's group), linear groups, batch * heads outermost.
//           Where slide is not 0, row i sees the last \`slide\` of its keys only.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6); online softmax after Milakov and
//           Gimelshein 2018, tiled as in FlashAttention (Dao et al. 2022). Software adapters take most of their time to load
//           keys and values: what is loaded for eight pairs costs them little more than for two.
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
  scale: f32,
  slide: u32,
  tokens: u32,
  parts: u32,
  first_part: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

fn total(x: vec4<f32>) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles + WORKGROUP - 1u) / WORKGROUP;
  let tile = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || tile >= tiles) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let count = count_of(sequence, head);

  // Row i sees the keys up to count - step_rows + i; the last of the rows bounds the loop.
  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var firsts: array<u32, PAIRS>;
  var begins: array<u32, PAIRS>;
  var ends: array<u32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(tile * PAIRS + p, pairs - 1u);
    let row = pair / share;
    firsts[p] = ((sequence * params.step_rows + row) * params.query_heads + head * share + pair % share) * params.head_size;
    ends[p] = end_of(count, row);
    begins[p] = select(0u, ends[p] - min(ends[p], params.slide), params.slide > 0u);
    for (var c4 = 0u; c4 < D4; c4++) { // unrolled
      for (var c = 0u; c < 4u; c++) { // unrolled
        if (4u * c4 + c < params.head_size) {
          queries_of[p][c4][c] = queries[firsts[p] + 4u * c4 + c] * params.scale;
        }
      }
    }
  }
  let base = sequence * params.sequence_stride + head * params.head_stride;
  let last = ends[PAIRS - 1u];
  var sums: array<array<vec4<f32>, D4>, PAIRS>;
  var most: array<f32, PAIRS>;
  var weights: array<f32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    most[p] = LOWEST;
  }
  for (var token = begins[0]; token < last; token += 2u) {
    let a = base + token * params.token_stride;
    let b = select(a, a + params.token_stride, token + 1u < last);
    var scores0 = array<vec4<f32>, PAIRS>();
    var scores1 = array<vec4<f32>, PAIRS>();
    for (var c = 0u; c < D4; c++) { // unrolled
      let key0 = keys[a + c];
      let key1 = keys[b + c];
      for (var p = 0u; p < PAIRS; p++) { // unrolled
        scores0[p] = fma(queries_of[p][c], key0, scores0[p]);
        scores1[p] = fma(queries_of[p][c], key1, scores1[p]);
      }
    }
    var weights0: array<f32, PAIRS>;
    var weights1: array<f32, PAIRS>;
    var shrinks: array<f32, PAIRS>;
    for (var p = 0u; p < PAIRS; p++) { // unrolled
      let seen0 = token < ends[p] && token >= begins[p];
      let seen1 = token + 1u < ends[p] && token + 1u >= begins[p];
      let score0 = select(LOWEST, total(scores0[p]), seen0);
      let score1 = select(LOWEST, total(scores1[p]), seen1);
      let next = max(most[p], max(score0, score1));
      shrinks[p] = exp(most[p] - next);
      weights0[p] = select(0.0, exp(score0 - next), seen0);
      weights1[p] = select(0.0, exp(score1 - next), seen1);
      most[p] = next;
      weights[p] = weights[p] * shrinks[p] + (weights0[p] + weights1[p]);
    }
    for (var c = 0u; c < D4; c++) { // unrolled
      let value0 = values[a + c];
      let value1 = values[b + c];
      for (var p = 0u; p < PAIRS; p++) { // unrolled
        sums[p][c] = fma(vec4<f32>(weights1[p]), value1, fma(vec4<f32>(weights0[p]), value0, sums[p][c] * shrinks[p]));
      }
    }
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (tile * PAIRS + p < pairs) {
      var place = firsts[p];
      var divisor = weights[p];
      if (SPLIT == 1u) {
        place = 4u * part_first(tile * PAIRS + p, pairs, head, sequence, 0u);
        divisor = 1.0;
        output[place + 4u * D4] = most[p];
        output[place + 4u * D4 + 1u] = weights[p];
      }
      for (var c4 = 0u; c4 < D4; c4++) { // unrolled
        for (var c = 0u; c < 4u; c++) { // unrolled
          if (SPLIT == 1u || 4u * c4 + c < params.head_size) {
            output[place + 4u * c4 + c] = sums[p][c4][c] / divisor;
          }
        }
      }
    }
  }
}
`,
  },
  causal_attention_image: {
    name: "causal_attention_image",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "first_sequence", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "sequence_stride", type: "u32" },
      { name: "head_stride", type: "u32" },
      { name: "token_stride", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "slide", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "parts", type: "u32" },
      { name: "first_part", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "image" },
      { binding: 3, name: "values", kind: "image" },
      { binding: 4, name: "counts", kind: "read" },
      { binding: 5, name: "output", kind: "write" },
    ],
    text: `// The same as causal_attention.wgsl with keys and values that were copied to images: for software adapters.
//
// Shapes:   queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32, addressed by strides (in texels) for
//           sequence, KV head and token, D4 texels each, padded with zeros, as images of WIDTH texels a row, a multiple of D4;
//           counts u32 [batch, selections], the tokens attended to, not read without selections; SPLIT: output is what
//           attention_combine.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and behind them the highest score and the
//           weights' sum; this call's parts are first_part to first_part + splits
// Dispatch: one thread per PAIRS pairs (row, query head of a KV head's group) and split of the keys, TOKENS of them at a time; pairs
//           fastest; linear groups, batch * heads outermost. Where slide is not 0, row i sees the last \`slide\` of its keys only.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), by an online softmax as in causal_attention.wgsl.
//           llvmpipe loads a texel as one vector, a storage buffer number by number. Few rows leave most lanes of a SIMD register
//           idle, unless each takes a part of the keys.
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
  scale: f32,
  slide: u32,
  tokens: u32,
  splits: u32,
  parts: u32,
  first_part: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var keys: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var values: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles * params.splits + WORKGROUP - 1u) / WORKGROUP;
  let own = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || own >= tiles * params.splits) {
    return;
  }
  let tile = own % tiles;
  let split = own / tiles;
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let count = count_of(sequence, head);

  // Row i sees the keys up to count - step_rows + i; the last of the rows bounds the loop.
  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var firsts: array<u32, PAIRS>;
  var begins: array<u32, PAIRS>;
  var ends: array<u32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(tile * PAIRS + p, pairs - 1u);
    let row = pair / share;
    firsts[p] = query_first(pair, share, head, sequence);
    ends[p] = end_of(count, row);
    begins[p] = select(0u, ends[p] - min(ends[p], params.slide), params.slide > 0u);
    for (var c = 0u; c < D4; c++) { // unrolled
      queries_of[p][c] = queries[firsts[p] + c] * params.scale;
    }
  }
  let base = sequence * params.sequence_stride + head * params.head_stride;
  let all = ends[PAIRS - 1u] - min(begins[0], ends[PAIRS - 1u]);
  let split_keys = (all + params.splits - 1u) / params.splits;
  let first = begins[0] + min(split * split_keys, all);
  let last = begins[0] + min((split + 1u) * split_keys, all);
  var sums: array<array<vec4<f32>, D4>, PAIRS>;
  var most: array<f32, PAIRS>;
  var weights: array<f32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    most[p] = LOWEST;
  }
  for (var token = first; token < last; token += TOKENS) {
    var places: array<vec2<u32>, TOKENS>;
    for (var n = 0u; n < TOKENS; n++) { // unrolled
      let place = base + min(token + n, last - 1u) * params.token_stride;
      places[n] = vec2(place % WIDTH, place / WIDTH);
    }
    var scores = array<array<f32, TOKENS>, PAIRS>();
    for (var c = 0u; c < D4; c++) { // unrolled
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        let key = textureLoad(keys, places[n] + vec2(c, 0u));
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          let query = queries_of[p][c];
          scores[p][n] = fma(query.w, key.w, fma(query.z, key.z, fma(query.y, key.y, fma(query.x, key.x, scores[p][n]))));
        }
      }
    }
    var shrinks: array<f32, PAIRS>;
    for (var p = 0u; p < PAIRS; p++) { // unrolled
      var next = most[p];
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        let seen = token + n < min(ends[p], last) && token + n >= begins[p];
        scores[p][n] = select(LOWEST, scores[p][n], seen);
        next = max(next, scores[p][n]);
      }
      shrinks[p] = exp(most[p] - next);
      most[p] = next;
      weights[p] *= shrinks[p];
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        scores[p][n] = select(exp(scores[p][n] - next), 0.0, scores[p][n] == LOWEST);
        weights[p] += scores[p][n];
      }
    }
    for (var c = 0u; c < D4; c++) { // unrolled
      for (var p = 0u; p < PAIRS; p++) { // unrolled
        sums[p][c] *= shrinks[p];
      }
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        let value = textureLoad(values, places[n] + vec2(c, 0u));
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          sums[p][c] = fma(vec4<f32>(scores[p][n]), value, sums[p][c]);
        }
      }
    }
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (tile * PAIRS + p < pairs) {
      var place = firsts[p];
      var factor = 1.0 / weights[p];
      if (SPLIT == 1u) {
        place = part_first(tile * PAIRS + p, pairs, head, sequence, split);
        factor = 1.0;
        output[place + D4] = vec4(most[p], weights[p], 0.0, 0.0);
      }
      for (var c = 0u; c < D4; c++) { // unrolled
        output[place + c] = sums[p][c] * factor;
      }
    }
  }
}
`,
  },
  chunk_features: {
    name: "chunk_features",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "sequence", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "chunk", type: "u32" },
      { name: "scale", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "values", kind: "read" },
      { binding: 4, name: "angles", kind: "read" },
      { binding: 5, name: "features", kind: "write" },
    ],
    text: `// Attention of each chunk's tokens to all tokens of their chunk, as if it stood alone at the start of a context.
//
// Shapes:   queries f32 [1, rows, query_heads, 2 * HALF], of which the first \`tokens\` rows are used; keys, values f32 [batch,
//           heads, bound, padded], gathered and not turned, one sequence's; angles vec2 (cos, sin) [positions, HALF]; features
//           f32 [query_heads, tokens, 2 * HALF]
// Dispatch: one thread per query head and token, linear groups
// Source:   LongHeads (arXiv 2402.10685), section 2.2: flash-attention(Q_i, K_i, V_i) of chunk i, with positions from 0

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  query_heads: u32,
  bound: u32,
  padded: u32,
  tokens: u32,
  chunk: u32,
  scale: f32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> features: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.query_heads * params.tokens) {
    return;
  }
  let token = thread % params.tokens;
  let query_head = thread / params.tokens;
  let head = query_head / (params.query_heads / params.heads);
  let query = (token * params.query_heads + query_head) * 2u * HALF;
  let first = ((params.sequence * params.heads + head) * params.bound + token / params.chunk * params.chunk) * params.padded;
  let own = token % params.chunk * HALF;
  var low_of: array<f32, HALF>;
  var high_of: array<f32, HALF>;
  for (var c = 0u; c < HALF; c++) { // unrolled
    let turn = angles[own + c];
    low_of[c] = (queries[query + c] * turn.x - queries[query + c + HALF] * turn.y) * params.scale;
    high_of[c] = (queries[query + c + HALF] * turn.x + queries[query + c] * turn.y) * params.scale;
  }
  var most = LOWEST;
  var weight = 0.0;
  var low_sum: array<f32, HALF>;
  var high_sum: array<f32, HALF>;
  for (var other = 0u; other < params.chunk; other++) {
    let at = first + other * params.padded;
    var score = 0.0;
    for (var c = 0u; c < HALF; c++) { // unrolled
      let turn = angles[other * HALF + c];
      score = fma(low_of[c], keys[at + c] * turn.x - keys[at + c + HALF] * turn.y, score);
      score = fma(high_of[c], keys[at + c + HALF] * turn.x + keys[at + c] * turn.y, score);
    }
    let next = max(most, score);
    let shrink = exp(most - next);
    let gain = exp(score - next);
    most = next;
    weight = weight * shrink + gain;
    for (var c = 0u; c < HALF; c++) { // unrolled
      low_sum[c] = fma(gain, values[at + c], low_sum[c] * shrink);
      high_sum[c] = fma(gain, values[at + c + HALF], high_sum[c] * shrink);
    }
  }
  for (var c = 0u; c < HALF; c++) { // unrolled
    features[thread * 2u * HALF + c] = low_sum[c] / weight;
    features[thread * 2u * HALF + c + HALF] = high_sum[c] / weight;
  }
}
`,
  },
  chunk_keys: {
    name: "chunk_keys",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "sequence", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "chunk", type: "u32" },
      { name: "first_chunk", type: "u32" },
      { name: "scale", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "features", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "angles", kind: "read" },
      { binding: 4, name: "chunk_keys", kind: "write" },
    ],
    text: `// One key for each chunk and query head: the chunk's mean feature attends to the chunk's keys, and what it gathers of them is
// the chunk's key.
//
// Shapes:   features f32 [query_heads, tokens, 2 * HALF]; keys f32 [batch, heads, bound, padded], gathered and not turned, one
//           sequence's; angles vec2 (cos, sin) [positions, HALF]; chunk_keys f32 [.., query_heads, 2 * HALF], written from chunk
//           \`first_chunk\` on
// Dispatch: one thread per chunk and query head, linear groups
// Source:   LongHeads (arXiv 2402.10685), section 2.2: c_i = flash-attention(mean of the features, K_i, K_i), keys turned by
//           their places in the chunk

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  query_heads: u32,
  bound: u32,
  padded: u32,
  tokens: u32,
  chunk: u32,
  first_chunk: u32,
  scale: f32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> chunk_keys: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.tokens / params.chunk * params.query_heads) {
    return;
  }
  let query_head = thread % params.query_heads;
  let chunk = thread / params.query_heads;
  let head = query_head / (params.query_heads / params.heads);
  let feature = (query_head * params.tokens + chunk * params.chunk) * 2u * HALF;
  var low_of: array<f32, HALF>;
  var high_of: array<f32, HALF>;
  for (var token = 0u; token < params.chunk; token++) {
    for (var c = 0u; c < HALF; c++) { // unrolled
      low_of[c] += features[feature + token * 2u * HALF + c] * params.scale / f32(params.chunk);
      high_of[c] += features[feature + token * 2u * HALF + c + HALF] * params.scale / f32(params.chunk);
    }
  }
  let first = ((params.sequence * params.heads + head) * params.bound + chunk * params.chunk) * params.padded;
  var most = LOWEST;
  var weight = 0.0;
  var low_sum: array<f32, HALF>;
  var high_sum: array<f32, HALF>;
  for (var other = 0u; other < params.chunk; other++) {
    let at = first + other * params.padded;
    var score = 0.0;
    var low_key: array<f32, HALF>;
    var high_key: array<f32, HALF>;
    for (var c = 0u; c < HALF; c++) { // unrolled
      let turn = angles[other * HALF + c];
      low_key[c] = keys[at + c] * turn.x - keys[at + c + HALF] * turn.y;
      high_key[c] = keys[at + c + HALF] * turn.x + keys[at + c] * turn.y;
      score = fma(low_of[c], low_key[c], fma(high_of[c], high_key[c], score));
    }
    let next = max(most, score);
    let shrink = exp(most - next);
    let gain = exp(score - next);
    most = next;
    weight = weight * shrink + gain;
    for (var c = 0u; c < HALF; c++) { // unrolled
      low_sum[c] = fma(gain, low_key[c], low_sum[c] * shrink);
      high_sum[c] = fma(gain, high_key[c], high_sum[c] * shrink);
    }
  }
  let goal = ((params.first_chunk + chunk) * params.query_heads + query_head) * 2u * HALF;
  for (var c = 0u; c < HALF; c++) { // unrolled
    chunk_keys[goal + c] = low_sum[c] / weight;
    chunk_keys[goal + c + HALF] = high_sum[c] / weight;
  }
}
`,
  },
  clip_votes: {
    name: "clip_votes",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "selections_per_sequence", type: "u32" },
      { name: "votes_stride", type: "u32" },
      { name: "candidates_stride", type: "u32" },
      { name: "centers_stride", type: "u32" },
      { name: "marks_stride", type: "u32" },
      { name: "clip", type: "u32" },
      { name: "span", type: "u32" },
      { name: "dense", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "votes", kind: "write" },
      { binding: 2, name: "candidates", kind: "read" },
      { binding: 3, name: "candidate_counts", kind: "write" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "centers", kind: "write" },
      { binding: 6, name: "center_counts", kind: "write" },
      { binding: 7, name: "marks", kind: "write" },
    ],
    text: `// Keeps the candidates with most votes and marks the spans around them.
//
// Shapes:   votes u32 [selections, votes_stride]; candidates u32 [selections, candidates_stride] in any order;
//           candidate_counts u32 [selections]: votes and counts are left as zeros, for the next layer;
//           parts [batch, 4], its last entry is the middle's length; centers u32 [selections, centers_stride, 2], the kept
//           tokens and their votes, in no order; center_counts u32 [selections]; marks u32 [selections, marks_stride], one bit
//           a token. With \`dense\` 1 votes are looked at token by token, and candidates are not read
// Dispatch: one workgroup of at least 64 threads per selection, linear groups; selections = batch * (1 or KV heads)
// Source:   ALGORITHM section 5: at most \`clip\` candidates, most votes first, ties to the lower token; then
//           clamp(c + o, 0, m - 1) for -floor(span / 2) <= o <= ceil(span / 2) - 1. The clip's place is found digit by digit,
//           by counting how many candidates have each; candidates are looked at several times.

struct Params {
  first_group: u32,
  group_count: u32,
  selections_per_sequence: u32,
  votes_stride: u32,
  candidates_stride: u32,
  centers_stride: u32,
  marks_stride: u32,
  clip: u32,
  span: u32,
  dense: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> votes: array<u32>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read_write> candidate_counts: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> centers: array<u32>;
@group(0) @binding(6) var<storage, read_write> center_counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> marks: array<atomic<u32>>;

const DIGIT_BITS = 8u;
const DIGITS = 256u;
// Digits are added up by runs; there are as many runs as digits in one.
const RUN = 16u;
// Candidates of a thread that stay in registers, and how many of the others it loads before it looks at the first.
const HELD = 16u;
const AHEAD = 4u;

var<workgroup> kept: atomic<u32>;
var<workgroup> most: atomic<u32>;
var<workgroup> digits: array<atomic<u32>, DIGITS>;
var<workgroup> runs: array<u32, RUN>;
// The digit found, and how many candidates are wanted among those that have it.
var<workgroup> found: vec2<u32>;

// Candidates with at least \`least\` votes and, among those with exactly \`least\`, a token of at most \`last\`.
fn is_kept(candidate: u32, cast_votes: u32, least: u32, last: u32) -> bool {
  return cast_votes > least || (cast_votes == least && candidate <= last);
}

// The first candidates of a thread, HELD of them, and their votes; none where there are fewer.
var<private> held_candidates: array<u32, HELD>;
var<private> held_votes: array<u32, HELD>;

fn hold(selection: u32, count: u32, lane: u32) {
  for (var i = 0u; i < HELD; i++) { // unrolled
    held_candidates[i] = min(lane + i * WORKGROUP, max(count, 1u) - 1u);
  }
  if (params.dense == 0u) {
    for (var i = 0u; i < HELD; i++) { // unrolled
      held_candidates[i] = candidates[selection * params.candidates_stride + held_candidates[i]];
    }
  }
  for (var i = 0u; i < HELD; i++) { // unrolled
    let cast_votes = votes[selection * params.votes_stride + select(0u, held_candidates[i], count > 0u)];
    held_votes[i] = select(0u, cast_votes, lane + i * WORKGROUP < count);
  }
}

struct Loaded {
  candidates: array<u32, AHEAD>,
  votes: array<u32, AHEAD>,
}

// Some of a thread's other candidates; behind the last one there is none, with no votes.
fn load_ahead(selection: u32, first: u32, count: u32) -> Loaded {
  var loaded: Loaded;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    loaded.candidates[i] = min(first + i * WORKGROUP, count - 1u);
  }
  if (params.dense == 0u) {
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      loaded.candidates[i] = candidates[selection * params.candidates_stride + loaded.candidates[i]];
    }
  }
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    let cast_votes = votes[selection * params.votes_stride + loaded.candidates[i]];
    loaded.votes[i] = select(0u, cast_votes, first + i * WORKGROUP < count);
  }
  return loaded;
}

// The most votes of any candidate.
fn most_votes(selection: u32, count: u32, lane: u32) -> u32 {
  var highest = 0u;
  for (var i = 0u; i < HELD; i++) { // unrolled
    highest = max(highest, held_votes[i]);
  }
  for (var first = lane + HELD * WORKGROUP; first < count; first += AHEAD * WORKGROUP) {
    let loaded = load_ahead(selection, first, count);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      highest = max(highest, loaded.votes[i]);
    }
  }
  atomicMax(&most, highest);
  workgroupBarrier();
  if (lane == 0u) {
    found.x = atomicLoad(&most);
  }
  return workgroupUniformLoad(&found).x;
}

// What is counted: keys that begin with a prefix, by the digit that follows. Keys are votes; or, where \`least\` is not 0, how far tokens
// with exactly \`least\` votes are from the last token.
struct Counting {
  least: u32,
  tokens: u32,
  shift: u32,
  prefix: u32,
}

// Most keys of a thread have one digit: they are counted together.
var<private> counted_digit: u32;
var<private> amount: u32;

fn add_counted() {
  if (amount > 0u) {
    atomicAdd(&digits[counted_digit], amount);
    amount = 0u;
  }
}

fn count_key(counting: Counting, candidate: u32, cast_votes: u32) {
  let key = select(counting.tokens - 1u - candidate, cast_votes, counting.least == 0u);
  let counts = cast_votes > 0u && (counting.least == 0u || cast_votes == counting.least);
  // Twice, since a shift by all 32 bits is none.
  if (counts && ((key >> counting.shift) >> DIGIT_BITS) == counting.prefix) {
    let digit = (key >> counting.shift) % DIGITS;
    if (digit != counted_digit) {
      add_counted();
      counted_digit = digit;
    }
    amount++;
  }
}

// The wanted-th largest key of at most \`bound\`, and how many are wanted among those equal to it.
fn largest(selection: u32, count: u32, least: u32, tokens: u32, bound: u32, first_wanted: u32, lane: u32) -> vec2<u32> {
  var prefix = 0u;
  var wanted = first_wanted;
  for (var left = (firstLeadingBit(bound) / DIGIT_BITS + 1u) * DIGIT_BITS; left > 0u; left -= DIGIT_BITS) {
    for (var digit = lane; digit < DIGITS; digit += WORKGROUP) {
      atomicStore(&digits[digit], 0u);
    }
    workgroupBarrier();
    let counting = Counting(least, tokens, left - DIGIT_BITS, prefix);
    counted_digit = 0u;
    amount = 0u;
    for (var i = 0u; i < HELD; i++) { // unrolled
      count_key(counting, held_candidates[i], held_votes[i]);
    }
    for (var first = lane + HELD * WORKGROUP; first < count; first += AHEAD * WORKGROUP) {
      let loaded = load_ahead(selection, first, count);
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        count_key(counting, loaded.candidates[i], loaded.votes[i]);
      }
    }
    add_counted();
    workgroupBarrier();
    // What higher digits have comes from whole runs of digits, and from the digit's own run.
    for (var run = lane; run < DIGITS / RUN; run += WORKGROUP) {
      var sum = 0u;
      for (var i = 0u; i < RUN; i++) { // unrolled
        sum += atomicLoad(&digits[run * RUN + i]);
      }
      runs[run] = sum;
    }
    workgroupBarrier();
    for (var digit = lane; digit < DIGITS; digit += WORKGROUP) {
      let own = atomicLoad(&digits[digit]);
      if (own > 0u || digit == 0u) {
        let own_run = digit / RUN;
        var above = 0u;
        for (var i = 0u; i < RUN; i++) { // unrolled
          above += select(0u, runs[i], i > own_run);
          above += select(0u, atomicLoad(&digits[own_run * RUN + i]), i > digit % RUN);
        }
        if (above < wanted && (wanted <= above + own || digit == 0u)) {
          found = vec2(digit, wanted - above);
        }
      }
    }
    workgroupBarrier();
    let next = workgroupUniformLoad(&found);
    prefix = prefix * DIGITS + next.x;
    wanted = next.y;
  }
  return vec2(prefix, wanted);
}

// Clears a candidate's votes; keeps it where it is among those with most.
fn take(selection: u32, candidate: u32, cast_votes: u32, least: u32, last: u32, tokens: u32) {
  if (cast_votes == 0u) {
    return;
  }
  votes[selection * params.votes_stride + candidate] = 0u;
  if (is_kept(candidate, cast_votes, least, last)) {
    let place = 2u * (selection * params.centers_stride + atomicAdd(&kept, 1u));
    centers[place] = candidate;
    centers[place + 1u] = cast_votes;
    mark_span(selection, candidate, tokens);
  }
}

fn mark_span(selection: u32, center: u32, tokens: u32) {
  let before = min(center, params.span / 2u);
  let first = center - before;
  let last = min(center + (params.span + 1u) / 2u - 1u, tokens - 1u);
  // A span of 1 has no token before its center; an empty one (first > last) can't occur.
  for (var word = first / 32u; word <= last / 32u; word++) {
    let low = select(0u, first % 32u, word == first / 32u);
    let high = select(31u, last % 32u, word == last / 32u);
    let bits = (0xffffffffu << low) & (0xffffffffu >> (31u - high));
    atomicOr(&marks[selection * params.marks_stride + word], bits);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let selection = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (selection >= params.group_count) {
    return;
  }
  for (var word = lane; word < params.marks_stride; word += WORKGROUP) {
    atomicStore(&marks[selection * params.marks_stride + word], 0u);
  }
  if (lane == 0u) {
    atomicStore(&kept, 0u);
  }
  storageBarrier();
  if (lane == 0u) {
    found.x = candidate_counts[selection];
  }
  let cast_for = workgroupUniformLoad(&found).x;
  let tokens = parts[selection / params.selections_per_sequence].w;
  // What is looked at: with \`dense\` all tokens, of which those without votes count for nothing.
  let count = select(cast_for, tokens, params.dense == 1u);
  hold(selection, count, lane);
  var least = 0u;
  var last = 0xffffffffu;
  if (params.clip == 0u) {
    least = 0xffffffffu;
  } else if (cast_for > params.clip) {
    let by_votes = largest(selection, count, 0u, tokens, most_votes(selection, count, lane), params.clip, lane);
    least = by_votes.x;
    last = tokens - 1u - largest(selection, count, least, tokens, tokens, by_votes.y, lane).x;
  }
  for (var i = 0u; i < HELD; i++) { // unrolled
    take(selection, held_candidates[i], held_votes[i], least, last, tokens);
  }
  for (var first = lane + HELD * WORKGROUP; first < count; first += AHEAD * WORKGROUP) {
    let loaded = load_ahead(selection, first, count);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      take(selection, loaded.candidates[i], loaded.votes[i], least, last, tokens);
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    center_counts[selection] = atomicLoad(&kept);
    candidate_counts[selection] = 0u;
  }
}
`,
  },
  collect_indices: {
    name: "collect_indices",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "selections_per_sequence", type: "u32" },
      { name: "marks_stride", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "pieces", type: "u32" },
      { name: "marked", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "parts", kind: "read" },
      { binding: 2, name: "marks", kind: "read" },
      { binding: 3, name: "indices", kind: "write" },
      { binding: 4, name: "counts", kind: "write" },
      { binding: 5, name: "scope", kind: "write" },
    ],
    text: `// Lists the tokens that a step attends to, in rising order: leading tokens, marked tokens of the middle, window.
//
// Shapes:   parts [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length (0: no middle);
//           marks u32 [selections, marks_stride], one bit a token of the middle; indices u32 [selections, indices_stride],
//           positions in the whole context; counts u32 [selections], how many of them
//           scope atomic u32 [1], raised to the longest list; no marks are read where \`marked\` is 0
// Dispatch: \`pieces\` workgroups of 32 to 1,024 threads per selection, linear groups; selections = batch * (1 or KV heads). They share
//           the leading tokens and the window; the first one lists the marked tokens and counts
// Source:   ALGORITHM section 6: idx = [0..G) ++ (G + sorted picked) ++ [N - L..N)

struct Params {
  first_group: u32,
  group_count: u32,
  selections_per_sequence: u32,
  marks_stride: u32,
  indices_stride: u32,
  pieces: u32,
  marked: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> scope: atomic<u32>;

// Threads of a run: what comes before a thread is the sum of whole runs and of its own run's threads.
const RUN = 32u;
const RUNS = 32u;

var<workgroup> sums: array<u32, WORKGROUP>;
var<workgroup> runs: array<u32, RUNS>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let selection = group / params.pieces;
  let piece = group % params.pieces;
  // Of all threads of the pieces.
  let thread = piece * WORKGROUP + lane;
  let threads = params.pieces * WORKGROUP;
  let part = parts[selection / params.selections_per_sequence];
  let leading = part.y;
  let words = select(0u, (part.w + 31u) / 32u, params.marked == 1u);
  let share = (words + WORKGROUP - 1u) / WORKGROUP;
  let first_word = min(words, lane * share);
  let end_word = min(words, first_word + share);
  var before = 0u;
  var picked = 0u;
  if (params.marked == 1u) {
    var mine = 0u;
    for (var word = first_word; word < end_word; word++) {
      mine += countOneBits(marks[selection * params.marks_stride + word]);
    }
    sums[lane] = mine;
    workgroupBarrier();
    if (lane < RUNS) {
      var run = 0u;
      for (var i = 0u; i < RUN; i++) { // unrolled
        run += select(0u, sums[min(lane * RUN + i, WORKGROUP - 1u)], lane * RUN + i < WORKGROUP);
      }
      runs[lane] = run;
    }
    workgroupBarrier();
    for (var run = 0u; run < RUNS; run++) { // unrolled
      before += select(0u, runs[run], run < lane / RUN);
      picked += runs[run];
    }
    for (var i = 0u; i < RUN; i++) { // unrolled
      let other = lane / RUN * RUN + i;
      before += select(0u, sums[min(other, WORKGROUP - 1u)], other < lane);
    }
  }
  let base = selection * params.indices_stride;
  for (var i = thread; i < leading; i += threads) {
    indices[base + i] = i;
  }
  for (var token = part.z + thread; token < part.x; token += threads) {
    indices[base + leading + picked + token - part.z] = token;
  }
  if (piece > 0u) {
    return;
  }
  var place = base + leading + before;
  for (var word = first_word; word < end_word; word++) {
    var bits = marks[selection * params.marks_stride + word];
    while (bits != 0u) {
      indices[place] = leading + 32u * word + firstTrailingBit(bits);
      place++;
      bits &= bits - 1u;
    }
  }
  if (lane == 0u) {
    let count = leading + picked + part.x - part.z;
    counts[selection] = count;
    atomicMax(&scope, count);
  }
}
`,
  },
  copy_probe: {
    name: "copy_probe",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Probe of the adapter's memory bandwidth: a plain copy, each thread some vec4s apart by a workgroup's width.
//
// Shapes:   x, y [count] of vec4<u32>
// Dispatch: WORKGROUP threads of WIDTH vec4s each, linear groups
// Source:   none; the limit that \`deno task bench\` sets speeds against

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let first = group * WORKGROUP * WIDTH + lane;
  for (var part = 0u; part < WIDTH; part++) { // unrolled
    if (first + part * WORKGROUP < params.count) {
      y[first + part * WORKGROUP] = x[first + part * WORKGROUP];
    }
  }
}
`,
  },
  edit_attended: {
    name: "edit_attended",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "selections_per_sequence", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "words", type: "u32" },
      { name: "marks_stride", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "indices", kind: "read" },
      { binding: 2, name: "counts", kind: "read" },
      { binding: 3, name: "lengths", kind: "read" },
      { binding: 4, name: "forced", kind: "read" },
      { binding: 5, name: "forbidden", kind: "read" },
      { binding: 6, name: "marks", kind: "write" },
    ],
    text: `// Marks the tokens that a step attends to after an intervention: those listed, with some added and some taken away.
//
// Shapes:   indices u32 [selections, indices_stride], rising; counts u32 [selections], how many of them; lengths vec4<u32>
//           [batch]: tokens cached first; forced, forbidden u32 [words], one bit a token of the context; marks u32
//           [selections, marks_stride], one bit a token before the step's own
// Dispatch: one thread per selection and word, words fastest; linear groups; selections = batch * (1 or KV heads)
// Source:   this project's; what is left out is as if selection had not picked it (ALGORITHM section 6)

struct Params {
  first_group: u32,
  group_count: u32,
  selections: u32,
  selections_per_sequence: u32,
  step_rows: u32,
  indices_stride: u32,
  words: u32,
  marks_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> lengths: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> forced: array<u32>;
@group(0) @binding(5) var<storage, read> forbidden: array<u32>;
@group(0) @binding(6) var<storage, read_write> marks: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.selections * params.marks_stride) {
    return;
  }
  let word = thread % params.marks_stride;
  let selection = thread / params.marks_stride;
  let first = selection * params.indices_stride;
  let count = counts[selection];
  // The first listed token of this word or a later one.
  var low = 0u;
  var high = count;
  while (low < high) {
    let half = (low + high) / 2u;
    if (indices[first + half] < 32u * word) {
      low = half + 1u;
    } else {
      high = half;
    }
  }
  var bits = 0u;
  while (low < count && indices[first + low] / 32u == word) {
    bits |= 1u << (indices[first + low] % 32u);
    low++;
  }
  if (word < params.words) {
    bits = (bits | forced[word]) & ~forbidden[word];
  }
  // The step's own tokens are attended to whatever happens; they follow as the window.
  let before = lengths[selection / params.selections_per_sequence].x - params.step_rows;
  if (32u * word >= before) {
    bits = 0u;
  } else if (before - 32u * word < 32u) {
    bits &= (1u << (before - 32u * word)) - 1u;
  }
  marks[thread] = bits;
}
`,
  },
  f16_probe: {
    name: "f16_probe",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Half-float probe: y = f32(f16(x) * 0.5 + 1).
//
// Shapes:   x [count] f32, y [count] f32
// Dispatch: one workgroup of 64 threads for at most 64 values
// Source:   none; a driver check. Some drivers announce f16 and compute garbage.

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  if (lane >= params.count) {
    return;
  }
  let half = Half(x[lane]);
  y[lane] = f32(half * Half(0.5) + Half(1.0));
}
`,
  },
  fill: {
    name: "fill",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "word", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "words", kind: "write" },
    ],
    text: `// Fills an array with one 32-bit pattern.
//
// Shapes:   words [count] u32; a pattern of two equal halves fills an array of f16
// Dispatch: one thread per word, linear groups
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  word: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  words[index] = params.word;
}
`,
  },
  fma_probe: {
    name: "fma_probe",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "seed", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "y", kind: "write" },
    ],
    text: `// Probe of the adapter's multiply-add rate: independent chains in each thread, no memory but the last store.
//
// Shapes:   y [group_count * WORKGROUP] f32
// Dispatch: one thread per element, linear groups; CHAINS chains of Value (f32 or vec4<f32>), ROUNDS times STEPS rounds, put
//           before the text as constants. Too few chains wait for their own results, too many spill their registers.
// Source:   none; the limit that \`deno task bench\` sets speeds against

struct Params {
  first_group: u32,
  group_count: u32,
  seed: f32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let x = f32(lane) * params.seed;
  let factor = Value(x + 0.5);
  let term = Value(x + 0.25);
  var chains: array<Value, CHAINS>;
  for (var chain = 0u; chain < CHAINS; chain++) { // unrolled
    chains[chain] = Value(x + f32(chain));
  }
  for (var step = 0u; step < STEPS; step++) {
    for (var round = 0u; round < ROUNDS; round++) { // unrolled
      for (var chain = 0u; chain < CHAINS; chain++) { // unrolled
        chains[chain] = fma(chains[chain], factor, term);
      }
    }
  }
  var total = Value();
  for (var chain = 0u; chain < CHAINS; chain++) { // unrolled
    total += chains[chain];
  }
  y[group * WORKGROUP + lane] = dot(vec4<f32>(total), vec4<f32>(1.0));
}
`,
  },
  fold_grid: {
    name: "fold_grid",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "threads_per_count", type: "u32" },
      { name: "workgroup", type: "u32" },
      { name: "groups_per_dimension", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "counts", kind: "read" },
      { binding: 2, name: "grid", kind: "write" },
    ],
    text: `// Turns counts that only the GPU knows into the grid of the next call.
//
// Shapes:   counts u32 [count]; grid u32 [3] for an indirect call
// Dispatch: one thread
// Source:   WebGPU: an indirect grid with more than 65,535 workgroups in a dimension runs nothing and reports nothing,
//           so the number of workgroups is folded into two dimensions

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  threads_per_count: u32,
  workgroup: u32,
  groups_per_dimension: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> grid: array<u32>;

@compute @workgroup_size(1)
fn main() {
  var most = 0u;
  for (var i = 0u; i < params.count; i++) {
    most = max(most, counts[i]);
  }
  let groups = (most * params.threads_per_count + params.workgroup - 1u) / params.workgroup;
  let x = min(groups, params.groups_per_dimension);
  grid[0] = x;
  grid[1] = select((groups + x - 1u) / max(x, 1u), 0u, x == 0u);
  grid[2] = 1u;
}
`,
  },
  gather_rotate: {
    name: "gather_rotate",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "positions", type: "u32" },
      { name: "listed", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "key_pages", kind: "read" },
      { binding: 2, name: "value_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "indices", kind: "read" },
      { binding: 5, name: "counts", kind: "read" },
      { binding: 6, name: "rotation", kind: "read" },
      { binding: 7, name: "keys", kind: "write" },
      { binding: 8, name: "values", kind: "write" },
    ],
    text: `// Gathers the attended keys and values from the cache's pages, or attended keys as they were brought from outside the GPU, and rotates
// the keys by their positions.
//
// Shapes:   key_pages, value_pages [slab_pages, heads, page_tokens, 4 * D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the
//           cache, or (listed 1) the listed tokens in their order, a page for each sequence, without the table;
//           table [batch, table_stride]; indices u32 [batch, selections, indices_stride]; counts u32 [batch, selections];
//           rotation vec2 (cos, sin) [positions, head_size / 2]; keys, values f32 [batch, heads, indices_stride, 4 * D4]
// Dispatch: one thread per attended token, KV head and pair of channels, the token slowest; indirect, linear groups;
//           one call per slab of the cache
// Source:   ALGORITHM section 6: Kr = rope(K[:, idx], pos), pos = 0..M-1 (positions 0: compact) or idx (1: original), or K as it
//           is (2: none); half-split pairs (x[c], x[c + d/2]) as in Llama; the table comes from the host, never from WGSL's sin
//           and cos of large angles

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  indices_stride: u32,
  positions: u32,
  listed: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(2) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> keys: array<f32>;
@group(0) @binding(8) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  let pairs = params.head_size / 2u;
  let c = thread % pairs;
  let head = (thread / pairs) % params.heads;
  let sequence = (thread / (pairs * params.heads)) % params.batch;
  let place = thread / (pairs * params.heads * params.batch);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  if (group >= params.group_count || place >= counts[selection]) {
    return;
  }
  let token = indices[selection * params.indices_stride + place];
  var stored = place;
  var page = sequence;
  if (params.listed == 0u) {
    stored = token;
    page = table[sequence * params.table_stride + token / params.page_tokens];
  }
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let padded = 4u * D4;
  let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + stored % params.page_tokens;
  let target_row = ((sequence * params.heads + head) * params.indices_stride + place) * padded;
  let position = select(place, token, params.positions == 1u);
  var turn = vec2<f32>(1.0, 0.0);
  if (params.positions != 2u) {
    turn = rotation[position * pairs + c];
  }
  let low = key_channel(slot, c);
  let high = key_channel(slot, c + pairs);
  keys[target_row + c] = low * turn.x - high * turn.y;
  keys[target_row + c + pairs] = high * turn.x + low * turn.y;
  values[target_row + c] = value_channel(slot, c);
  values[target_row + c + pairs] = value_channel(slot, c + pairs);
  if (c == 0u) {
    for (var pad = params.head_size; pad < padded; pad++) {
      keys[target_row + pad] = 0.0;
      values[target_row + pad] = 0.0;
    }
  }
}
`,
  },
  gather_rows: {
    name: "gather_rows",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "table_rows", type: "u32" },
      { name: "first_row", type: "u32" },
      { name: "window_rows", type: "u32" },
      { name: "table_first", type: "u32" },
      { name: "indices_first", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "table", kind: "read" },
      { binding: 2, name: "indices", kind: "read" },
      { binding: 3, name: "y", kind: "write" },
    ],
    text: `// Copies rows of a table by index: y[i] = table[indices[i]].
//
// Shapes:   table [.., size] of Element, of which rows first_row .. first_row + window_rows are bound, from element
//           table_first on, elements being numbers or vec4s; indices u32 [count] from indices_first on; y [count, size] of Output from y_first on
// Dispatch: one thread per WIDTH elements of y, a workgroup's side by side, linear groups; a table larger than one binding takes one call per window, and each
//           call writes only the rows that its window holds
// Source:   plain definition; an index of table_rows or more gives a row of zeros, written by the first window's call

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  size: u32,
  table_rows: u32,
  first_row: u32,
  window_rows: u32,
  table_first: u32,
  indices_first: u32,
  y_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Output>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  let total = params.count * params.size;
  var values: array<Output, WIDTH>;
  var here: array<bool, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, total - 1u);
    let source = indices[params.indices_first + index / params.size];
    let row = source - params.first_row; // a row before the window wraps around to one past it
    let exists = source < params.table_rows;
    here[i] = start + i * WORKGROUP < total && select(params.first_row == 0u, row < params.window_rows, exists);
    let place = params.table_first + min(row, max(params.window_rows, 1u) - 1u) * params.size + index % params.size;
    values[i] = select(Output(), Output(table[place]), exists);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    if (here[i]) {
      y[params.y_first + start + i * WORKGROUP] = values[i];
    }
  }
}
`,
  },
  gather_vectors: {
    name: "gather_vectors",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "positions", type: "u32" },
      { name: "listed", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "key_pages", kind: "read" },
      { binding: 2, name: "value_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "indices", kind: "read" },
      { binding: 5, name: "counts", kind: "read" },
      { binding: 6, name: "rotation", kind: "read" },
      { binding: 7, name: "keys", kind: "write" },
      { binding: 8, name: "values", kind: "write" },
    ],
    text: `// The same as gather_rotate.wgsl by vectors of channels, for heads whose halves are whole ones.
//
// Shapes:   key_pages, value_pages [slab_pages, heads, page_tokens, 8 * D8] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of
//           the cache, or (listed 1) the listed tokens in their order, a page for each sequence, without the table;
//           table [batch, table_stride]; indices u32 [batch, selections, indices_stride]; counts u32 [batch, selections];
//           rotation (cos, sin) two a vec4 [positions, 2 * D8]; keys, values f32 as vec4 [batch, heads, indices_stride, 2 * D8]
// Dispatch: LANES threads per attended token and KV head, each with EACH units of UNIT vec4s of the lower half and as many of the upper
//           one: what is stored together of keys or of values; lanes fastest, then heads, the token slowest; indirect, linear groups;
//           one call per slab of the cache
// Source:   ALGORITHM section 6, as in gather_rotate.wgsl. Software adapters take most of their time for each load, store and
//           look-up of a place, however wide: there a thread takes all of a head. GPUs join what neighbours read and write: there
//           a thread takes one unit.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  heads: u32,
  selections: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  indices_stride: u32,
  positions: u32,
  listed: u32,
}

override WORKGROUP: u32 = 64u;

const D4 = 2u * D8;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(2) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> values: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + index;
  let lane = thread % LANES;
  let head = (thread / LANES) % params.heads;
  let sequence = (thread / (LANES * params.heads)) % params.batch;
  let place = thread / (LANES * params.heads * params.batch);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  if (group >= params.group_count || place >= counts[selection]) {
    return;
  }
  let token = indices[selection * params.indices_stride + place];
  var stored = place;
  var page = sequence;
  if (params.listed == 0u) {
    stored = token;
    page = table[sequence * params.table_stride + token / params.page_tokens];
  }
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + stored % params.page_tokens;
  let target_row = ((sequence * params.heads + head) * params.indices_stride + place) * D4;
  let angles = select(place, token, params.positions == 1u) * D4;
  let key_row = key_first(slot);
  let key_factor = key_scale(slot);
  for (var each = 0u; each < EACH; each++) { // unrolled
    let first = (lane + each * LANES) * UNIT;
    var lows: array<StoredKeys, KEY_LOADS>;
    var highs: array<StoredKeys, KEY_LOADS>;
    for (var i = 0u; i < KEY_LOADS; i++) { // unrolled
      lows[i] = key_pages[key_row + first / KEY_VECTORS + i];
      highs[i] = key_pages[key_row + (first + D8) / KEY_VECTORS + i];
    }
    for (var v = 0u; v < UNIT; v++) { // unrolled
      let low = key_part(lows[v / KEY_VECTORS], v % KEY_VECTORS) * key_factor;
      let high = key_part(highs[v / KEY_VECTORS], v % KEY_VECTORS) * key_factor;
      var a = vec4(1.0, 0.0, 1.0, 0.0);
      var b = a;
      if (params.positions != 2u) {
        a = rotation[angles + 2u * (first + v)];
        b = rotation[angles + 2u * (first + v) + 1u];
      }
      let cosines = vec4(a.x, a.z, b.x, b.z);
      let sines = vec4(a.y, a.w, b.y, b.w);
      keys[target_row + first + v] = low * cosines - high * sines;
      keys[target_row + first + v + D8] = high * cosines + low * sines;
    }
  }
  let value_row = value_first(slot);
  let value_factor = value_scale(slot);
  for (var each = 0u; each < EACH; each++) { // unrolled
    let first = (lane + each * LANES) * UNIT;
    for (var half = 0u; half < 2u; half++) { // unrolled
      for (var i = 0u; i < VALUE_LOADS; i++) { // unrolled
        let loaded = value_pages[value_row + (first + half * D8) / VALUE_VECTORS + i];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          values[target_row + first + half * D8 + i * VALUE_VECTORS + v] = value_part(loaded, v) * value_factor;
        }
      }
    }
  }
}
`,
  },
  greedy_blocks: {
    name: "greedy_blocks",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "vocabulary", type: "u32" },
      { name: "blocks", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "logits", kind: "read" },
      { binding: 2, name: "best", kind: "write" },
    ],
    text: `// The highest logit of each block of a vocabulary: the first half of a greedy choice, shared by many workgroups. For GPUs.
//
// Shapes:   logits [batch, vocabulary] f32; best (order key, token) u32 [batch, blocks, 2]
// Dispatch: one workgroup of 256 threads per sequence and block of 2048 logits, blocks fastest; linear groups
// Source:   plain definition; the lowest token among equals. Keys are unsigned integers in the order of the floats, NaN the lowest

struct Params {
  first_group: u32,
  group_count: u32,
  vocabulary: u32,
  blocks: u32,
}

const THREADS = 256u;
const LOADS = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2<u32>>;

// uses parts/best_key.wgsl
// uses parts/order_key.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let first = group % params.blocks * (THREADS * LOADS) + lane;
  let row = group / params.blocks * params.vocabulary;
  var held: array<f32, LOADS>;
  for (var i = 0u; i < LOADS; i++) { // unrolled
    held[i] = logits[row + min(first + i * THREADS, params.vocabulary - 1u)];
  }
  var mine = vec2<u32>(0u, first);
  for (var i = 0u; i < LOADS; i++) { // unrolled
    let token = first + i * THREADS;
    if (token < params.vocabulary) {
      mine = better(mine, vec2(order_key(held[i]), token));
    }
  }
  let found = best_of_all(mine, lane);
  if (lane == 0u) {
    best[group] = found;
  }
}
`,
  },
  greedy_join: {
    name: "greedy_join",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "chosen_stride", type: "u32" },
      { name: "place", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "best", kind: "read" },
      { binding: 2, name: "next", kind: "write" },
      { binding: 3, name: "chosen", kind: "write" },
    ],
    text: `// The token of a sequence's highest logit, from the best ones of the vocabulary's blocks: the second half of a greedy choice.
//
// Shapes:   best (order key, token) u32 [batch, blocks, 2] of greedy_blocks.wgsl; next u32 [batch], the tokens that the following step
//           reads; chosen u32 [batch, chosen_stride], all tokens so far, written at column \`place\`
// Dispatch: one workgroup of 256 threads per sequence, linear groups
// Source:   plain definition; the lowest token among equals

struct Params {
  first_group: u32,
  group_count: u32,
  blocks: u32,
  chosen_stride: u32,
  place: u32,
}

const THREADS = 256u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> next: array<u32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;

// uses parts/best_key.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let sequence = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (sequence >= params.group_count) {
    return;
  }
  var mine = best[sequence * params.blocks + min(lane, params.blocks - 1u)];
  for (var block = lane + THREADS; block < params.blocks; block += THREADS) {
    mine = better(mine, best[sequence * params.blocks + block]);
  }
  let found = best_of_all(mine, lane);
  if (lane == 0u) {
    next[sequence] = found.y;
    chosen[sequence * params.chosen_stride + params.place] = found.y;
  }
}
`,
  },
  keep_marked: {
    name: "keep_marked",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "lists", type: "u32" },
      { name: "stride", type: "u32" },
      { name: "end", type: "u32" },
      { name: "kept_stride", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "marks", kind: "read" },
      { binding: 2, name: "tokens", kind: "read" },
      { binding: 3, name: "weights", kind: "read" },
      { binding: 4, name: "kept_tokens", kind: "write" },
      { binding: 5, name: "kept_weights", kind: "write" },
    ],
    text: `// Copies the marked entries of a list, in their order.
//
// Shapes:   marks, tokens u32, weights f32 [lists, stride], of which the first \`end\` are used; kept_tokens u32, kept_weights f32
//           [lists, kept_stride], as many as are marked
// Dispatch: one thread per list and entry, linear groups; each counts the marks before its own
// Source:   eviction, H2O (arXiv 2306.14048, algorithm 1)

struct Params {
  first_group: u32,
  group_count: u32,
  lists: u32,
  stride: u32,
  end: u32,
  kept_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> marks: array<u32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> kept_tokens: array<u32>;
@group(0) @binding(5) var<storage, read_write> kept_weights: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.lists * params.stride) {
    return;
  }
  let entry = thread % params.stride;
  if (entry >= params.end || marks[thread] == 0u) {
    return;
  }
  var before = 0u;
  for (var other = 0u; other < entry; other++) {
    before += marks[thread - entry + other];
  }
  let place = thread / params.stride * params.kept_stride + before;
  kept_tokens[place] = tokens[thread];
  kept_weights[place] = weights[thread];
}
`,
  },
  linear_rows: {
    name: "linear_rows",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "output_first", type: "u32" },
      { name: "output_row", type: "u32" },
      { name: "epsilon", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "norm_weight", kind: "read" },
      { binding: 4, name: "extra", kind: "read" },
      { binding: 5, name: "output", kind: "write" },
    ],
    text: `// Product of few rows with a transposed matrix, C = A B^T, with what surrounds it in a decoder: for GPUs, in decoding. B is read
// once, along its rows.
//
// Shapes:   left A [ROWS, PARTS * depth] of vec4<Left>; right B [columns, depth], or [2 * columns, depth] where PAIRED is 1, in loads
//           of 16 bytes: a vec4 of f32, or PARTS = 2 vec4s of f16; norm_weight [PARTS * depth] of vec4; extra [ROWS, columns]
//           (EXTRA 1) or [columns] (EXTRA 2) of f32; output C [ROWS, columns] of Output; the left side's places count vec4s, \`depth\`
//           and the right side's loads, those of C elements
// Dispatch: one workgroup of THREADS threads (at most 256) per THREADS / LANES * COLS columns, half as many where PAIRED is 1; linear groups
// Source:   plain definition. NORM: A's rows are normed first, as in rms_norm.wgsl; what makes their mean square 1 is multiplied into the sums. PAIRED: silu of a product with the matrix's first
//           half times that with its second, as in silu_gate.wgsl. EXTRA: a residual or a bias is added. Threads' sums are added
//           in a fixed order, the same for every number of rows.

struct Params {
  first_group: u32,
  group_count: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  right_first: u32,
  right_row: u32,
  output_first: u32,
  output_row: u32,
  epsilon: f32,
}

// uses parts/row_products.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read> norm_weight: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> extra: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<Output>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  multiply(group, lane);
  for (var item = lane; item < ROWS * GROUP_COLUMNS; item += THREADS) {
    let r = item / GROUP_COLUMNS;
    let place = item % GROUP_COLUMNS;
    let column = group * GROUP_COLUMNS + place;
    if (column < params.columns) {
      var sum = product(place, r);
      if (EXTRA == 1u) {
        sum += extra[r * params.columns + column];
      }
      if (EXTRA == 2u) {
        sum += extra[column];
      }
      output[params.output_first + r * params.output_row + column] = Output(sum);
    }
  }
}
`,
  },
  linear_rows_split: {
    name: "linear_rows_split",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "first_columns", type: "u32" },
      { name: "second_columns", type: "u32" },
      { name: "epsilon", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "norm_weight", kind: "read" },
      { binding: 4, name: "extra", kind: "read" },
      { binding: 5, name: "first_output", kind: "write" },
      { binding: 6, name: "second_output", kind: "write" },
      { binding: 7, name: "third_output", kind: "write" },
    ],
    text: `// The same as linear_rows.wgsl for three matrices that lie one after the other, such as those of queries, keys and values: each has a
// result of its own.
//
// Shapes:   left A [ROWS, PARTS * depth] of vec4<Left>; right [columns, depth] in loads of 16 bytes; norm_weight [PARTS * depth] of
//           vec4; extra [columns] of f32 (EXTRA 2: a bias); first [ROWS, first_columns], second [ROWS, second_columns] and third of f32
// Dispatch: one workgroup of THREADS threads (at most 256) per THREADS / LANES * COLS columns of all three; linear groups
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  right_first: u32,
  right_row: u32,
  first_columns: u32,
  second_columns: u32,
  epsilon: f32,
}

// uses parts/row_products.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read> norm_weight: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> extra: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_output: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_output: array<f32>;
@group(0) @binding(7) var<storage, read_write> third_output: array<f32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  multiply(group, lane);
  let second_first = params.first_columns;
  let third_first = second_first + params.second_columns;
  for (var item = lane; item < ROWS * GROUP_COLUMNS; item += THREADS) {
    let r = item / GROUP_COLUMNS;
    let column = group * GROUP_COLUMNS + item % GROUP_COLUMNS;
    if (column >= params.columns) {
      continue;
    }
    var sum = product(item % GROUP_COLUMNS, r);
    if (EXTRA == 2u) {
      sum += extra[column];
    }
    if (column < second_first) {
      first_output[r * second_first + column] = sum;
    } else if (column < third_first) {
      second_output[r * params.second_columns + column - second_first] = sum;
    } else {
      third_output[r * (params.columns - third_first) + column - third_first] = sum;
    }
  }
}
`,
  },
  mark_blocks: {
    name: "mark_blocks",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "words", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "scores", kind: "read" },
      { binding: 2, name: "blocks", kind: "read" },
      { binding: 3, name: "parts", kind: "read" },
      { binding: 4, name: "marks", kind: "write" },
      { binding: 5, name: "centers", kind: "write" },
      { binding: 6, name: "center_counts", kind: "write" },
    ],
    text: `// Marks the tokens of chosen blocks of the middle.
//
// Shapes:   scores f32, blocks u32 [batch, selections, K], best first, numbers of blocks of block_tokens tokens counted from
//           the start of the middle; a score of LOWEST or less chooses nothing; parts [batch, 4] u32: tokens cached, leading
//           tokens, start of the window, middle length; marks atomic u32 [batch, selections, words], zero before; centers u32
//           [batch, selections, K, 2], each block's first token, from the start of the middle, and how far from the end of the
//           list it stands (K for the best); center_counts atomic u32 [batch, selections], zero before
// Dispatch: one thread per selection and place in its list, linear groups
// Source:   the blocks that InfLLM, Quest and LongHeads attend to

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  selections: u32,
  block_tokens: u32,
  words: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> marks: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> centers: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> center_counts: array<atomic<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batch * params.selections * K) {
    return;
  }
  let selection = thread / K;
  let middle = parts[selection / params.selections].w;
  let first = blocks[thread] * params.block_tokens;
  if (!(scores[thread] > LOWEST) || first >= middle) {
    return;
  }
  // The list falls, so those that choose nothing stand at its end.
  centers[thread] = vec2<u32>(first, K - thread % K);
  atomicAdd(&center_counts[selection], 1u);
  for (var token = first; token < min(middle, first + params.block_tokens); token++) {
    atomicOr(&marks[selection * params.words + token / 32u], 1u << (token % 32u));
  }
}
`,
  },
  mark_heaviest: {
    name: "mark_heaviest",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "lists", type: "u32" },
      { name: "stride", type: "u32" },
      { name: "count", type: "u32" },
      { name: "end", type: "u32" },
      { name: "most", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "weights", kind: "read" },
      { binding: 2, name: "marks", kind: "write" },
    ],
    text: `// Marks the heaviest entries of a list: those with fewer than \`most\` heavier ones among the first \`count\`. Of equal ones the
// earlier is heavier. Entries from \`count\` to \`end\` are marked too.
//
// Shapes:   weights f32 [lists, stride]; marks u32 [lists, stride], 1 or 0
// Dispatch: one thread per list and entry, linear groups; each compares its entry with all others, so no thread waits
// Source:   the heavy hitters of H2O (arXiv 2306.14048, algorithm 1) and what SnapKV keeps (arXiv 2404.14469, listing 1)

struct Params {
  first_group: u32,
  group_count: u32,
  lists: u32,
  stride: u32,
  count: u32,
  end: u32,
  most: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> marks: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.lists * params.stride) {
    return;
  }
  let entry = thread % params.stride;
  if (entry >= params.count) {
    marks[thread] = u32(entry < params.end);
    return;
  }
  let weight = weights[thread];
  var heavier = 0u;
  for (var other = 0u; other < params.count; other++) {
    let theirs = weights[thread - entry + other];
    heavier += u32(theirs > weight || (theirs == weight && other < entry));
  }
  marks[thread] = u32(heavier < params.most);
}
`,
  },
  matmul: {
    name: "matmul",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "left_batch", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "right_batch", type: "u32" },
      { name: "output_first", type: "u32" },
      { name: "output_row", type: "u32" },
      { name: "output_batch", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "output", kind: "write" },
    ],
    text: `// Matrix product C = A B, all loads along rows: each thread keeps a tile of C in registers, no shared memory.
//
// Shapes:   left A [batches, rows, depth] of vec4<Left>, right B [batches, depth, columns] of vec4<Right>, output C [batches,
//           rows, columns] of vec4<Output>. \`columns\`, \`depth\` and all strides and first places count vec4s, so both sizes
//           are multiples of 4; the right side's batch stride may be 0.
// Dispatch: WORKGROUP threads along the columns, each ROWS rows (1 or 8) by 2 vec4 columns, WORKGROUP apart; row tiles
//           fastest, so that neighbours share columns of B; batches outermost; linear groups
// Source:   plain definition. Every element is one chain of fused multiply-adds over rising k, whatever ROWS is and wherever
//           the host cuts k (params.resume goes on from C), so a row's result does not depend on the rows beside it.
//           Versions tried on llvmpipe: shared-memory tiles 2 GFLOP/s, inner loops over const tiles 17, written out 28.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  left_batch: u32,
  right_first: u32,
  right_row: u32,
  right_batch: u32,
  output_first: u32,
  output_row: u32,
  output_batch: u32,
  resume: u32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

// Four steps of k for four columns of one row.
fn chain(sum: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
  return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sum))));
}

fn before(place: u32) -> vec4<f32> {
  return select(vec4<f32>(), vec4<f32>(output[place]), params.resume == 1u);
}

fn store(row: u32, column: u32, place: u32, value: vec4<f32>) {
  if (row < params.rows && column < params.columns) {
    output[place] = vec4<Output>(value);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + 2u * WORKGROUP - 1u) / (2u * WORKGROUP);
  let row = (group % row_tiles) * ROWS;
  let column_a = (group / row_tiles) % column_tiles * (2u * WORKGROUP) + lane;
  let column_b = column_a + WORKGROUP;
  let batch = group / (row_tiles * column_tiles);

  // Past the edge, loads repeat the last row or column and nothing is stored.
  let last = params.rows - 1u;
  let load_a = min(column_a, params.columns - 1u);
  let load_b = min(column_b, params.columns - 1u);
  let left_base = params.left_first + batch * params.left_batch;
  let output_base = params.output_first + batch * params.output_batch;
  let left0 = left_base + row * params.left_row;
  let left1 = left_base + min(row + 1u, last) * params.left_row;
  let left2 = left_base + min(row + 2u, last) * params.left_row;
  let left3 = left_base + min(row + 3u, last) * params.left_row;
  let left4 = left_base + min(row + 4u, last) * params.left_row;
  let left5 = left_base + min(row + 5u, last) * params.left_row;
  let left6 = left_base + min(row + 6u, last) * params.left_row;
  let left7 = left_base + min(row + 7u, last) * params.left_row;
  let place0 = output_base + row * params.output_row;
  let place1 = output_base + min(row + 1u, last) * params.output_row;
  let place2 = output_base + min(row + 2u, last) * params.output_row;
  let place3 = output_base + min(row + 3u, last) * params.output_row;
  let place4 = output_base + min(row + 4u, last) * params.output_row;
  let place5 = output_base + min(row + 5u, last) * params.output_row;
  let place6 = output_base + min(row + 6u, last) * params.output_row;
  let place7 = output_base + min(row + 7u, last) * params.output_row;

  var a0 = before(place0 + load_a);
  var b0 = before(place0 + load_b);
  var a1 = before(place1 + load_a);
  var b1 = before(place1 + load_b);
  var a2 = before(place2 + load_a);
  var b2 = before(place2 + load_b);
  var a3 = before(place3 + load_a);
  var b3 = before(place3 + load_b);
  var a4 = before(place4 + load_a);
  var b4 = before(place4 + load_b);
  var a5 = before(place5 + load_a);
  var b5 = before(place5 + load_b);
  var a6 = before(place6 + load_a);
  var b6 = before(place6 + load_b);
  var a7 = before(place7 + load_a);
  var b7 = before(place7 + load_b);

  var step = params.right_first + batch * params.right_batch;
  for (var k = 0u; k < params.depth; k++) {
    let r0a = vec4<f32>(right[step + load_a]);
    let r0b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let r1a = vec4<f32>(right[step + load_a]);
    let r1b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let r2a = vec4<f32>(right[step + load_a]);
    let r2b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let r3a = vec4<f32>(right[step + load_a]);
    let r3b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let l0 = vec4<f32>(left[left0 + k]);
    a0 = chain(a0, l0, r0a, r1a, r2a, r3a);
    b0 = chain(b0, l0, r0b, r1b, r2b, r3b);
    if (ROWS == 8u) {
      let l1 = vec4<f32>(left[left1 + k]);
      a1 = chain(a1, l1, r0a, r1a, r2a, r3a);
      b1 = chain(b1, l1, r0b, r1b, r2b, r3b);
      let l2 = vec4<f32>(left[left2 + k]);
      a2 = chain(a2, l2, r0a, r1a, r2a, r3a);
      b2 = chain(b2, l2, r0b, r1b, r2b, r3b);
      let l3 = vec4<f32>(left[left3 + k]);
      a3 = chain(a3, l3, r0a, r1a, r2a, r3a);
      b3 = chain(b3, l3, r0b, r1b, r2b, r3b);
      let l4 = vec4<f32>(left[left4 + k]);
      a4 = chain(a4, l4, r0a, r1a, r2a, r3a);
      b4 = chain(b4, l4, r0b, r1b, r2b, r3b);
      let l5 = vec4<f32>(left[left5 + k]);
      a5 = chain(a5, l5, r0a, r1a, r2a, r3a);
      b5 = chain(b5, l5, r0b, r1b, r2b, r3b);
      let l6 = vec4<f32>(left[left6 + k]);
      a6 = chain(a6, l6, r0a, r1a, r2a, r3a);
      b6 = chain(b6, l6, r0b, r1b, r2b, r3b);
      let l7 = vec4<f32>(left[left7 + k]);
      a7 = chain(a7, l7, r0a, r1a, r2a, r3a);
      b7 = chain(b7, l7, r0b, r1b, r2b, r3b);
    }
  }

  store(row, column_a, place0 + column_a, a0);
  store(row, column_b, place0 + column_b, b0);
  if (ROWS == 8u) {
    store(row + 1u, column_a, place1 + column_a, a1);
    store(row + 1u, column_b, place1 + column_b, b1);
    store(row + 2u, column_a, place2 + column_a, a2);
    store(row + 2u, column_b, place2 + column_b, b2);
    store(row + 3u, column_a, place3 + column_a, a3);
    store(row + 3u, column_b, place3 + column_b, b3);
    store(row + 4u, column_a, place4 + column_a, a4);
    store(row + 4u, column_b, place4 + column_b, b4);
    store(row + 5u, column_a, place5 + column_a, a5);
    store(row + 5u, column_b, place5 + column_b, b5);
    store(row + 6u, column_a, place6 + column_a, a6);
    store(row + 6u, column_b, place6 + column_b, b6);
    store(row + 7u, column_a, place7 + column_a, a7);
    store(row + 7u, column_b, place7 + column_b, b7);
  }
}
`,
  },
  matmul_general: {
    name: "matmul_general",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "left_batch", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "right_batch", type: "u32" },
      { name: "output_first", type: "u32" },
      { name: "output_row", type: "u32" },
      { name: "output_batch", type: "u32" },
      { name: "resume", type: "u32" },
      { name: "transposed", type: "u32" },
      { name: "batches", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "output", kind: "write" },
    ],
    text: `// Matrix product for sizes that the other two kernels can't take: one element of C a thread, right for every shape, not fast.
//
// Shapes:   left A [batches, rows, depth] of Left, right B [batches, depth, columns] of Right, or [batches, columns, depth]
//           where params.transposed is 1; output C [batches, rows, columns] of Output; strides and first places in elements
// Dispatch: one thread per element of C, columns fastest, batches outermost, linear groups
// Source:   plain definition, summed in the same order as in matmul.wgsl: one chain of fused multiply-adds over rising k

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  left_batch: u32,
  right_first: u32,
  right_row: u32,
  right_batch: u32,
  output_first: u32,
  output_row: u32,
  output_batch: u32,
  resume: u32,
  transposed: u32,
  batches: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<Left>;
@group(0) @binding(2) var<storage, read> right: array<Right>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batches * params.rows * params.columns) {
    return;
  }
  let column = thread % params.columns;
  let row = (thread / params.columns) % params.rows;
  let batch = thread / (params.columns * params.rows);
  let transposed = params.transposed == 1u;
  let left_first = params.left_first + batch * params.left_batch + row * params.left_row;
  let right_first = params.right_first + batch * params.right_batch + column * select(1u, params.right_row, transposed);
  let right_step = select(params.right_row, 1u, transposed);
  let place = params.output_first + batch * params.output_batch + row * params.output_row + column;
  var sum = select(0.0, f32(output[place]), params.resume == 1u);
  for (var k = 0u; k < params.depth; k++) {
    sum = fma(f32(left[left_first + k]), f32(right[right_first + k * right_step]), sum);
  }
  output[place] = Output(sum);
}
`,
  },
  matmul_image: {
    name: "matmul_image",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "image" },
      { binding: 2, name: "right", kind: "image" },
      { binding: 3, name: "output", kind: "write" },
    ],
    text: `// Matrix product whose sides are images: each thread keeps a tile of C in registers.
//
// Shapes:   left A [depth / 4, rows], right B [columns / 4, depth], or [depth / 4, columns] where TRANSPOSED is 1, as images of
//           width and height; output C [rows, columns] of Output, as vec4 where not transposed; params count vec4s along k
// Dispatch: 8 threads, LANE_ROWS of them along the rows, each ROWS rows by COLUMNS times four columns, apart by the others';
//           row tiles fastest; linear groups
// Source:   plain definition, summed in the same order as in matmul.wgsl. For software adapters: llvmpipe loads a texel of an
//           image as one vector, and a storage buffer number by number, for every lane alike. 1024^3 there, by rows x
//           columns: 8x8 42 GFLOP/s, 8x16 67, 12x16 76, 16x16 69, 32x32 72 (seconds to compile); from buffers 8x8 18.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
}

const LANE_COLUMNS = 8u / LANE_ROWS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var left: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var right: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

// Four steps of k for four columns of one row.
fn chain(sum: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
  return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sum))));
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let row_tiles = (params.rows + ROWS * LANE_ROWS - 1u) / (ROWS * LANE_ROWS);
  let row = (group % row_tiles) * (ROWS * LANE_ROWS) + lane / LANE_COLUMNS;
  let column = (group / row_tiles) * (COLUMNS * LANE_COLUMNS) + lane % LANE_COLUMNS;

  var sums: array<vec4<f32>, ROWS * COLUMNS>;
  for (var k = 0u; k < params.depth; k++) {
    var lefts: array<vec4<f32>, ROWS>;
    for (var i = 0u; i < ROWS; i++) { // unrolled
      lefts[i] = textureLoad(left, vec2(k, row + i * LANE_ROWS));
    }
    for (var j = 0u; j < COLUMNS; j++) { // unrolled
      let place = column + j * LANE_COLUMNS;
      var b0: vec4<f32>;
      var b1: vec4<f32>;
      var b2: vec4<f32>;
      var b3: vec4<f32>;
      if (TRANSPOSED == 1u) {
        let c0 = textureLoad(right, vec2(k, 4u * place));
        let c1 = textureLoad(right, vec2(k, 4u * place + 1u));
        let c2 = textureLoad(right, vec2(k, 4u * place + 2u));
        let c3 = textureLoad(right, vec2(k, 4u * place + 3u));
        b0 = vec4(c0.x, c1.x, c2.x, c3.x);
        b1 = vec4(c0.y, c1.y, c2.y, c3.y);
        b2 = vec4(c0.z, c1.z, c2.z, c3.z);
        b3 = vec4(c0.w, c1.w, c2.w, c3.w);
      } else {
        b0 = textureLoad(right, vec2(place, 4u * k));
        b1 = textureLoad(right, vec2(place, 4u * k + 1u));
        b2 = textureLoad(right, vec2(place, 4u * k + 2u));
        b3 = textureLoad(right, vec2(place, 4u * k + 3u));
      }
      for (var i = 0u; i < ROWS; i++) { // unrolled
        sums[i * COLUMNS + j] = chain(sums[i * COLUMNS + j], lefts[i], b0, b1, b2, b3);
      }
    }
  }

  for (var i = 0u; i < ROWS; i++) { // unrolled
    for (var j = 0u; j < COLUMNS; j++) { // unrolled
      let first = 4u * (column + j * LANE_COLUMNS);
      let target_row = row + i * LANE_ROWS;
      if (target_row < params.rows) {
        for (var c = 0u; c < 4u; c++) {
          if (first + c < params.columns) {
            output[target_row * params.columns + first + c] = Output(sums[i * COLUMNS + j][c]);
          }
        }
      }
    }
  }
}
`,
  },
  matmul_tiled: {
    name: "matmul_tiled",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "left_batch", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "right_batch", type: "u32" },
      { name: "output_first", type: "u32" },
      { name: "output_row", type: "u32" },
      { name: "output_batch", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "output", kind: "write" },
    ],
    text: `// Matrix product through workgroup memory: for GPUs, where threads share what they load.
//
// Shapes:   left A [rows, depth] of vec4<Left>, right B [depth, columns] of vec4<Right>, or [columns, depth] where TRANSPOSED is 1,
//           output C [rows, columns] of vec4<Output>, batched; \`columns\` (but of a transposed side), \`depth\`, strides and
//           first places count vec4s; the right side's batch stride may be 0
// Dispatch: THREADS_Y x THREADS_X threads, each 4 * ROWS4 rows by 4 * COLUMNS4 columns, in fours apart by the others'; DEPTH
//           steps of k a turn; row tiles fastest; batches outermost; linear groups
// Source:   plain definition; the register and workgroup tiling of Volkov and Demmel 2008. Every element is one chain of fused
//           multiply-adds over rising k, as in matmul.wgsl. Both sides lie in workgroup memory with k slowest, so that a
//           thread's rows and columns are vec4s; what comes next is loaded while this turn is multiplied, and left as it is
//           stored until then: whatever uses it, be it a conversion, waits for memory.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  left_batch: u32,
  right_first: u32,
  right_row: u32,
  right_batch: u32,
  output_first: u32,
  output_row: u32,
  output_batch: u32,
}

const THREADS = THREADS_Y * THREADS_X;
const TILE_ROWS4 = THREADS_Y * ROWS4;
const TILE_COLUMNS4 = THREADS_X * COLUMNS4;
const DEPTH4 = DEPTH / 4u;
// PAD vec4s more than a side has keep threads that store neighbouring steps of k on different banks.
const LEFT_STRIDE4 = TILE_ROWS4 + PAD;
const RIGHT_STRIDE4 = TILE_COLUMNS4 + PAD;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

// With k a number of its own, only the place of a thread's rows and columns is checked, once for all k.
var<workgroup> lefts: array<array<vec4<f32>, LEFT_STRIDE4>, DEPTH>;
var<workgroup> rights: array<array<vec4<f32>, RIGHT_STRIDE4>, DEPTH>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let row_tiles = (params.rows + 4u * TILE_ROWS4 - 1u) / (4u * TILE_ROWS4);
  let column_tiles = (params.columns + TILE_COLUMNS4 - 1u) / TILE_COLUMNS4;
  let first_row = (group % row_tiles) * (4u * TILE_ROWS4);
  let first_column = (group / row_tiles) % column_tiles * TILE_COLUMNS4;
  let batch = group / (row_tiles * column_tiles);
  let left_base = params.left_first + batch * params.left_batch;
  let right_base = params.right_first + batch * params.right_batch;
  let output_base = params.output_first + batch * params.output_batch;
  let y = lane / THREADS_X;
  let x = lane % THREADS_X;

  var next_left: array<vec4<Left>, LOADS_LEFT>;
  var next_right: array<vec4<Right>, LOADS_RIGHT>;
  var sums: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  for (var turn = 0u; turn < params.depth + DEPTH4; turn += DEPTH4) {
    // What was loaded in the turn before goes to workgroup memory; the first turn only loads.
    if (turn > 0u) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        let item = lane + load * THREADS;
        let row = item / DEPTH4;
        let k = 4u * (item % DEPTH4);
        let inside = turn - DEPTH4 + item % DEPTH4 < params.depth;
        let loaded = select(vec4<f32>(), vec4<f32>(next_left[load]), inside);
        lefts[k + 0u][row / 4u][row % 4u] = loaded.x;
        lefts[k + 1u][row / 4u][row % 4u] = loaded.y;
        lefts[k + 2u][row / 4u][row % 4u] = loaded.z;
        lefts[k + 3u][row / 4u][row % 4u] = loaded.w;
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        let item = lane + load * THREADS;
        if (TRANSPOSED == 1u) {
          let column = item / DEPTH4;
          let k = 4u * (item % DEPTH4);
          rights[k + 0u][column / 4u][column % 4u] = f32(next_right[load].x);
          rights[k + 1u][column / 4u][column % 4u] = f32(next_right[load].y);
          rights[k + 2u][column / 4u][column % 4u] = f32(next_right[load].z);
          rights[k + 3u][column / 4u][column % 4u] = f32(next_right[load].w);
        } else {
          rights[item / TILE_COLUMNS4][item % TILE_COLUMNS4] = vec4<f32>(next_right[load]);
        }
      }
      workgroupBarrier();
    }
    if (turn < params.depth) {
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        let item = lane + load * THREADS;
        let row = min(first_row + item / DEPTH4, params.rows - 1u);
        let k = turn + item % DEPTH4;
        next_left[load] = left[left_base + row * params.left_row + min(k, params.depth - 1u)];
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        let item = lane + load * THREADS;
        if (TRANSPOSED == 1u) {
          let column = min(4u * first_column + item / DEPTH4, 4u * params.columns - 1u);
          let k = turn + item % DEPTH4;
          next_right[load] = right[right_base + column * params.right_row + min(k, params.depth - 1u)];
        } else {
          let column = min(first_column + item % TILE_COLUMNS4, params.columns - 1u);
          let k = min(4u * turn + item / TILE_COLUMNS4, 4u * params.depth - 1u);
          next_right[load] = right[right_base + k * params.right_row + column];
        }
      }
    }
    if (turn > 0u) {
      for (var k = 0u; k < DEPTH; k++) { // unrolled
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          let a = lefts[k][y + i * THREADS_Y];
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            let b = rights[k][x + j * THREADS_X];
            sums[(4u * i + 0u) * COLUMNS4 + j] = fma(vec4<f32>(a.x), b, sums[(4u * i + 0u) * COLUMNS4 + j]);
            sums[(4u * i + 1u) * COLUMNS4 + j] = fma(vec4<f32>(a.y), b, sums[(4u * i + 1u) * COLUMNS4 + j]);
            sums[(4u * i + 2u) * COLUMNS4 + j] = fma(vec4<f32>(a.z), b, sums[(4u * i + 2u) * COLUMNS4 + j]);
            sums[(4u * i + 3u) * COLUMNS4 + j] = fma(vec4<f32>(a.w), b, sums[(4u * i + 3u) * COLUMNS4 + j]);
          }
        }
      }
    }
  }

  for (var i = 0u; i < ROWS4; i++) { // unrolled
    for (var j = 0u; j < COLUMNS4; j++) { // unrolled
      let row = first_row + 4u * (y + i * THREADS_Y);
      let column = first_column + x + j * THREADS_X;
      let place = output_base + row * params.output_row + column;
      if (column < params.columns) {
        if (row < params.rows) {
          output[place] = vec4<Output>(sums[(4u * i + 0u) * COLUMNS4 + j]);
        }
        if (row + 1u < params.rows) {
          output[place + params.output_row] = vec4<Output>(sums[(4u * i + 1u) * COLUMNS4 + j]);
        }
        if (row + 2u < params.rows) {
          output[place + 2u * params.output_row] = vec4<Output>(sums[(4u * i + 2u) * COLUMNS4 + j]);
        }
        if (row + 3u < params.rows) {
          output[place + 3u * params.output_row] = vec4<Output>(sums[(4u * i + 3u) * COLUMNS4 + j]);
        }
      }
    }
  }
}
`,
  },
  matmul_transposed: {
    name: "matmul_transposed",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "left_batch", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "right_batch", type: "u32" },
      { name: "output_first", type: "u32" },
      { name: "output_row", type: "u32" },
      { name: "output_batch", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "output", kind: "write" },
    ],
    text: `// Matrix product with a transposed right side, C = A B^T: both sides are read along their rows.
//
// Shapes:   left A [batches, rows, depth] of vec4<Left>, right B [batches, columns, depth] of vec4<Right>, output C [batches,
//           rows, columns] of Output. \`depth\` and the strides and first places of A and B count vec4s, so the depth is a
//           multiple of 4; those of C count elements; the right side's batch stride may be 0.
// Dispatch: WORKGROUP threads along the columns, each ROWS rows (1 or 8) by 4 columns, WORKGROUP apart; row tiles fastest,
//           so that neighbours share rows of B; batches outermost; linear groups
// Source:   plain definition, summed in the same order as in matmul.wgsl: one chain of fused multiply-adds over rising k.
//           Versions tried on llvmpipe: 8 rows by 4 columns 22 GFLOP/s; fewer columns a thread are slower.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  left_batch: u32,
  right_first: u32,
  right_row: u32,
  right_batch: u32,
  output_first: u32,
  output_row: u32,
  output_batch: u32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

// Four steps of k for four columns of one row.
fn chain(sum: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
  return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sum))));
}

fn store(row: u32, columns: vec4<u32>, base: u32, value: vec4<f32>) {
  if (row >= params.rows) {
    return;
  }
  let place = base + row * params.output_row;
  for (var i = 0u; i < 4u; i++) {
    if (columns[i] < params.columns) {
      output[place + columns[i]] = Output(value[i]);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + 4u * WORKGROUP - 1u) / (4u * WORKGROUP);
  let row = (group % row_tiles) * ROWS;
  let first_column = (group / row_tiles) % column_tiles * (4u * WORKGROUP) + lane;
  let columns = first_column + vec4(0u, WORKGROUP, 2u * WORKGROUP, 3u * WORKGROUP);
  let batch = group / (row_tiles * column_tiles);

  // Past the edge, loads repeat the last row or column and nothing is stored.
  let last = params.rows - 1u;
  let left_base = params.left_first + batch * params.left_batch;
  let right_base = params.right_first + batch * params.right_batch;
  let rights = right_base + min(columns, vec4(params.columns - 1u)) * params.right_row;
  let left0 = left_base + row * params.left_row;
  let left1 = left_base + min(row + 1u, last) * params.left_row;
  let left2 = left_base + min(row + 2u, last) * params.left_row;
  let left3 = left_base + min(row + 3u, last) * params.left_row;
  let left4 = left_base + min(row + 4u, last) * params.left_row;
  let left5 = left_base + min(row + 5u, last) * params.left_row;
  let left6 = left_base + min(row + 6u, last) * params.left_row;
  let left7 = left_base + min(row + 7u, last) * params.left_row;

  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  var sum4 = vec4<f32>();
  var sum5 = vec4<f32>();
  var sum6 = vec4<f32>();
  var sum7 = vec4<f32>();

  for (var k = 0u; k < params.depth; k++) {
    let r0 = vec4<f32>(right[rights.x + k]);
    let r1 = vec4<f32>(right[rights.y + k]);
    let r2 = vec4<f32>(right[rights.z + k]);
    let r3 = vec4<f32>(right[rights.w + k]);
    let x = vec4(r0.x, r1.x, r2.x, r3.x);
    let y = vec4(r0.y, r1.y, r2.y, r3.y);
    let z = vec4(r0.z, r1.z, r2.z, r3.z);
    let w = vec4(r0.w, r1.w, r2.w, r3.w);
    sum0 = chain(sum0, vec4<f32>(left[left0 + k]), x, y, z, w);
    if (ROWS == 8u) {
      sum1 = chain(sum1, vec4<f32>(left[left1 + k]), x, y, z, w);
      sum2 = chain(sum2, vec4<f32>(left[left2 + k]), x, y, z, w);
      sum3 = chain(sum3, vec4<f32>(left[left3 + k]), x, y, z, w);
      sum4 = chain(sum4, vec4<f32>(left[left4 + k]), x, y, z, w);
      sum5 = chain(sum5, vec4<f32>(left[left5 + k]), x, y, z, w);
      sum6 = chain(sum6, vec4<f32>(left[left6 + k]), x, y, z, w);
      sum7 = chain(sum7, vec4<f32>(left[left7 + k]), x, y, z, w);
    }
  }

  let output_base = params.output_first + batch * params.output_batch;
  store(row, columns, output_base, sum0);
  if (ROWS == 8u) {
    store(row + 1u, columns, output_base, sum1);
    store(row + 2u, columns, output_base, sum2);
    store(row + 3u, columns, output_base, sum3);
    store(row + 4u, columns, output_base, sum4);
    store(row + 5u, columns, output_base, sum5);
    store(row + 6u, columns, output_base, sum6);
    store(row + 7u, columns, output_base, sum7);
  }
}
`,
  },
  matmul_vector: {
    name: "matmul_vector",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "columns", type: "u32" },
      { name: "depth", type: "u32" },
      { name: "left_first", type: "u32" },
      { name: "left_row", type: "u32" },
      { name: "right_first", type: "u32" },
      { name: "right_row", type: "u32" },
      { name: "output_first", type: "u32" },
      { name: "output_row", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "left", kind: "read" },
      { binding: 2, name: "right", kind: "read" },
      { binding: 3, name: "output", kind: "write" },
    ],
    text: `// Product of few rows with a matrix, C = A B: for GPUs, in decoding. B is read once, by all threads of the GPU.
//
// Shapes:   left A [ROWS, depth] of vec4<Left>, right B [depth, columns] in loads of 16 bytes: a vec4 of f32, or PARTS = 2 vec4s
//           of f16; output C [ROWS, columns] of vec4<Output>; \`depth\` and the left side's places count vec4s, \`columns\` and the
//           right side's loads, the output's vec4s
// Dispatch: one workgroup per COLUMNS4 loads of columns: SLICES = MIDDLE * STRETCH threads each take every SLICES-th vec4 of k; linear
//           groups. AHEAD steps of a thread are loaded before any is used
// Source:   plain definition. Threads' sums are added in two steps: another order than in matmul.wgsl, so that a row may differ by
//           rounding from the same row in a product of many. Adding them pairwise, with a barrier for each halving, took 2.8 us of
//           10 on an H100.

struct Params {
  first_group: u32,
  group_count: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  right_first: u32,
  right_row: u32,
  output_first: u32,
  output_row: u32,
}

const THREADS = COLUMNS4 * SLICES;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

var<workgroup> parts: array<vec4<f32>, PARTS * THREADS>;

// What a load brings, as f32: one vec4, or two where B is halves.
fn widened(loaded: Loaded, part: u32) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(loaded);
  if (PARTS == 1u) {
    return bitcast<vec4<f32>>(bits);
  }
  let half = select(bits.xy, bits.zw, part == 1u);
  return vec4<f32>(unpack2x16float(half.x), unpack2x16float(half.y));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let load_column = min(group * COLUMNS4 + lane % COLUMNS4, params.columns - 1u);
  var sums: array<vec4<f32>, PARTS * ROWS>;
  for (var first = lane / COLUMNS4; first < params.depth; first += AHEAD * SLICES) {
    var loaded: array<Loaded, 4u * AHEAD>;
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = min(first + step * SLICES, params.depth - 1u);
      for (var i = 0u; i < 4u; i++) { // unrolled
        loaded[4u * step + i] = right[params.right_first + (4u * k + i) * params.right_row + load_column];
      }
    }
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = first + step * SLICES;
      for (var r = 0u; r < ROWS; r++) { // unrolled
        let held = vec4<f32>(left[params.left_first + r * params.left_row + min(k, params.depth - 1u)]);
        let a = select(vec4<f32>(), held, k < params.depth);
        for (var part = 0u; part < PARTS; part++) { // unrolled
          var sum = sums[PARTS * r + part];
          sum = fma(vec4(a.x), widened(loaded[4u * step], part), sum);
          sum = fma(vec4(a.y), widened(loaded[4u * step + 1u], part), sum);
          sum = fma(vec4(a.z), widened(loaded[4u * step + 2u], part), sum);
          sums[PARTS * r + part] = fma(vec4(a.w), widened(loaded[4u * step + 3u], part), sum);
        }
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) { // unrolled
    if (r > 0u) {
      workgroupBarrier();
    }
    for (var part = 0u; part < PARTS; part++) { // unrolled
      parts[part * THREADS + lane] = sums[PARTS * r + part];
    }
    workgroupBarrier();
    // A thread's sum takes the place of the first of the STRETCH that it adds: no other thread reads any of them.
    for (var item = lane; item < PARTS * COLUMNS4 * MIDDLE; item += THREADS) {
      let place = item / (COLUMNS4 * MIDDLE) * THREADS + item % (COLUMNS4 * MIDDLE);
      var sum = vec4<f32>();
      for (var i = 0u; i < STRETCH; i++) { // unrolled
        sum += parts[place + i * COLUMNS4 * MIDDLE];
      }
      parts[place] = sum;
    }
    workgroupBarrier();
    for (var item = lane; item < PARTS * COLUMNS4; item += THREADS) {
      let part = item / COLUMNS4;
      let own = group * COLUMNS4 + item % COLUMNS4;
      var sum = vec4<f32>();
      for (var i = 0u; i < MIDDLE; i++) { // unrolled
        sum += parts[part * THREADS + item % COLUMNS4 + i * COLUMNS4];
      }
      if (own < params.columns) {
        output[params.output_first + r * params.output_row + PARTS * own + part] = vec4<Output>(sum);
      }
    }
  }
}
`,
  },
  max: {
    name: "max",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Largest element of each row.
//
// Shapes:   x [rows, size] of Element from element x_first on, size at least 1; y [rows] of Element
// Dispatch: one workgroup per row, linear groups
// Source:   plain definition; NaN ranks lowest, so it comes out only where a row holds nothing else

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

// uses parts/order_key.wgsl

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

var<workgroup> keys: array<u32, WORKGROUP>;
var<workgroup> places: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let first = params.x_first + row * params.size;
  var best = 0u;
  var place = first;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let key = order_key(f32(x[first + i]));
    if (key > best) {
      best = key;
      place = first + i;
    }
  }
  keys[lane] = best;
  places[lane] = place;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < WORKGROUP; other++) {
    if (keys[other] > best) {
      best = keys[other];
      place = places[other];
    }
  }
  y[params.y_first + row] = x[place];
}
`,
  },
  merge_top_k: {
    name: "merge_top_k",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "queries", type: "u32" },
      { name: "pairs", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "votes_stride", type: "u32" },
      { name: "candidates_stride", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "best_scores", kind: "read" },
      { binding: 2, name: "best_tokens", kind: "read" },
      { binding: 3, name: "votes", kind: "write" },
      { binding: 4, name: "candidates", kind: "write" },
      { binding: 5, name: "candidate_counts", kind: "write" },
      { binding: 6, name: "top_scores", kind: "write" },
      { binding: 7, name: "top_tokens", kind: "write" },
    ],
    text: `// Merges the blocks' lists of a query into its k best tokens, and casts one vote for each of them.
//
// Shapes:   best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K] from score_top_k; votes u32
//           [batch, selections, votes_stride], zero before; candidates u32 [batch, selections, candidates_stride], every
//           token with a vote once, in no order; candidate_counts u32 [batch, selections], zero before; top_scores f32,
//           top_tokens u32 [batch, heads, pairs, K], the merged lists, for the trace.
//           selections is 1 where all heads vote together, or the number of KV heads where each votes on its own.
// Dispatch: one thread per query (batch * heads * pairs), linear groups
// Source:   ALGORITHM section 5: votes[j] = number of (head, row) whose k best hold j; ReAttention section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  queries: u32,
  pairs: u32,
  heads: u32,
  selections: u32,
  blocks: u32,
  votes_stride: u32,
  candidates_stride: u32,
}

// uses parts/best_list.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_scores: array<f32>;
@group(0) @binding(2) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> votes: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(5) var<storage, read_write> candidate_counts: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> top_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> top_tokens: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let query = group * WORKGROUP + lane;
  if (group >= params.group_count || query >= params.queries) {
    return;
  }
  var best: Best;
  for (var i = 0u; i < K; i++) {
    best.scores[i] = LOWEST;
    best.tokens[i] = NONE;
  }
  for (var block = 0u; block < params.blocks; block++) {
    let first = (query * params.blocks + block) * K;
    for (var entry = first; entry < first + K; entry++) {
      let score = best_scores[entry];
      let token = best_tokens[entry];
      // Lists fall: behind an entry that is not among the best there is none that is.
      if (token == NONE || !ranks_before(score, token, best.scores[0], best.tokens[0])) {
        break;
      }
      sink(&best, score, token, K);
    }
  }
  let head = (query / params.pairs) % params.heads;
  let sequence = query / (params.pairs * params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  for (var size = K; size > 0u; size--) {
    let score = best.scores[0];
    let token = best.tokens[0];
    sink(&best, best.scores[size - 1u], best.tokens[size - 1u], size - 1u);
    top_scores[query * K + size - 1u] = score;
    top_tokens[query * K + size - 1u] = token;
    if (token == NONE) {
      continue;
    }
    if (atomicAdd(&votes[selection * params.votes_stride + token], 1u) == 0u) {
      let place = atomicAdd(&candidate_counts[selection], 1u);
      candidates[selection * params.candidates_stride + place] = token;
    }
  }
}
`,
  },
  multiply: {
    name: "multiply",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "first", type: "u32" },
      { name: "other_count", type: "u32" },
      { name: "other_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "other", kind: "read" },
      { binding: 3, name: "y", kind: "write" },
    ],
    text: `// Product of two arrays, element by element: y[i] = x[i] * other[(other_first + i) mod other_count].
//
// Shapes:   x, y [count] from element \`first\` on; other [other_count], repeated along x; one element type for all three, computed in
//           Wide (f32 for f32 and f16, the type itself for whole numbers, which wrap around); elements may be vec4s
// Dispatch: one thread per WIDTH elements, a workgroup's side by side, so that all are loaded before any is stored; linear
//           groups. REPEATED is 0 where other is as long as x: a remainder costs more than
//           all the rest.
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  first: u32,
  other_count: u32,
  other_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> other: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  var products: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, params.count - 1u);
    var repeated = params.other_first + index;
    if (REPEATED == 1u) {
      repeated %= params.other_count;
    }
    products[i] = Wide(x[params.first + index]) * Wide(other[repeated]);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < params.count) {
      y[params.first + index] = Element(products[i]);
    }
  }
}
`,
  },
  own_scores: {
    name: "own_scores",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "queries", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "stride", type: "u32" },
      { name: "layer", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "vectors", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "value_pages", kind: "read" },
      { binding: 4, name: "table", kind: "read" },
      { binding: 5, name: "about", kind: "read" },
      { binding: 6, name: "scores", kind: "write" },
    ],
    text: `// Scores of chosen queries with cached tokens by a scorer of one's own: its text, put behind this one, has the function
// score(at: At) -> f32.
//
// Shapes:   vectors f32 [.., head_size], queries among them, before rotation; key_pages, value_pages vec4 [slab_pages, heads,
//           page_tokens, D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the cache, before rotation, padded with zeros;
//           table [batch, table_stride]; about vec4<u32> [queries, 2]: row of the vectors, KV head, (not read here), first
//           token; number of tokens, sequence, the query's place in the context, its head; scores f32 [queries, stride]
// Dispatch: one thread per query and token, tokens fastest; linear groups; one call per slab of the cache
// Source:   ALGORITHM section 5 with score[h, i, j] as the scorer says

struct Params {
  first_group: u32,
  group_count: u32,
  queries: u32,
  heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  head_size: u32,
  stride: u32,
  layer: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> about: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> scores: array<f32>;

// What a scorer is told: the query's layer, head and place in the context, and the token's place.
struct At {
  layer: u32,
  head: u32,
  query: u32,
  token: u32,
}

var<private> own_vector: u32;
var<private> own_slot: u32;

// Channels 4 c to 4 c + 3 of the query, the token's key and its value; c counts to D4.
fn query(c: u32) -> vec4<f32> {
  var four = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    if (4u * c + i < params.head_size) {
      four[i] = vectors[own_vector + 4u * c + i];
    }
  }
  return four;
}

fn key(c: u32) -> vec4<f32> {
  return key_vector(key_first(own_slot) + c) * key_scale(own_slot);
}

fn value(c: u32) -> vec4<f32> {
  return value_vector(value_first(own_slot) + c) * value_scale(own_slot);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.queries * params.stride) {
    return;
  }
  let place = thread % params.stride;
  let own = about[2u * (thread / params.stride)];
  let more = about[2u * (thread / params.stride) + 1u];
  let token = own.w + place;
  if (place >= more.x) {
    return;
  }
  let page = table[more.y * params.table_stride + token / params.page_tokens];
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let slot = ((page - params.slab_first) * params.heads + own.y) * params.page_tokens + token % params.page_tokens;
  own_vector = own.x * params.head_size;
  own_slot = slot;
  scores[thread] = score(At(params.layer, more.w, more.z, token));
}
`,
  },
  pick_best: {
    name: "pick_best",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "bests_stride", type: "u32" },
      { name: "group_tokens", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "clip", type: "u32" },
      { name: "span", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "bests", kind: "read" },
      { binding: 6, name: "tally", kind: "write" },
      { binding: 7, name: "indices", kind: "write" },
      { binding: 8, name: "counts", kind: "write" },
      { binding: 9, name: "scope", kind: "write" },
    ],
    text: `// All that follows scan_groups.wgsl: finds each query's k best tokens, with a workgroup for each query; the last one of those who vote
// together counts votes, keeps the candidates with most, and lists what the step attends to. The same as rescore_groups and
// pick_tokens one after the other: for GPUs, in decoding, where each call waits for the one before.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, the cache's only slab, before rotation; table [batch, table_stride]; parts
//           [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length m (0: no middle); bests f32 [batch,
//           heads, pairs, bests_stride], the highest score of each group first; tally atomic u32 [selections, 1 + QUERIES * K], zeros,
//           which it leaves as zeros; indices u32 [selections, indices_stride], rising positions in the whole context; counts u32
//           [selections], how many of them; scope atomic u32 [1], raised to the longest list. A pair is (row, query head of the KV
//           head's group). selections = batch * (1 or KV heads); QUERIES vote in each
// Dispatch: one workgroup of THREADS threads per query (batch * heads * pairs), linear groups. LANES threads share a token, each takes
//           PER = D4 / VECTORS / LANES stored vectors of VECTORS * 4 channels, of AHEAD tokens at a time. COLUMNS of the threads bound
//           the K-th best, a power of two of at least K; COLUMN_ROWS = THREADS / COLUMNS. SCALED is 1 where keys have scales.
// Source:   ALGORITHM section 5, scores of type qk, and section 6. Groups rank by their best token: higher score first, then the lower
//           group. What K columns of groups reach bounds the K-th best group: the K best tokens reach it too, so only groups and
//           tokens that do count. Sums run as in scan_groups.wgsl, so that scores are bitwise those that the groups were ranked by.
//           What workgroups tell each other goes through atomics alone: WebGPU orders nothing else between them.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  bests_stride: u32,
  group_tokens: u32,
  indices_stride: u32,
  clip: u32,
  span: u32,
}

// uses parts/bound_groups.wgsl
// uses parts/list_votes.wgsl

// Tokens that are scored together, and those that wait to be ranked: the best of all before are among them.
const UNITS = THREADS / LANES;
const TOGETHER = UNITS * AHEAD;
const WAITING = TOGETHER + K;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> tally: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> indices: array<u32>;
@group(0) @binding(8) var<storage, read_write> counts: array<u32>;
@group(0) @binding(9) var<storage, read_write> scope: atomic<u32>;

// One more than the lanes keeps threads that read neighbouring tokens on different banks.
var<workgroup> sums: array<f32, TOGETHER * (LANES + 1u)>;
var<workgroup> scales: array<f32, TOGETHER>;
// Two lists take turns: the best of one come first in the other.
var<workgroup> waiting: array<Item, 2u * WAITING>;
var<workgroup> waits: array<atomic<u32>, 2>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (query >= params.group_count) {
    return;
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = query % pairs;
  let head = (query / pairs) % params.heads;
  let sequence = query / (pairs * params.heads);
  let row_of_query = sequence * params.step_rows + pair / share;
  let part = parts[sequence];
  let slice = lane % LANES;
  let unit = lane / LANES;
  let query_first = (row_of_query * params.query_heads + head * share + pair % share) * D4 + slice * VECTORS;
  var query_row: array<vec4<f32>, PER * VECTORS>;
  for (var c = 0u; c < PER; c++) { // unrolled
    for (var v = 0u; v < VECTORS; v++) { // unrolled
      query_row[c * VECTORS + v] = queries[query_first + c * LANES * VECTORS + v];
    }
  }
  if (lane < 2u) {
    atomicStore(&waits[lane], 0u);
  }
  if (lane == 2u) {
    atomicStore(&offered, 0u);
    bound = Item(LOWEST, NONE);
  }

  // The groups that reach the bound.
  let groups = (part.w + params.group_tokens - 1u) / params.group_tokens;
  var items = 0u;
  if (groups > 0u) {
    items = find_groups(query * params.bests_stride, groups, lane) * params.group_tokens;
  }

  // Their tokens that do.
  var turn = 0u;
  for (var start = 0u; start < items; start += TOGETHER) {
    var read: array<u32, AHEAD>;
    var keys: array<StoredKeys, AHEAD * PER>;
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      let item = min(start + t * UNITS + unit, items - 1u);
      let token = min(groups_offered[item / params.group_tokens] * params.group_tokens + item % params.group_tokens, part.w - 1u);
      let place = part.y + token;
      let page = table[sequence * params.table_stride + place / params.page_tokens] - params.slab_first;
      read[t] = (page * params.heads + head) * params.page_tokens + place % params.page_tokens;
    }
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      let first_key = key_first(read[t]) + slice;
      for (var c = 0u; c < PER; c++) { // unrolled
        keys[t * PER + c] = key_pages[first_key + c * LANES];
      }
    }
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      var sum = vec4<f32>();
      for (var c = 0u; c < PER; c++) { // unrolled
        for (var v = 0u; v < VECTORS; v++) { // unrolled
          sum = fma(query_row[c * VECTORS + v], key_part(keys[t * PER + c], v), sum);
        }
      }
      sums[(t * UNITS + unit) * (LANES + 1u) + slice] = (sum.x + sum.y) + (sum.z + sum.w);
      if (SCALED == 1u && slice == 0u) {
        scales[t * UNITS + unit] = key_scale(read[t]);
      }
    }
    workgroupBarrier();
    for (var place = lane; place < min(TOGETHER, items - start); place += THREADS) {
      var score = 0.0;
      for (var l = 0u; l < LANES; l++) { // unrolled
        score += sums[place * (LANES + 1u) + l];
      }
      if (SCALED == 1u) {
        score *= scales[place];
      }
      let group = groups_offered[(start + place) / params.group_tokens];
      let token = group * params.group_tokens + (start + place) % params.group_tokens;
      // The bound's group may hold its score in any of its tokens.
      if (token < part.w && score > LOWEST && !before(bound, Item(score, group))) {
        waiting[turn * WAITING + atomicAdd(&waits[turn], 1u)] = Item(score, token);
      }
    }
    workgroupBarrier();
    let count = atomicLoad(&waits[turn]);
    for (var place = lane; place < count; place += THREADS) {
      let item = waiting[turn * WAITING + place];
      var rank = 0u;
      for (var other = 0u; other < count; other++) {
        rank += u32(before(waiting[turn * WAITING + other], item));
      }
      if (rank < K) {
        waiting[(1u - turn) * WAITING + rank] = item;
      }
    }
    workgroupBarrier();
    turn = 1u - turn;
    if (lane == 0u) {
      atomicStore(&waits[turn], min(count, K));
      atomicStore(&waits[1u - turn], 0u);
    }
    workgroupBarrier();
  }
  // Tokens are told as one more: zero is none yet.
  let selection = query / QUERIES;
  let first_tally = selection * (1u + ENTRIES);
  if (lane < K) {
    let found = waiting[turn * WAITING + lane].item + 1u;
    let told_token = select(NONE, found, lane < atomicLoad(&waits[turn]));
    atomicStore(&tally[first_tally + 1u + query % QUERIES * K + lane], told_token);
  }
  clear_votes(lane);
  storageBarrier();
  workgroupBarrier();
  if (lane == 0u) {
    told = atomicAdd(&tally[first_tally], 1u);
  }
  if (workgroupUniformLoad(&told) + 1u < QUERIES) {
    return;
  }
  if (lane == 0u) {
    atomicStore(&tally[first_tally], 0u);
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    // All have told theirs, but nothing says that this comes to be seen in the order in which it was told.
    var token = 0u;
    while (token == 0u) {
      token = atomicExchange(&tally[first_tally + 1u + entry], 0u);
    }
    voted[entry] = select(token - 1u, NONE, token == NONE);
  }
  workgroupBarrier();
  list_tokens(selection, part, lane);
}
`,
  },
  pick_tokens: {
    name: "pick_tokens",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "selections_per_sequence", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "clip", type: "u32" },
      { name: "span", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "best_scores", kind: "read" },
      { binding: 2, name: "best_tokens", kind: "read" },
      { binding: 3, name: "parts", kind: "read" },
      { binding: 4, name: "indices", kind: "write" },
      { binding: 5, name: "counts", kind: "write" },
      { binding: 6, name: "scope", kind: "write" },
    ],
    text: `// All that follows scoring, in one workgroup for those who vote together: merges the blocks' lists of each query, counts votes,
// keeps the candidates with most, and lists what the step attends to. The same as merge_top_k, clip_votes and collect_indices one
// after the other: for GPUs, in decoding, where each call waits for the one before.
//
// Shapes:   best_scores f32, best_tokens u32 [selections, QUERIES, blocks, K] from a scoring kernel, a list's best first; parts
//           [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length m (0: no middle); indices u32
//           [selections, indices_stride], rising positions in the whole context; counts u32 [selections], how many of them; scope
//           atomic u32 [1], raised to the longest list. selections = batch * (1 or KV heads); QUERIES vote in each
// Dispatch: one workgroup of THREADS threads per selection, linear groups; LANES threads share a query, a power of two with
//           QUERIES * LANES <= THREADS
// Source:   ALGORITHM section 5 and 6: at most \`clip\` candidates, most votes first, ties to the lower token; then clamp(c + o, 0,
//           m - 1) for -floor(span / 2) <= o <= ceil(span / 2) - 1. Sorted spans end in rising order, so each adds the tokens
//           between the end of the one before and its own.

struct Params {
  first_group: u32,
  group_count: u32,
  blocks: u32,
  selections_per_sequence: u32,
  indices_stride: u32,
  clip: u32,
  span: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/list_votes.wgsl

// Entries of a list that a thread loads before it looks at the first.
const AHEAD = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_scores: array<f32>;
@group(0) @binding(2) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> scope: atomic<u32>;

var<workgroup> lane_scores: array<f32, THREADS * K>;
var<workgroup> lane_tokens: array<u32, THREADS * K>;

// The best of a query's lists among those that a thread takes.
fn best_of_share(query: u32, slice: u32) -> Best {
  var best: Best;
  for (var i = 0u; i < K; i++) { // unrolled
    best.scores[i] = LOWEST;
    best.tokens[i] = NONE;
  }
  let count = params.blocks * K;
  for (var first = slice; first < count; first += AHEAD * LANES) {
    var scores: array<f32, AHEAD>;
    var tokens: array<u32, AHEAD>;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let entry = query * count + min(first + i * LANES, count - 1u);
      scores[i] = best_scores[entry];
      tokens[i] = best_tokens[entry];
    }
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let counts_here = first + i * LANES < count && tokens[i] != NONE;
      if (counts_here && ranks_before(scores[i], tokens[i], best.scores[K - 1u], best.tokens[K - 1u])) {
        insert(&best, scores[i], tokens[i]);
      }
    }
  }
  return best;
}

fn store_lane(best: ptr<function, Best>, lane: u32) {
  for (var i = 0u; i < K; i++) { // unrolled
    lane_scores[i * THREADS + lane] = (*best).scores[i];
    lane_tokens[i * THREADS + lane] = (*best).tokens[i];
  }
}

// Leaves the K best of each query in \`voted\`.
fn merge(selection: u32, lane: u32) {
  let query = lane / LANES;
  let slice = lane % LANES;
  let takes = query < QUERIES;
  var best = best_of_share(selection * QUERIES + min(query, QUERIES - 1u), slice);
  store_lane(&best, lane);
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slice < half) {
      for (var i = 0u; i < K; i++) { // unrolled
        let score = lane_scores[i * THREADS + lane + half];
        let token = lane_tokens[i * THREADS + lane + half];
        if (ranks_before(score, token, best.scores[K - 1u], best.tokens[K - 1u])) {
          insert(&best, score, token);
        }
      }
      store_lane(&best, lane);
    }
  }
  if (takes && slice == 0u) {
    for (var i = 0u; i < K; i++) { // unrolled
      voted[query * K + i] = best.tokens[i];
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let selection = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (selection >= params.group_count) {
    return;
  }
  clear_votes(lane);
  merge(selection, lane);
  workgroupBarrier();
  list_tokens(selection, parts[selection / params.selections_per_sequence], lane);
}
`,
  },
  pool_weights: {
    name: "pool_weights",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "lists", type: "u32" },
      { name: "stride", type: "u32" },
      { name: "count", type: "u32" },
      { name: "half", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "weights", kind: "read" },
      { binding: 2, name: "pooled", kind: "write" },
    ],
    text: `// The largest weight among a token and its neighbours in its list, up to \`half\` on each side.
//
// Shapes:   weights, pooled f32 [lists, stride], of which the first \`count\` are used
// Dispatch: one thread per list and place, linear groups
// Source:   the pooling of SnapKV (arXiv 2404.14469, section 4.2), by maximum and with stride 1, so that neighbours stay together

struct Params {
  first_group: u32,
  group_count: u32,
  lists: u32,
  stride: u32,
  count: u32,
  half: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> pooled: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  let place = thread % params.stride;
  if (group >= params.group_count || thread >= params.lists * params.stride || place >= params.count) {
    return;
  }
  let first = thread - place;
  var highest = weights[thread];
  for (var other = place - min(place, params.half); other < min(params.count, place + params.half + 1u); other++) {
    highest = max(highest, weights[first + other]);
  }
  pooled[thread] = highest;
}
`,
  },
  query_scores: {
    name: "query_scores",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "queries", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "indices_stride", type: "u32" },
      { name: "stride", type: "u32" },
      { name: "take_values", type: "u32" },
      { name: "norm", type: "u32" },
      { name: "rotate", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "vectors", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "value_pages", kind: "read" },
      { binding: 4, name: "table", kind: "read" },
      { binding: 5, name: "about", kind: "read" },
      { binding: 6, name: "indices", kind: "read" },
      { binding: 7, name: "rotation", kind: "read" },
      { binding: 8, name: "scores", kind: "write" },
    ],
    text: `// Scores of chosen queries with cached tokens, all of them written: what selection and attention look at, to be looked at.
//
// Shapes:   vectors f32 [.., head_size], queries among them, rotated where scores are; key_pages, value_pages [slab_pages,
//           heads, page_tokens, 4 * D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the cache, before rotation;
//           table [batch, table_stride]; about vec4<u32> [queries, 2]: row of the vectors, KV head, list of tokens (NONE:
//           tokens side by side), first token where they are; number of tokens, sequence, and two that are not read here;
//           indices u32 [lists, indices_stride]; rotation vec2 (cos, sin) [positions, head_size / 2];
//           scores f32 [queries, stride]
// Dispatch: one thread per query and token, tokens fastest; linear groups; one call per slab of the cache
// Source:   ALGORITHM sections 5 and 6: q . P with P the key, the key times its value's norm (1: L1, 2: L2) or the value;
//           rotated by the token's own position (rotate 1) or its place in the list (rotate 2). Unscaled. Sums without rotation
//           run in the order of score_top_k, so that equal keys get bitwise equal scores and ranks are the selection's.

struct Params {
  first_group: u32,
  group_count: u32,
  queries: u32,
  heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  head_size: u32,
  indices_stride: u32,
  stride: u32,
  take_values: u32,
  norm: u32,
  rotate: u32,
}

override WORKGROUP: u32 = 64u;

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> about: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> indices: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(8) var<storage, read_write> scores: array<f32>;

fn taken(slot: u32, c: u32) -> f32 {
  if (params.take_values == 1u) {
    return value_channel(slot, c);
  }
  return key_channel(slot, c);
}

fn weight(slot: u32) -> f32 {
  if (params.norm == 0u) {
    return 1.0;
  }
  var sum = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    let value = value_channel(slot, c);
    sum += select(abs(value), value * value, params.norm == 2u);
  }
  return select(sum, sqrt(sum), params.norm == 2u);
}

fn channel(query: u32, c: u32) -> f32 {
  if (c >= params.head_size) {
    return 0.0;
  }
  return vectors[query + c];
}

fn plain_score(query: u32, slot: u32, factor: f32) -> f32 {
  var sum = vec4<f32>();
  for (var c = 0u; c < 4u * D4; c += 4u) {
    let q = vec4<f32>(channel(query, c), channel(query, c + 1u), channel(query, c + 2u), channel(query, c + 3u));
    let p = vec4<f32>(taken(slot, c), taken(slot, c + 1u), taken(slot, c + 2u), taken(slot, c + 3u));
    sum = fma(q, p * factor, sum);
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

fn rotated_score(query: u32, slot: u32, factor: f32, position: u32) -> f32 {
  let pairs = params.head_size / 2u;
  var sum = 0.0;
  for (var c = 0u; c < pairs; c++) {
    let low = taken(slot, c) * factor;
    let high = taken(slot, c + pairs) * factor;
    let turn = rotation[position * pairs + c];
    sum = fma(vectors[query + c], low * turn.x - high * turn.y, sum);
    sum = fma(vectors[query + c + pairs], high * turn.x + low * turn.y, sum);
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.queries * params.stride) {
    return;
  }
  let place = thread % params.stride;
  let query = thread / params.stride;
  let own = about[2u * query];
  let more = about[2u * query + 1u];
  if (place >= more.x) {
    return;
  }
  var token = own.w + place;
  if (own.z != NONE) {
    token = indices[own.z * params.indices_stride + place];
  }
  let page = table[more.y * params.table_stride + token / params.page_tokens];
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let slot = ((page - params.slab_first) * params.heads + own.y) * params.page_tokens + token % params.page_tokens;
  let vector = own.x * params.head_size;
  let factor = weight(slot);
  if (params.rotate == 0u) {
    scores[thread] = plain_score(vector, slot, factor);
  } else {
    scores[thread] = rotated_score(vector, slot, factor, select(place, token, params.rotate == 1u));
  }
}
`,
  },
  raise: {
    name: "raise",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "value", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "highest", kind: "write" },
    ],
    text: `// Raises a number to at least another one.
//
// Shapes:   highest atomic u32 [1]
// Dispatch: one workgroup of one thread
// Source:   none; keeps the largest scope of lists that the host knows

struct Params {
  first_group: u32,
  group_count: u32,
  value: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> highest: atomic<u32>;

@compute @workgroup_size(1)
fn main() {
  atomicMax(&highest, params.value);
}
`,
  },
  raise_to: {
    name: "raise_to",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "more", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "numbers", kind: "read" },
      { binding: 2, name: "highest", kind: "write" },
    ],
    text: `// Raises a number to at least the largest of others and what comes on top of them.
//
// Shapes:   numbers u32 [count]; highest atomic u32 [1]
// Dispatch: one workgroup of one thread
// Source:   none; keeps the largest scope of lists that steps go on with

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  more: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> numbers: array<u32>;
@group(0) @binding(2) var<storage, read_write> highest: atomic<u32>;

@compute @workgroup_size(1)
fn main() {
  var most = 0u;
  for (var i = 0u; i < params.count; i++) {
    most = max(most, numbers[i]);
  }
  atomicMax(&highest, most + params.more);
}
`,
  },
  read_probe: {
    name: "read_probe",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Probe of the adapter's bandwidth for reading alone: each thread reads some vec4s apart by a workgroup's width, and almost nothing is
// written.
//
// Shapes:   x [count] of vec4<u32>; y u32 [1], written where the sum of all bits a thread read is a number that hardly occurs
// Dispatch: WORKGROUP threads of WIDTH vec4s each, linear groups
// Source:   none; a limit that \`deno task bench\` tells beside copying

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let first = group * WORKGROUP * WIDTH + lane;
  var total = vec4<u32>();
  for (var part = 0u; part < WIDTH; part++) { // unrolled
    total ^= x[min(first + part * WORKGROUP, params.count - 1u)];
  }
  if ((total.x ^ total.y ^ total.z ^ total.w) == 0x9e3779b9u) {
    y[0] = 1u;
  }
}
`,
  },
  relative_attention: {
    name: "relative_attention",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "causal", type: "u32" },
      { name: "slide", type: "u32" },
      { name: "leading", type: "u32" },
      { name: "compact", type: "u32" },
      { name: "near", type: "u32" },
      { name: "fine", type: "u32" },
      { name: "slope", type: "u32" },
      { name: "group", type: "u32" },
      { name: "most", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "row_groups", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "split_keys", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "values", kind: "read" },
      { binding: 4, name: "indices", kind: "read" },
      { binding: 5, name: "counts", kind: "read" },
      { binding: 6, name: "angles", kind: "read" },
      { binding: 7, name: "output", kind: "write" },
      { binding: 8, name: "sums", kind: "write" },
    ],
    text: `// Causal attention with grouped heads in which each pair of query and key has a relative position of its own.
//
// Shapes:   queries, output [batch, rows, query_heads, head_size] f32; keys, values f32 [batch, heads, bound, padded], gathered
//           and not turned; indices u32 [batch, selections, bound], the tokens' positions in the context, rising; counts u32
//           [batch, selections]; angles vec2 (cos, sin) [relative positions, HALF]; sums f32 [batch, rows, query_heads], the
//           logarithm of each row's sum of exponentials. SPLIT: output is what relative_join.wgsl joins, f32 [batch, rows,
//           query_heads, splits, SIZE + 2]: sums, and behind them the highest score and the weights' sum
// Dispatch: one thread per row, SHARE query heads of a KV head's group and split_keys places of the list; linear groups, those
//           of a split in a row. The list ends with the rows' own tokens (causal 1), or all rows see all of it (causal 0). Where
//           slide is not 0, a row sees the first \`leading\` tokens, the last \`slide\` ones up to its own, and all that lie before
//           the first row's \`slide\` tokens.
// Source:   softmax(q R(relative) k / sqrt(d)) v; relative positions by parts/relative_position.wgsl. \`compact\` takes places in
//           the list for positions.
// uses parts/relative_position.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  bound: u32,
  padded: u32,
  causal: u32,
  slide: u32,
  leading: u32,
  compact: u32,
  near: u32,
  fine: u32,
  slope: u32,
  group: u32,
  most: u32,
  scale: f32,
  row_groups: u32,
  splits: u32,
  split_keys: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> output: array<f32>;
@group(0) @binding(8) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let workgroup_number = params.first_group + workgroup.x + workgroup.y * grid.x;
  let split = workgroup_number / params.row_groups;
  let thread = workgroup_number % params.row_groups * WORKGROUP + lane;
  let tiles = params.query_heads / SHARE;
  if (workgroup_number >= params.group_count || thread >= params.batch * params.rows * tiles) {
    return;
  }
  let first_head = (thread % tiles) * SHARE;
  let row = (thread / tiles) % params.rows;
  let sequence = thread / (tiles * params.rows);
  let head = first_head / (params.query_heads / params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  let count = counts[selection];
  let listed = selection * params.bound;

  // A list that holds less than the rows' own tokens has none of them: then rows see all of it and nothing is near.
  var end = count;
  var m = 0u;
  var window = 0u;
  if (params.causal == 1u) {
    end = count - params.rows + row + 1u;
    m = select(indices[listed + end - 1u], end - 1u, params.compact == 1u);
    let first = select(indices[listed + count - params.rows], count - params.rows, params.compact == 1u);
    window = first + 1u - min(first + 1u, params.slide);
  }

  var queries_of: array<array<f32, SIZE>, SHARE>;
  var sums_of: array<array<f32, SIZE>, SHARE>;
  var most: array<f32, SHARE>;
  var weights: array<f32, SHARE>;
  let place_of_row = (sequence * params.rows + row) * params.query_heads + first_head;
  for (var h = 0u; h < SHARE; h++) { // unrolled
    most[h] = LOWEST;
    for (var c = 0u; c < SIZE; c++) { // unrolled
      queries_of[h][c] = queries[(place_of_row + h) * SIZE + c] * params.scale;
    }
  }
  let base = (sequence * params.heads + head) * params.bound * params.padded;
  let begin = split * params.split_keys;
  end = min(end, begin + params.split_keys);
  for (var place = begin; place < end; place++) {
    let n = select(indices[listed + place], place, params.compact == 1u);
    let hidden = params.causal == 1u && params.slide > 0u && n >= max(window, params.leading) && m - n >= params.slide;
    var angle = 0u;
    if (params.causal == 1u) {
      angle = relative_row(m, n) * HALF;
    }
    let at = base + place * params.padded;
    var scores = array<f32, SHARE>();
    for (var c = 0u; c < HALF; c++) { // unrolled
      let turn = angles[angle + c];
      let low = keys[at + c];
      let high = keys[at + c + HALF];
      let turned_low = low * turn.x + high * turn.y;
      let turned_high = high * turn.x - low * turn.y;
      for (var h = 0u; h < SHARE; h++) { // unrolled
        scores[h] = fma(queries_of[h][c], turned_low, fma(queries_of[h][c + HALF], turned_high, scores[h]));
      }
    }
    var shrinks: array<f32, SHARE>;
    var gains: array<f32, SHARE>;
    for (var h = 0u; h < SHARE; h++) { // unrolled
      let next = select(max(most[h], scores[h]), most[h], hidden);
      shrinks[h] = exp(most[h] - next);
      gains[h] = select(exp(scores[h] - next), 0.0, hidden);
      most[h] = next;
      weights[h] = weights[h] * shrinks[h] + gains[h];
    }
    for (var c = 0u; c < SIZE; c++) { // unrolled
      let value = values[at + c];
      for (var h = 0u; h < SHARE; h++) { // unrolled
        sums_of[h][c] = fma(gains[h], value, sums_of[h][c] * shrinks[h]);
      }
    }
  }
  if (SPLIT == 1u) {
    for (var h = 0u; h < SHARE; h++) { // unrolled
      let part = ((place_of_row + h) * params.splits + split) * (SIZE + 2u);
      for (var c = 0u; c < SIZE; c++) { // unrolled
        output[part + c] = sums_of[h][c];
      }
      output[part + SIZE] = most[h];
      output[part + SIZE + 1u] = weights[h];
    }
    return;
  }
  for (var h = 0u; h < SHARE; h++) { // unrolled
    sums[place_of_row + h] = most[h] + log(weights[h]);
    for (var c = 0u; c < SIZE; c++) { // unrolled
      output[(place_of_row + h) * SIZE + c] = sums_of[h][c] / weights[h];
    }
  }
}
`,
  },
  relative_join: {
    name: "relative_join",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "splits", type: "u32" },
      { name: "elements", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "parts", kind: "read" },
      { binding: 2, name: "output", kind: "write" },
      { binding: 3, name: "sums", kind: "write" },
    ],
    text: `// Joins what attention with relative positions leaves of each split of the list: each row's sums, brought to one highest score, over
// their weights.
//
// Shapes:   parts f32 [rows of batch and query heads, splits, SIZE + 2] as relative_attention.wgsl leaves them; output f32 [rows of
//           batch and query heads, SIZE]; sums f32 [rows of batch and query heads], the logarithm of the sum of exponentials
// Dispatch: one thread per element of the output, linear groups
// Source:   Flash-Decoding (Dao et al. 2023); a split without a token weighs 0

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  splits: u32,
  elements: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let element = group * WORKGROUP + lane;
  if (group >= params.group_count || element >= params.elements) {
    return;
  }
  let row = element / params.size;
  let channel = element % params.size;
  let width = params.size + 2u;
  let first = row * params.splits * width;
  var most = LOWEST;
  for (var split = 0u; split < params.splits; split++) {
    most = max(most, parts[first + split * width + params.size]);
  }
  var weight = 0.0;
  var total = 0.0;
  for (var split = 0u; split < params.splits; split++) {
    let part = first + split * width;
    let shrink = exp(parts[part + params.size] - most);
    weight = fma(parts[part + params.size + 1u], shrink, weight);
    total = fma(parts[part + channel], shrink, total);
  }
  output[element] = total / weight;
  if (channel == 0u) {
    sums[row] = most + log(weight);
  }
}
`,
  },
  rescore_groups: {
    name: "rescore_groups",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "bests_stride", type: "u32" },
      { name: "group_tokens", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "group_bests", kind: "read" },
      { binding: 6, name: "best_scores", kind: "write" },
      { binding: 7, name: "best_tokens", kind: "write" },
    ],
    text: `// Picks each query's k best tokens: the k groups of neighbouring tokens with the highest scores hold them, so only those are scored
// again. For GPUs, after score_groups.wgsl and scan_groups.wgsl.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; group_bests f32 [batch, heads, pairs, bests_stride], the highest score of each group
//           first; best_scores f32, best_tokens u32 [batch, heads, pairs, K], sorted by falling score, then rising token. A pair is (row, query head of the
//           KV head's group). Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one workgroup of THREADS threads, at least K, per query (batch * heads * pairs), linear groups. Where the cache has several
//           slabs, one call per slab: each goes on from the lists of the one before (params.resume).
// Source:   ALGORITHM section 5, scores of type qk. Groups rank by their best token: higher score first, then the lower token. A
//           token outside of the k first groups has k better ones, each group's best. Sums run as they did before
//           (parts/score_*.wgsl), so that scores are bitwise those that the groups were ranked by.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  bests_stride: u32,
  group_tokens: u32,
  resume: u32,
}

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
// Items that threads offer at a time; where more come, they wait for the next join.
const ROOM = 256u;
const COLUMNS = 64u;
// Groups that a thread loads before it looks at the first.
const AHEAD = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> group_bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> best_tokens: array<u32>;

var<workgroup> query_row: array<vec4<f32>, D4>;
// Two copies of the list take turns: what was offered is joined with one, by rank, into the other. Items are groups, then tokens.
var<workgroup> list_scores: array<f32, 2u * K>;
var<workgroup> list_items: array<u32, 2u * K>;
var<workgroup> offered_scores: array<f32, ROOM>;
var<workgroup> offered_items: array<u32, ROOM>;
var<workgroup> offered: atomic<u32>;
var<workgroup> refused: atomic<u32>;
var<workgroup> again: u32;
var<workgroup> chosen: array<u32, K>;
// The best item of each thread, then of each column of threads; the K-th of them bounds the K-th best item.
var<workgroup> lane_scores: array<f32, THREADS>;
var<workgroup> lane_items: array<u32, THREADS>;
var<workgroup> bound_score: f32;
var<workgroup> bound_item: u32;

fn query_at(c: u32) -> vec4<f32> {
  return query_row[c];
}

struct Item {
  score: f32,
  item: u32,
}

// True where (score, item) ranks before (other, held): higher score first, then the lower item.
fn ranks_before(score: f32, item: u32, other: f32, held: u32) -> bool {
  return score > other || (score == other && item < held);
}

// Offers an item, which is dropped where the list has K better ones; false where there is no room now.
fn offer(turn: u32, score: f32, item: u32) -> bool {
  let worst = turn * K + K - 1u;
  if (!ranks_before(score, item, list_scores[worst], list_items[worst])) {
    return true;
  }
  let place = atomicAdd(&offered, 1u);
  if (place >= ROOM) {
    atomicStore(&refused, 1u);
    return false;
  }
  offered_scores[place] = score;
  offered_items[place] = item;
  return true;
}

// Joins what all threads offered into the other copy of the list. All threads call it; \`again\` says whether some had no room.
fn join(turn: u32, lane: u32) {
  workgroupBarrier();
  let count = min(atomicLoad(&offered), ROOM);
  for (var place = lane; place < K + count; place += THREADS) {
    var score = 0.0;
    var item = 0u;
    if (place < K) {
      score = list_scores[turn * K + place];
      item = list_items[turn * K + place];
    } else {
      score = offered_scores[place - K];
      item = offered_items[place - K];
    }
    // Empty places are all alike: among them the earlier ranks before the later.
    var rank = 0u;
    for (var run = 0u; run < K; run += 4u) {
      for (var i = 0u; i < 4u; i++) { // unrolled
        let other = run + i;
        let theirs = list_items[turn * K + other];
        let same = theirs == item && other < place;
        let before = same || ranks_before(list_scores[turn * K + other], theirs, score, item);
        rank += u32(other < K && before);
      }
    }
    for (var run = 0u; run < count; run += 8u) {
      for (var i = 0u; i < 8u; i++) { // unrolled
        rank += u32(run + i < count && ranks_before(offered_scores[run + i], offered_items[run + i], score, item));
      }
    }
    if (rank < K) {
      list_scores[(1u - turn) * K + rank] = score;
      list_items[(1u - turn) * K + rank] = item;
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    atomicStore(&offered, 0u);
    again = atomicExchange(&refused, 0u);
  }
  workgroupBarrier();
}

// The best group of those that a thread looks at; NONE where there is none.
fn best_group(first: u32, groups: u32, lane: u32) -> Item {
  var best = Item(LOWEST, NONE);
  for (var start = lane; start < groups; start += AHEAD * THREADS) {
    var scores: array<f32, AHEAD>;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      scores[i] = group_bests[first + min(start + i * THREADS, groups - 1u)];
    }
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      if (scores[i] > best.score && start + i * THREADS < groups) {
        best = Item(scores[i], start + i * THREADS);
      }
    }
  }
  return best;
}

// Leaves in bound_score and bound_item what K items reach: the K-th of 64 columns' bests among what each thread has; the lowest
// where too few columns have one. All threads call it.
fn find_bound(own: Item, lane: u32) {
  workgroupBarrier();
  lane_scores[lane] = own.score;
  lane_items[lane] = own.item;
  if (lane == 0u) {
    bound_score = LOWEST;
    bound_item = NONE;
  }
  workgroupBarrier();
  var best = own;
  if (THREADS > COLUMNS) {
    for (var other = lane + COLUMNS; other < THREADS; other += COLUMNS) {
      if (ranks_before(lane_scores[other], lane_items[other], best.score, best.item)) {
        best = Item(lane_scores[other], lane_items[other]);
      }
    }
    workgroupBarrier();
    if (lane < COLUMNS) {
      lane_scores[lane] = best.score;
      lane_items[lane] = best.item;
    }
    workgroupBarrier();
  }
  if (lane < COLUMNS) {
    var rank = 0u;
    for (var run = 0u; run < COLUMNS; run += 16u) {
      for (var i = 0u; i < 16u; i++) { // unrolled
        rank += u32(ranks_before(lane_scores[run + i], lane_items[run + i], best.score, best.item));
      }
    }
    if (rank == K - 1u && best.item != NONE) {
      bound_score = best.score;
      bound_item = best.item;
    }
  }
  workgroupBarrier();
}

// Whether an item is there and reaches the bound.
fn reaches(score: f32, item: u32) -> bool {
  return item != NONE && score > LOWEST && !ranks_before(bound_score, bound_item, score, item);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (query >= params.group_count) {
    return;
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = query % pairs;
  let head = (query / pairs) % params.heads;
  let sequence = query / (pairs * params.heads);
  let row = sequence * params.step_rows + pair / share;
  for (var c4 = lane; c4 < D4; c4 += THREADS) {
    query_row[c4] = queries[(row * params.query_heads + head * share + pair % share) * D4 + c4];
  }
  if (lane < K) {
    list_scores[lane] = LOWEST;
    list_items[lane] = NONE;
  }

  let part = parts[sequence];
  let groups = (part.w + params.group_tokens - 1u) / params.group_tokens;
  let first = query * params.bests_stride;
  var turn = 0u;
  let own = best_group(first, groups, lane);
  find_bound(own, lane);
  // A thread whose best group does not reach the bound has none that does.
  var group = select(groups, lane, reaches(own.score, own.item));
  loop {
    var waits = false;
    while (group < groups && !waits) {
      var scores: array<f32, AHEAD>;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        scores[i] = group_bests[first + min(group + i * THREADS, groups - 1u)];
      }
      let start = group;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let other = start + i * THREADS;
        if (!waits && other < groups && reaches(scores[i], other)) {
          waits = !offer(turn, scores[i], other);
        }
        group += select(THREADS, 0u, waits);
      }
    }
    join(turn, lane);
    turn = 1u - turn;
    if (workgroupUniformLoad(&again) == 0u) {
      break;
    }
  }
  if (lane < K) {
    chosen[lane] = list_items[turn * K + lane];
    let resumes = params.resume == 1u;
    list_scores[turn * K + lane] = select(LOWEST, best_scores[query * K + lane], resumes);
    list_items[turn * K + lane] = select(NONE, best_tokens[query * K + lane], resumes);
  }
  workgroupBarrier();

  let items = K * params.group_tokens;
  for (var first_item = 0u; first_item < items; first_item += THREADS) {
    let item = first_item + lane;
    var found = Item(LOWEST, NONE);
    if (item < items) {
      let group_of = chosen[item / params.group_tokens];
      let token = group_of * params.group_tokens + item % params.group_tokens;
      if (group_of != NONE && token < part.w) {
        let place = part.y + token;
        let page = table[sequence * params.table_stride + place / params.page_tokens];
        if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
          let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + place % params.page_tokens;
          found = Item(score_of(slot), token);
        }
      }
    }
    // Of at most 4 * 64 threads, no more than ROOM reach the bound; of 64 all may offer.
    if (THREADS > COLUMNS) {
      find_bound(found, lane);
    }
    if (reaches(found.score, found.item) || (THREADS == COLUMNS && found.item != NONE)) {
      _ = offer(turn, found.score, found.item);
    }
    join(turn, lane);
    turn = 1u - turn;
  }
  if (lane < K) {
    best_scores[query * K + lane] = list_scores[turn * K + lane];
    best_tokens[query * K + lane] = list_items[turn * K + lane];
  }
}
`,
  },
  rescore_short_groups: {
    name: "rescore_short_groups",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "asking", type: "u32" },
      { name: "bests_stride", type: "u32" },
      { name: "group_tokens", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "bests", kind: "read" },
      { binding: 6, name: "best_scores", kind: "write" },
      { binding: 7, name: "best_tokens", kind: "write" },
    ],
    text: `// Picks each query's k best tokens as rescore_groups.wgsl does, for short lists: with a team of threads a query, several in a
// workgroup, and few instructions. For GPUs, after score_groups.wgsl and scan_groups.wgsl.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride]; parts
//           [batch, 4]; bests f32 [batch, heads, pairs, bests_stride], the highest score of each group first; best_scores f32,
//           best_tokens u32 [batch, heads, pairs, K], sorted by falling score, then rising token. A pair is (row, query head of the
//           KV head's group). Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one workgroup of THREADS threads per THREADS / TEAM of the \`asking\` queries (batch * heads * pairs), linear groups; TEAM
//           threads share a query, a power of two of at least K that divides THREADS; COLUMNS of its threads bound the K-th best, a
//           power of two of at most TEAM. Where the cache has several slabs (SLABS 2), one call per slab: each goes on from the
//           lists of the one before (params.resume)
// Source:   ALGORITHM section 5, scores of type qk. Groups rank by their best token: higher score first, then the lower token. A
//           token outside of the k first groups has k better ones, each group's best. Sums run as they did before
//           (parts/score_*.wgsl), so that scores are bitwise those that the groups were ranked by.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  asking: u32,
  bests_stride: u32,
  group_tokens: u32,
  resume: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/best_in_groups.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> best_tokens: array<u32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let own = group * TEAMS + lane / TEAM;
  let takes = own < params.asking;
  let query = min(own, params.asking - 1u);
  let asked = ask(query, lane);
  let part = parts[asked.sequence];
  choose(all_items(query * params.bests_stride, (part.w + params.group_tokens - 1u) / params.group_tokens), asked);
  var held = Item(LOWEST, NONE);
  if (SLABS > 1u && params.resume == 1u && asked.slice < K) {
    held = Item(best_scores[query * K + asked.slice], best_tokens[query * K + asked.slice]);
  }
  offer_tokens(part, asked, held);
  let count = atomicLoad(&offered[asked.team]);
  for (var place = asked.slice; place < max(count, K); place += TEAM) {
    // Where fewer than K were offered, the places behind them are empty.
    var rank = place;
    var found = Item(LOWEST, NONE);
    if (place < count) {
      rank = rank_of(place, asked.team);
      found = Item(offered_scores[asked.team * ROOM + place], offered_items[asked.team * ROOM + place]);
    }
    if (takes && rank < K) {
      best_scores[query * K + rank] = found.score;
      best_tokens[query * K + rank] = found.item;
    }
  }
}
`,
  },
  rms_norm: {
    name: "rms_norm",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
      { name: "epsilon", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "weight", kind: "read" },
      { binding: 3, name: "y", kind: "write" },
    ],
    text: `// Root-mean-square norm over rows: y = x / sqrt(mean of x^2 + epsilon) * weight.
//
// Shapes:   x, y [rows, size] of Element from element x_first and y_first on; weight [size] of Weight; computed in f32
// Dispatch: one workgroup per row, linear groups
// Source:   Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4, with epsilon as in Llama

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
  epsilon: f32,
}

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

var<workgroup> parts: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let x_first = params.x_first + row * params.size;
  let y_first = params.y_first + row * params.size;
  var part = 0.0;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let value = f32(x[x_first + i]);
    part = fma(value, value, part);
  }
  parts[lane] = part;
  workgroupBarrier();
  var total = 0.0;
  for (var other = 0u; other < WORKGROUP; other++) {
    total += parts[other];
  }
  let factor = 1.0 / sqrt(total / f32(params.size) + params.epsilon);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = Element(f32(x[x_first + i]) * factor * f32(weight[i]));
  }
}
`,
  },
  rms_norm_wide: {
    name: "rms_norm_wide",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
      { name: "epsilon", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "weight", kind: "read" },
      { binding: 3, name: "y", kind: "write" },
    ],
    text: `// The same as rms_norm.wgsl for rows of whole vec4s: y = x / sqrt(mean of x^2 + epsilon) * weight.
//
// Shapes:   x, y [rows, size] of vec4<Element> from vec4 x_first and y_first on; weight [size] of vec4<Weight>; computed in f32
// Dispatch: one workgroup of 16 to 256 threads per row, linear groups. Where HELD is not 0 a thread holds that many vec4s of its
//           row, which is then read once
// Source:   Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4, with epsilon as in Llama

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
  epsilon: f32,
}

// uses parts/row_totals.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<Weight>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<Element>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let x_first = params.x_first + row * params.size;
  let y_first = params.y_first + row * params.size;
  var part = vec4<f32>();
  var held: array<vec4<f32>, max(HELD, 1u)>;
  for (var i = 0u; i < HELD; i++) { // unrolled
    let place = lane + i * WORKGROUP;
    let value = vec4<f32>(x[x_first + min(place, params.size - 1u)]);
    held[i] = select(vec4<f32>(), value, place < params.size);
    part = fma(held[i], held[i], part);
  }
  if (HELD > 0u) {
    let total = total_of((part.x + part.y) + (part.z + part.w), lane);
    let factor = 1.0 / sqrt(total / f32(4u * params.size) + params.epsilon);
    for (var i = 0u; i < HELD; i++) { // unrolled
      let place = lane + i * WORKGROUP;
      if (place < params.size) {
        y[y_first + place] = vec4<Element>(held[i] * factor * vec4<f32>(weight[place]));
      }
    }
    return;
  }
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let value = vec4<f32>(x[x_first + i]);
    part = fma(value, value, part);
  }
  let total = total_of((part.x + part.y) + (part.z + part.w), lane);
  let factor = 1.0 / sqrt(total / f32(4u * params.size) + params.epsilon);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = vec4<Element>(vec4<f32>(x[x_first + i]) * factor * vec4<f32>(weight[i]));
  }
}
`,
  },
  rotary: {
    name: "rotary",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "pairs", type: "u32" },
      { name: "table_rows", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
      { name: "positions_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "positions", kind: "read" },
      { binding: 3, name: "cosines", kind: "read" },
      { binding: 4, name: "sines", kind: "read" },
      { binding: 5, name: "y", kind: "write" },
    ],
    text: `// Rotary position embedding with given positions: turns the pairs (x[c], x[c + d/2]) of every head.
//
// Shapes:   x, y [rows, heads, 2 * pairs] of Element from element x_first and y_first on, computed in f32; positions u32
//           [rows] from positions_first on; cosines, sines f32 [table_rows, pairs], made on the host
// Dispatch: one thread per WIDTH pairs, a workgroup's side by side, linear groups
//           Where \`pairs\` counts whole vec4s, Element and Wide are vec4s and all but rows, heads and positions count them.
// Source:   Su et al. 2021, "RoFormer", equation 34, with half-split pairs as in Llama; a position past the table takes its
//           last row. Angles never go through WGSL's sin and cos, which may be far off for large ones.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  heads: u32,
  pairs: u32,
  table_rows: u32,
  x_first: u32,
  y_first: u32,
  positions_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> cosines: array<Wide>;
@group(0) @binding(4) var<storage, read> sines: array<Wide>;
@group(0) @binding(5) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  let total = params.rows * params.heads * params.pairs;
  var lows: array<Wide, WIDTH>;
  var highs: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, total - 1u);
    let c = index % params.pairs;
    let head = index / params.pairs;
    let position = min(positions[params.positions_first + head / params.heads], params.table_rows - 1u);
    let cosine = cosines[position * params.pairs + c];
    let sine = sines[position * params.pairs + c];
    let place = params.x_first + head * 2u * params.pairs + c;
    let low = Wide(x[place]);
    let high = Wide(x[place + params.pairs]);
    lows[i] = low * cosine - high * sine;
    highs[i] = high * cosine + low * sine;
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < total) {
      let place = params.y_first + index / params.pairs * 2u * params.pairs + index % params.pairs;
      y[place] = Element(lows[i]);
      y[place + params.pairs] = Element(highs[i]);
    }
  }
}
`,
  },
  rotate_queries: {
    name: "rotate_queries",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "original", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "counts", kind: "read" },
      { binding: 3, name: "parts", kind: "read" },
      { binding: 4, name: "rotation", kind: "read" },
      { binding: 5, name: "rotated", kind: "write" },
    ],
    text: `// Rotates a step's queries by the positions that its attended tokens got.
//
// Shapes:   queries, rotated [batch, step_rows, query_heads, head_size] f32; counts u32 [batch, selections], attended tokens;
//           parts [batch, 4], its first entry is the number of tokens cached; rotation vec2 (cos, sin) [positions, head_size / 2]
// Dispatch: one thread per row, head and pair of channels, linear groups
// Source:   ALGORITHM section 6: Qr = rope(Q, last S entries of pos): M - S + i (compact) or N - S + i (original)

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  original: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> rotated: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  let pairs = params.head_size / 2u;
  if (group >= params.group_count || thread >= params.batch * params.step_rows * params.query_heads * pairs) {
    return;
  }
  let c = thread % pairs;
  let query_head = (thread / pairs) % params.query_heads;
  let row = (thread / (pairs * params.query_heads)) % params.step_rows;
  let sequence = thread / (pairs * params.query_heads * params.step_rows);
  let head = query_head / (params.query_heads / params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  let length = select(counts[selection], parts[sequence].x, params.original == 1u);
  let turn = rotation[(length - params.step_rows + row) * pairs + c];
  let first = (thread / pairs) * params.head_size + c;
  let low = queries[first];
  let high = queries[first + pairs];
  rotated[first] = low * turn.x - high * turn.y;
  rotated[first + pairs] = high * turn.x + low * turn.y;
}
`,
  },
  sample: {
    name: "sample",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "vocabulary", type: "u32" },
      { name: "chosen_stride", type: "u32" },
      { name: "place", type: "u32" },
      { name: "seed", type: "u32" },
      { name: "step", type: "u32" },
      { name: "top_k", type: "u32" },
      { name: "top_p", type: "f32" },
      { name: "temperature", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "logits", kind: "read" },
      { binding: 2, name: "next", kind: "write" },
      { binding: 3, name: "chosen", kind: "write" },
    ],
    text: `// Chooses the next token of each sequence on the GPU, so that no step waits for a read-back.
//
// Shapes:   logits [batch, vocabulary] f32; next u32 [batch], the tokens that the following step reads;
//           chosen u32 [batch, chosen_stride], all tokens so far, written at column \`place\`
// Dispatch: one workgroup per sequence, linear groups
// Source:   temperature, then top-k, then top-p (Holtzman et al. 2019, arXiv 1904.09751), as in Hugging Face's generate.
//           Both cuts are thresholds found by bisection over the logits' bit patterns: no sort, any vocabulary; tokens tied
//           with the last one kept are kept too. The draw is a Gumbel maximum over what is left, with numbers from a PCG
//           hash of (seed, step, sequence, token) (Jarzynski and Olano 2020). Temperature 0 takes the highest logit,
//           the lowest token among equals.

struct Params {
  first_group: u32,
  group_count: u32,
  vocabulary: u32,
  chosen_stride: u32,
  place: u32,
  seed: u32,
  step: u32,
  top_k: u32,
  top_p: f32,
  temperature: f32,
}

const LOWEST = -3.4028234663852886e38f;
// uses parts/order_key.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> next: array<u32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;

var<workgroup> partial: array<f32, WORKGROUP>;
var<workgroup> partial_tokens: array<u32, WORKGROUP>;
var<workgroup> result: f32;

fn hash(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// Gumbel noise from a uniform number strictly between 0 and 1.
fn gumbel(sequence: u32, token: u32) -> f32 {
  let bits = hash(token ^ hash(sequence ^ hash(params.step ^ hash(params.seed))));
  let uniform_number = (f32(bits >> 8u) + 0.5) / 16777216.0;
  return -log(-log(uniform_number));
}

fn sum_all(mine: f32, lane: u32) -> f32 {
  partial[lane] = mine;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < WORKGROUP; i++) {
      total += partial[i];
    }
    result = total;
  }
  return workgroupUniformLoad(&result);
}

// Mass (or, with \`mass\` 0, number) of the tokens at or above a key.
fn amount_above(first: u32, key: u32, highest: f32, mass: bool, lane: u32) -> f32 {
  var mine = 0.0;
  for (var token = lane; token < params.vocabulary; token += WORKGROUP) {
    let logit = logits[first + token];
    if (order_key(logit) >= key) {
      mine += select(1.0, exp((logit - highest) / params.temperature), mass);
    }
  }
  return sum_all(mine, lane);
}

// Highest key at or above which there is at least \`wanted\`.
fn threshold(first: u32, wanted: f32, highest: f32, mass: bool, lane: u32) -> u32 {
  var low = 0u;
  var high = order_key(highest);
  while (low < high) {
    let middle = low + (high - low) / 2u + 1u;
    if (amount_above(first, middle, highest, mass, lane) >= wanted) {
      low = middle;
    } else {
      high = middle - 1u;
    }
  }
  return low;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let sequence = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (sequence >= params.group_count) {
    return;
  }
  let first = sequence * params.vocabulary;
  var mine = LOWEST;
  for (var token = lane; token < params.vocabulary; token += WORKGROUP) {
    mine = max(mine, logits[first + token]);
  }
  partial[lane] = mine;
  workgroupBarrier();
  if (lane == 0u) {
    var most = LOWEST;
    for (var i = 0u; i < WORKGROUP; i++) {
      most = max(most, partial[i]);
    }
    result = most;
  }
  let highest = workgroupUniformLoad(&result);

  var least_key = 0u;
  if (params.temperature > 0.0) {
    if (params.top_k > 0u && params.top_k < params.vocabulary) {
      least_key = threshold(first, f32(params.top_k), highest, false, lane);
    }
    if (params.top_p < 1.0) {
      let mass = amount_above(first, least_key, highest, true, lane);
      least_key = max(least_key, threshold(first, params.top_p * mass, highest, true, lane));
    }
  }

  var best = LOWEST;
  var best_token = 0xffffffffu;
  for (var token = lane; token < params.vocabulary; token += WORKGROUP) {
    let logit = logits[first + token];
    if (order_key(logit) < least_key) {
      continue;
    }
    var value = logit;
    if (params.temperature > 0.0) {
      value = (logit - highest) / params.temperature + gumbel(sequence, token);
    }
    if (value > best || best_token == 0xffffffffu) {
      best = value;
      best_token = token;
    }
  }
  partial[lane] = best;
  partial_tokens[lane] = best_token;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < WORKGROUP; i++) {
      let token = partial_tokens[i];
      if (token == 0xffffffffu) {
        continue;
      }
      if (partial[i] > best || (partial[i] == best && token < best_token)) {
        best = partial[i];
        best_token = token;
      }
    }
    next[sequence] = best_token;
    chosen[sequence * params.chosen_stride + params.place] = best_token;
  }
}
`,
  },
  scale: {
    name: "scale",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "factor", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Multiplies every element by one factor: y = factor * x.
//
// Shapes:   x, y [count], one element type for both, computed in f32
// Dispatch: one thread per element, linear groups
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  factor: f32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  y[index] = Element(params.factor * Wide(x[index]));
}
`,
  },
  scan_groups: {
    name: "scan_groups",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "groups", type: "u32" },
      { name: "group_tokens", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "bests", kind: "write" },
    ],
    text: `// Scores the middle of the cache against few queries and leaves the highest score of each group of neighbouring tokens: for GPUs, in
// decoding. Keys are read once, by all threads of the GPU, straight into registers; the scores themselves are never written. What
// comes after, pick_best.wgsl or rescore_groups.wgsl, finds the k best tokens in the best groups.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; bests f32 [batch, heads, pairs, groups]: the highest score of each group, the lowest number where it has
//           no token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads. group_tokens is a
//           power of two of at least 8; PAGE_TOKENS is page_tokens.
// Dispatch: one workgroup of THREADS threads per sequence, KV head, PAIRS pairs and block of block_tokens tokens (a multiple of BATCH / 8
//           groups), blocks fastest; linear groups. LANES threads, a power of two, share a token, each takes PER = D4 / VECTORS / LANES
//           stored vectors of VECTORS * 4 channels; AHEAD tokens a thread are on their way at a time; PAIRS * BATCH / 8 <= THREADS;
//           ITEMS, the scores that a thread takes, is PAIRS * BATCH / THREADS or the next whole number. SCALED is 1 where keys have
//           scales. Where the cache has several slabs (SLABS 2), one call per slab: each raises what the one before left
//           (params.resume), and passes over blocks that have no page in its slab.
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3. Every key is summed as
//           parts/score_lanes.wgsl does, so equal keys get bitwise equal scores.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  groups: u32,
  group_tokens: u32,
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

const LOWEST = -3.4028234663852886e38f;
const UNITS = THREADS / LANES;
// Tokens that are scored together: eight of each of so many groups.
const BATCH = UNITS * AHEAD;
const EIGHTS = BATCH / 8u;
// One more than a token's sums keeps threads that read neighbouring tokens on different banks.
const STRIDE = LANES + 1u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> bests: array<f32>;

var<workgroup> query_rows: array<vec4<f32>, PAIRS * D4>;
// Of each pair and token: the lanes' sums.
var<workgroup> sums: array<f32, PAIRS * BATCH * STRIDE>;
// The highest of each pair's tokens that have the same place in their group's eights.
var<workgroup> highs: array<f32, PAIRS * BATCH>;
var<workgroup> scales: array<f32, BATCH>;
var<workgroup> touched: atomic<u32>;
var<workgroup> goes_on: u32;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let block = group % params.blocks;
  let first_pair = (group / params.blocks) % tiles * PAIRS;
  let head = (group / (params.blocks * tiles)) % params.heads;
  let sequence = group / (params.blocks * tiles * params.heads);
  let middle_start = parts[sequence].y;
  let start = middle_start + block * params.block_tokens;
  let end = max(start, min(middle_start + parts[sequence].w, start + params.block_tokens));
  // A range is a group for each eight of a batch; its batches take eight tokens of each group.
  let range_tokens = EIGHTS * params.group_tokens;
  let range_batches = params.group_tokens / 8u;
  let batch_bits = firstTrailingBit(range_batches);
  let ranges = (end - start + range_tokens - 1u) / range_tokens;
  var batches = ranges * range_batches;

  // What a thread keeps: the best of a pair's group.
  let pair = first_pair + lane / EIGHTS;
  let eight = lane % EIGHTS;
  let keeps = lane < PAIRS * EIGHTS && pair < pairs;
  let first_of_block = block * params.block_tokens / params.group_tokens + eight;
  let first_query = (sequence * params.heads + head) * pairs;
  let first_best = (first_query + pair) * params.groups + first_of_block;
  if (SLABS > 1u) {
    for (var item = start / params.page_tokens + lane; item * params.page_tokens < end; item += THREADS) {
      let page = table[sequence * params.table_stride + item];
      if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
        atomicStore(&touched, 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      goes_on = atomicLoad(&touched);
    }
    batches *= workgroupUniformLoad(&goes_on);
    if (batches == 0u) {
      // What other slabs hold is compared with the lowest number.
      for (var range = 0u; range < ranges; range++) {
        if (keeps && params.resume == 0u && first_of_block + range * EIGHTS < params.groups) {
          bests[first_best + range * EIGHTS] = LOWEST;
        }
      }
      return;
    }
  }
  if (batches == 0u) {
    return;
  }

  let slice = lane % LANES;
  let unit = lane / LANES;
  // What is needed next is asked for early: pages two batches ahead, keys one.
  var next_token: array<u32, AHEAD>;
  var next_page: array<u32, AHEAD>;
  var here: array<bool, AHEAD>;
  var keys: array<StoredKeys, AHEAD * PER>;
  var scale: array<f32, AHEAD>;
  for (var t = 0u; t < AHEAD; t++) { // unrolled
    let place = t * UNITS + unit;
    next_token[t] = start + place / 8u * params.group_tokens + place % 8u;
    next_page[t] = table[sequence * params.table_stride + min(next_token[t], end - 1u) / PAGE_TOKENS];
  }

  for (var item = lane; item < PAIRS * D4; item += THREADS) {
    let asked = min(first_pair + item / D4, pairs - 1u);
    let row = sequence * params.step_rows + asked / share;
    query_rows[item] = queries[(row * params.query_heads + head * share + asked % share) * D4 + item % D4];
  }
  workgroupBarrier();
  var query: array<vec4<f32>, PAIRS * PER * VECTORS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    for (var c = 0u; c < PER; c++) { // unrolled
      for (var v = 0u; v < VECTORS; v++) { // unrolled
        query[(p * PER + c) * VECTORS + v] = query_rows[p * D4 + (slice + c * LANES) * VECTORS + v];
      }
    }
  }

  var highest: array<f32, ITEMS>;
  for (var batch = 0u; batch <= batches; batch++) {
    if (batch > 0u) {
      for (var t = 0u; t < AHEAD; t++) { // unrolled
        let place = t * UNITS + unit;
        let first = place * STRIDE + slice;
        let dropped = select(0.0, LOWEST, slice == 0u);
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          var sum = vec4<f32>();
          for (var c = 0u; c < PER; c++) { // unrolled
            for (var v = 0u; v < VECTORS; v++) { // unrolled
              sum = fma(query[(p * PER + c) * VECTORS + v], key_part(keys[t * PER + c], v), sum);
            }
          }
          sums[p * BATCH * STRIDE + first] = select(dropped, (sum.x + sum.y) + (sum.z + sum.w), here[t]);
        }
        if (SCALED == 1u && slice == 0u) {
          scales[place] = scale[t];
        }
      }
    }
    if (batch < batches) {
      let following = min(batch + 1u, batches - 1u);
      let following_first = start + (following >> batch_bits) * range_tokens + (following & (range_batches - 1u)) * 8u;
      for (var t = 0u; t < AHEAD; t++) { // unrolled
        let token = next_token[t];
        let page = next_page[t];
        here[t] = token < end && page >= params.slab_first && page < params.slab_first + params.slab_pages;
        let slot = ((page - params.slab_first) * params.heads + head) * PAGE_TOKENS + token % PAGE_TOKENS;
        // Other tokens are read as the slab's first, and dropped: branches would keep loads from running ahead.
        let read = select(0u, slot, here[t]);
        let first = key_first(read) + slice;
        for (var c = 0u; c < PER; c++) { // unrolled
          keys[t * PER + c] = key_pages[first + c * LANES];
        }
        scale[t] = select(1.0, key_scale(read), here[t]);
        let place = t * UNITS + unit;
        next_token[t] = following_first + place / 8u * params.group_tokens + place % 8u;
        next_page[t] = table[sequence * params.table_stride + min(next_token[t], end - 1u) / PAGE_TOKENS];
      }
    }
    if (batch > 0u) {
      workgroupBarrier();
      let range = (batch - 1u) >> batch_bits;
      let turn = (batch - 1u) & (range_batches - 1u);
      let ends = turn + 1u == range_batches;
      for (var i = 0u; i < ITEMS; i++) { // unrolled
        // Where threads are more than scores, some take one that others take.
        let item = min(lane + i * THREADS, PAIRS * BATCH - 1u);
        var score = 0.0;
        for (var l = 0u; l < LANES; l++) { // unrolled
          score += sums[item * STRIDE + l];
        }
        if (SCALED == 1u) {
          score *= scales[item % BATCH];
        }
        highest[i] = select(max(highest[i], score), score, turn == 0u);
        if (ends && lane + i * THREADS < PAIRS * BATCH) {
          highs[item] = highest[i];
        }
      }
      workgroupBarrier();
      if (ends && keeps && first_of_block + range * EIGHTS < params.groups) {
        let place = first_best + range * EIGHTS;
        var best = LOWEST;
        for (var token = 0u; token < 8u; token++) { // unrolled
          best = max(best, highs[lane * 8u + token]);
        }
        if (SLABS > 1u && params.resume == 1u) {
          best = max(best, bests[place]);
        }
        bests[place] = best;
      }
    }
  }
}
`,
  },
  scatter_rows: {
    name: "scatter_rows",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "first_row", type: "u32" },
      { name: "window_rows", type: "u32" },
      { name: "target_first", type: "u32" },
      { name: "indices_first", type: "u32" },
      { name: "rows_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "rows", kind: "read" },
      { binding: 2, name: "indices", kind: "read" },
      { binding: 3, name: "destination", kind: "write" },
    ],
    text: `// Writes rows to given places: target[indices[i]] = rows[i].
//
// Shapes:   rows [count, size] of Element from rows_first on; indices u32 [count] from indices_first on; target [.., size] of
//           Element, of which rows first_row .. first_row + window_rows are bound, from element target_first on
// Dispatch: one thread per element of rows, linear groups; a target larger than one binding takes one call per window
// Source:   plain definition; an index outside the target is skipped; of equal indices any one's row is left

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  size: u32,
  first_row: u32,
  window_rows: u32,
  target_first: u32,
  indices_first: u32,
  rows_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> destination: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count * params.size) {
    return;
  }
  let place = indices[params.indices_first + index / params.size];
  let row = place - params.first_row; // a row before the window wraps around to one past it
  if (row >= params.window_rows) {
    return;
  }
  destination[params.target_first + row * params.size + index % params.size] = rows[params.rows_first + index];
}
`,
  },
  score_blocks: {
    name: "score_blocks",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "sequence", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "selections", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "stride", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "kept", kind: "read" },
      { binding: 3, name: "scores", kind: "write" },
    ],
    text: `// Scores blocks of the cache by what is kept of each: one vector (MODE 0: per KV head, 1: per query head), or bounds of its
// keys (MODE 2), against all rows of a step; rows and the heads that select together are added.
//
// Shapes:   queries f32 [batch, rows, query_heads, SIZE], one sequence's; kept f32 [blocks, heads, SIZE], [blocks, query_heads,
//           SIZE] or [blocks, heads, 2, SIZE]; scores f32 [batch, selections, stride], LOWEST from \`blocks\` on
// Dispatch: one thread per selection and block, linear groups; one call per sequence
// Source:   products as in InfLLM (arXiv 2402.04617, section 3.2) and LongHeads (arXiv 2402.10685, section 2.2); the upper bound
//           sum of max(q min, q max) of Quest (arXiv 2406.10774, section 3.2)

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  blocks: u32,
  stride: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> kept: array<f32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.selections * params.stride) {
    return;
  }
  let block = thread % params.stride;
  let selection = thread / params.stride;
  let goal = params.sequence * params.selections * params.stride + thread;
  if (block >= params.blocks) {
    scores[goal] = LOWEST;
    return;
  }
  let share = params.query_heads / params.heads;
  let own = params.query_heads / params.selections;
  var total = 0.0;
  for (var pair = 0u; pair < params.rows * own; pair++) {
    let head = selection * own + pair % own;
    let query = ((params.sequence * params.rows + pair / own) * params.query_heads + head) * SIZE;
    var score = 0.0;
    if (MODE == 2u) {
      let at = (block * params.heads + head / share) * 2u * SIZE;
      for (var c = 0u; c < SIZE; c++) { // unrolled
        score += max(queries[query + c] * kept[at + c], queries[query + c] * kept[at + SIZE + c]);
      }
    } else {
      let at = select(block * params.heads + head / share, block * params.query_heads + head, MODE == 1u) * SIZE;
      for (var c = 0u; c < SIZE; c++) { // unrolled
        score = fma(queries[query + c], kept[at + c], score);
      }
    }
    total += score;
  }
  scores[goal] = total;
}
`,
  },
  score_groups: {
    name: "score_groups",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "groups", type: "u32" },
      { name: "group_tokens", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "first_token", type: "u32" },
      { name: "end_token", type: "u32" },
      { name: "mixed_ranges", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "group_bests", kind: "write" },
    ],
    text: `// Scores the middle of the cache against many queries and leaves the highest score of each group of neighbouring tokens: for GPUs,
// in prefill. A tile of scores lives in registers, where a thread's columns are neighbours, and is never written; what comes after,
// rescore_groups.wgsl, finds the k best tokens in the k best groups.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; group_bests f32 [batch, heads, pairs, groups], the lowest number where a group has no token. A pair
//           is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads. D4 is a multiple of 4;
//           group_tokens of 8.
// Dispatch: one workgroup of SIDE_ROWS x 16 threads per sequence, KV head, 8 * SIDE_ROWS pairs and block of block_tokens tokens (a
//           multiple of 16 * group_tokens) from the middle's first_token on (another one), pairs fastest; linear groups. Where
//           the cache has several slabs (SLABS 2), one call per slab, which ends before the middle's end_token. The first
//           mixed_ranges ranges of 16 * group_tokens may hold tokens of other slabs: there it raises what is there. Blocks
//           that have no page in the slab are passed over.
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3; tiles of scores as in
//           matmul_tiled.wgsl. Every key is summed over rising channels, so equal keys get bitwise equal scores.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  groups: u32,
  group_tokens: u32,
  blocks: u32,
  block_tokens: u32,
  first_token: u32,
  end_token: u32,
  mixed_ranges: u32,
}

const LOWEST = -3.4028234663852886e38f;
const SIDE = 16u;
const THREADS = SIDE_ROWS * SIDE;
// Rows and neighbouring tokens of a thread, in fours.
const ROWS4 = 2u;
const COLUMNS4 = 2u;
const ROWS = 4u * ROWS4;
const COLUMNS = 4u * COLUMNS4;
const TILE_ROWS = SIDE_ROWS * ROWS;
const TILE_TOKENS = SIDE * COLUMNS;
// Steps of the head's channels a turn, as vec4s.
const DEPTH4 = 4u;
const TURNS = D4 / DEPTH4;
const LOADS_ROWS = 2u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> group_bests: array<f32>;

// [channel of the turn][..][..]: pair 4 * place + i; token 8 * (place % 16) + 4 * (place / 16) + i. With a channel's number of its
// own, only a thread's places are checked, once for all channels; one place more than is used keeps threads that store neighbouring
// channels on other banks.
var<workgroup> lefts: array<array<vec4<f32>, SIDE_ROWS * ROWS4 + 1u>, 4u * DEPTH4>;
var<workgroup> rights: array<array<vec4<f32>, SIDE * COLUMNS4 + 1u>, 4u * DEPTH4>;
// Whether the tokens of this tile and of the next lie in this slab.
var<workgroup> lie_here: array<u32, 2u * TILE_TOKENS>;
var<workgroup> touched: atomic<u32>;
var<workgroup> goes_on: u32;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + TILE_ROWS - 1u) / TILE_ROWS;
  let first_pair = group % tiles * TILE_ROWS;
  let block = (group / tiles) % params.blocks;
  let head = (group / (tiles * params.blocks)) % params.heads;
  let sequence = group / (tiles * params.blocks * params.heads);
  let y = lane / SIDE;
  let x = lane % SIDE;
  let middle_start = parts[sequence].y;
  let middle_end = middle_start + parts[sequence].w;
  let block_first = params.first_token + block * params.block_tokens;
  let start = middle_start + block_first;
  let end = max(start, min(min(middle_end, middle_start + params.end_token), start + params.block_tokens));
  // A range is a group for each thread of a row; its tiles take COLUMNS tokens of each group.
  let range_tokens = SIDE * params.group_tokens;
  let range_tiles = params.group_tokens / COLUMNS;
  let ranges = (end - start + range_tokens - 1u) / range_tokens;
  let first_group = block_first / params.group_tokens;
  let first_best = ((sequence * params.heads + head) * pairs + first_pair + 4u * y) * params.groups + first_group;
  var steps = ranges * range_tiles * TURNS;
  if (SLABS > 1u) {
    for (var item = start / params.page_tokens + lane; item * params.page_tokens < end; item += THREADS) {
      let page = table[sequence * params.table_stride + item];
      if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
        atomicStore(&touched, 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      goes_on = atomicLoad(&touched);
    }
    steps *= workgroupUniformLoad(&goes_on);
  }
  if (steps == 0u) {
    return;
  }

  // A thread loads the same rows in every turn, and of each tile the same places.
  var query_first: array<u32, LOADS_ROWS>;
  for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
    let pair = min(first_pair + (lane + load * THREADS) / DEPTH4, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    query_first[load] = (row * params.query_heads + head * share + pair % share) * D4 + lane % DEPTH4;
  }
  var first_word: array<u32, LOADS_TOKENS>;
  var scales: array<f32, LOADS_TOKENS>;
  var next_left: array<vec4<f32>, LOADS_ROWS>;
  var next_right: array<vec4<f32>, LOADS_TOKENS>;
  var sums: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  var bests: array<f32, 4u * ROWS4>;
  for (var step = 0u; step <= steps; step++) {
    // What was loaded in the step before goes to workgroup memory; the first step only loads.
    if (step > 0u) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
        let row = (lane + load * THREADS) / DEPTH4;
        let k = 4u * (lane % DEPTH4);
        lefts[k + 0u][row / 4u][row % 4u] = next_left[load].x;
        lefts[k + 1u][row / 4u][row % 4u] = next_left[load].y;
        lefts[k + 2u][row / 4u][row % 4u] = next_left[load].z;
        lefts[k + 3u][row / 4u][row % 4u] = next_left[load].w;
      }
      for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
        let token = (lane + load * THREADS) / DEPTH4;
        let place = token / COLUMNS + token % COLUMNS / 4u * SIDE;
        let k = 4u * (lane % DEPTH4);
        rights[k + 0u][place][token % 4u] = next_right[load].x;
        rights[k + 1u][place][token % 4u] = next_right[load].y;
        rights[k + 2u][place][token % 4u] = next_right[load].z;
        rights[k + 3u][place][token % 4u] = next_right[load].w;
      }
      workgroupBarrier();
    }
    if (step < steps) {
      let c4 = step % TURNS * DEPTH4;
      if (c4 == 0u) {
        let tile = step / TURNS;
        let tile_first = start + tile / range_tiles * range_tokens + tile % range_tiles * COLUMNS;
        for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
          let place = (lane + load * THREADS) / DEPTH4;
          let token = tile_first + place / COLUMNS * params.group_tokens + place % COLUMNS;
          let page = table[sequence * params.table_stride + min(token, end - 1u) / params.page_tokens];
          let here = token < end && page >= params.slab_first && page < params.slab_first + params.slab_pages;
          let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
          // Other tokens are read as the slab's first, and dropped: branches would keep loads from running ahead.
          let read = select(0u, slot, here);
          first_word[load] = key_first(read) + lane % DEPTH4;
          scales[load] = key_scale(read);
          if (lane % DEPTH4 == 0u) {
            lie_here[tile % 2u * TILE_TOKENS + place] = u32(here);
          }
        }
      }
      for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
        next_left[load] = queries[query_first[load] + c4];
      }
      for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
        next_right[load] = key_vector(first_word[load] + c4) * scales[load];
      }
    }
    if (step > 0u) {
      for (var k = 0u; k < 16u; k++) { // unrolled
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          let a = lefts[k][y + i * SIDE_ROWS];
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            let b = rights[k][x + j * SIDE];
            sums[(4u * i + 0u) * COLUMNS4 + j] = fma(vec4<f32>(a.x), b, sums[(4u * i + 0u) * COLUMNS4 + j]);
            sums[(4u * i + 1u) * COLUMNS4 + j] = fma(vec4<f32>(a.y), b, sums[(4u * i + 1u) * COLUMNS4 + j]);
            sums[(4u * i + 2u) * COLUMNS4 + j] = fma(vec4<f32>(a.z), b, sums[(4u * i + 2u) * COLUMNS4 + j]);
            sums[(4u * i + 3u) * COLUMNS4 + j] = fma(vec4<f32>(a.w), b, sums[(4u * i + 3u) * COLUMNS4 + j]);
          }
        }
      }
    }
    if (step > 0u && step % TURNS == 0u) {
      let tile = step / TURNS - 1u;
      let range = tile / range_tiles;
      // Only a range at the end, or of several slabs, holds tokens that don't count.
      let mixed = SLABS > 1u && block * params.block_tokens / range_tokens + range < params.mixed_ranges;
      if (mixed || start + (range + 1u) * range_tokens > end) {
        for (var j = 0u; j < COLUMNS4; j++) { // unrolled
          let place = tile % 2u * TILE_TOKENS + x * COLUMNS + 4u * j;
          let here = vec4(lie_here[place], lie_here[place + 1u], lie_here[place + 2u], lie_here[place + 3u]) == vec4(1u);
          for (var i = 0u; i < ROWS4; i++) { // unrolled
            for (var q = 0u; q < 4u; q++) { // unrolled
              sums[(4u * i + q) * COLUMNS4 + j] = select(vec4<f32>(LOWEST), sums[(4u * i + q) * COLUMNS4 + j], here);
            }
          }
        }
      }
      let begins = tile % range_tiles == 0u;
      for (var i = 0u; i < ROWS4; i++) { // unrolled
        for (var q = 0u; q < 4u; q++) { // unrolled
          var best = sums[(4u * i + q) * COLUMNS4];
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            best = max(best, sums[(4u * i + q) * COLUMNS4 + j]);
            sums[(4u * i + q) * COLUMNS4 + j] = vec4<f32>();
          }
          let highest = max(max(best.x, best.y), max(best.z, best.w));
          bests[4u * i + q] = select(max(bests[4u * i + q], highest), highest, begins);
        }
      }
      if ((tile + 1u) % range_tiles == 0u && first_group + range * SIDE + x < params.groups) {
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          for (var q = 0u; q < 4u; q++) { // unrolled
            let row = 4u * i * SIDE_ROWS + q;
            if (first_pair + 4u * y + row < pairs) {
              let place = first_best + row * params.groups + range * SIDE + x;
              if (mixed) {
                bests[4u * i + q] = max(bests[4u * i + q], group_bests[place]);
              }
              group_bests[place] = bests[4u * i + q];
            }
          }
        }
      }
    }
  }
}
`,
  },
  score_image_top_k: {
    name: "score_image_top_k",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "image" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "best_scores", kind: "write" },
      { binding: 6, name: "best_tokens", kind: "write" },
    ],
    text: `// The same as score_short_top_k.wgsl with keys that were copied to an image: for software adapters, in prefill.
//
// Shapes:   queries [batch, step_rows, query_heads, head_size] f32, before rotation; keys, one slab of the cache, [slab_pages,
//           heads, page_tokens, 4 * D4] f32 before rotation, as an image of WIDTH texels a row, a multiple of D4; table [batch,
//           table_stride]; parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K], sorted by falling
//           score, then rising token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads.
//           Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one thread per PAIRS pairs and block of block_tokens tokens, TOKENS of them at a time; pairs fastest; linear groups, batch * heads outermost.
//           Where the cache has several slabs, one call per slab: each goes on from the lists of the one before
//           (params.resume).
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling, summed as in score_short_top_k.wgsl. llvmpipe
//           loads a texel as one vector, a storage buffer number by number; it runs both sides of a branch for all lanes, but
//           leaves a loop that no lane needs.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/short_lists.wgsl

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var keys: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles * params.blocks + WORKGROUP - 1u) / WORKGROUP;
  let place = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || place >= tiles * params.blocks) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let block = place / tiles;
  let first_pair = place % tiles * PAIRS;
  let lists = (sequence * params.heads + head) * pairs;

  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var best: array<Best, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(first_pair + p, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    let query = (row * params.query_heads + head * share + pair % share) * params.head_size;
    for (var c4 = 0u; c4 < D4; c4++) { // unrolled
      for (var c = 0u; c < 4u; c++) { // unrolled
        if (4u * c4 + c < params.head_size) {
          queries_of[p][c4][c] = queries[query + 4u * c4 + c];
        }
      }
    }
    var list = Best();
    load_best(&list, ((lists + pair) * params.blocks + block) * K);
    best[p] = list;
  }

  let middle_start = parts[sequence].y;
  let middle_end = middle_start + parts[sequence].w;
  let end = min(middle_end, middle_start + (block + 1u) * params.block_tokens);
  var start = middle_start + block * params.block_tokens;
  while (start < end) {
    let page = table[sequence * params.table_stride + start / params.page_tokens];
    let page_end = min(end, (start / params.page_tokens + 1u) * params.page_tokens);
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      let first = ((page - params.slab_first) * params.heads + head) * params.page_tokens;
      for (var token = start; token < page_end; token += TOKENS) {
        let at = (first + token % params.page_tokens) * D4;
        var places: array<vec2<u32>, TOKENS>;
        for (var n = 0u; n < TOKENS; n++) { // unrolled
          let place = at + select(0u, n * D4, token + n < page_end);
          places[n] = vec2(place % WIDTH, place / WIDTH);
        }
        var sums = array<array<vec4<f32>, TOKENS>, PAIRS>();
        for (var c = 0u; c < D4; c++) { // unrolled
          for (var n = 0u; n < TOKENS; n++) { // unrolled
            let key = textureLoad(keys, places[n] + vec2(c, 0u));
            for (var p = 0u; p < PAIRS; p++) { // unrolled
              sums[p][n] = fma(queries_of[p][c], key, sums[p][n]);
            }
          }
        }
        let t = token - middle_start;
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          let worst = best[p].scores[K - 1u];
          let holder = best[p].tokens[K - 1u];
          var scores: array<f32, TOKENS>;
          var inserts = false;
          for (var n = 0u; n < TOKENS; n++) { // unrolled
            let score = (sums[p][n].x + sums[p][n].y) + (sums[p][n].z + sums[p][n].w);
            scores[n] = select(LOWEST, score, token + n < page_end);
            inserts = inserts || ranks_before(scores[n], t + n, worst, holder);
          }
          while (inserts) {
            var list = best[p];
            for (var n = 0u; n < TOKENS; n++) { // unrolled
              insert(&list, scores[n], select(NONE, t + n, token + n < page_end));
            }
            best[p] = list;
            inserts = false;
          }
        }
      }
    }
    start = page_end;
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (first_pair + p < pairs) {
      var list = best[p];
      store_best(&list, ((lists + first_pair + p) * params.blocks + block) * K);
    }
  }
}
`,
  },
  score_short_top_k: {
    name: "score_short_top_k",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "best_scores", kind: "write" },
      { binding: 6, name: "best_tokens", kind: "write" },
    ],
    text: `// The same as score_top_k.wgsl for short lists (K up to 16) that stay in registers, sorted, and any number of pairs a thread:
// the scores themselves are never written.
//
// Shapes:   queries [batch, step_rows, query_heads, head_size] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, LOADS of what is stored together a key, one slab of the cache, before
//           rotation; table [batch, table_stride]; parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs,
//           blocks, K], sorted by falling score, then rising token. A pair is (row, query head of the KV head's group):
//           pairs = step_rows * query_heads / heads. Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one thread per PAIRS pairs and block of block_tokens tokens; pairs fastest, so that neighbours read the same keys
//           in prefill and different blocks in decoding; linear groups, batch * heads outermost. Where the cache has several
//           slabs, one call per slab: each goes on from the lists of the one before (params.resume).
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3.
//           Every key is summed in the same order, so equal keys get bitwise equal scores and the lower token wins.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/short_lists.wgsl

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles * params.blocks + WORKGROUP - 1u) / WORKGROUP;
  let place = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || place >= tiles * params.blocks) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let block = place / tiles;
  let first_pair = place % tiles * PAIRS;
  let lists = (sequence * params.heads + head) * pairs;

  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var best: array<Best, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(first_pair + p, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    let query = (row * params.query_heads + head * share + pair % share) * params.head_size;
    for (var c4 = 0u; c4 < D4; c4++) { // unrolled
      for (var c = 0u; c < 4u; c++) { // unrolled
        if (4u * c4 + c < params.head_size) {
          queries_of[p][c4][c] = queries[query + 4u * c4 + c];
        }
      }
    }
    var list = Best();
    load_best(&list, ((lists + pair) * params.blocks + block) * K);
    best[p] = list;
  }

  let middle_start = parts[sequence].y;
  let middle_end = middle_start + parts[sequence].w;
  let end = min(middle_end, middle_start + (block + 1u) * params.block_tokens);
  var start = middle_start + block * params.block_tokens;
  while (start < end) {
    let page = table[sequence * params.table_stride + start / params.page_tokens];
    let page_end = min(end, (start / params.page_tokens + 1u) * params.page_tokens);
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      let first = ((page - params.slab_first) * params.heads + head) * params.page_tokens;
      for (var token = start; token < page_end; token += 2u) {
        let second = token + 1u < page_end;
        let slot = first + token % params.page_tokens;
        let other = select(slot, slot + 1u, second);
        let a = key_first(slot);
        let b = key_first(other);
        var scores0 = array<vec4<f32>, PAIRS>();
        var scores1 = array<vec4<f32>, PAIRS>();
        for (var load = 0u; load < LOADS; load++) { // unrolled
          let stored0 = key_pages[a + load];
          let stored1 = key_pages[b + load];
          for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
            let key0 = key_part(stored0, v);
            let key1 = key_part(stored1, v);
            for (var p = 0u; p < PAIRS; p++) { // unrolled
              scores0[p] = fma(queries_of[p][load * KEY_VECTORS + v], key0, scores0[p]);
              scores1[p] = fma(queries_of[p][load * KEY_VECTORS + v], key1, scores1[p]);
            }
          }
        }
        let t = token - middle_start;
        let scale0 = key_scale(slot);
        let scale1 = key_scale(other);
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          let score0 = ((scores0[p].x + scores0[p].y) + (scores0[p].z + scores0[p].w)) * scale0;
          let score1 = ((scores1[p].x + scores1[p].y) + (scores1[p].z + scores1[p].w)) * scale1;
          var list = best[p];
          insert(&list, score0, t);
          insert(&list, select(LOWEST, score1, second), select(NONE, t + 1u, second));
          best[p] = list;
        }
      }
    }
    start = page_end;
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (first_pair + p < pairs) {
      var list = best[p];
      store_best(&list, ((lists + first_pair + p) * params.blocks + block) * K);
    }
  }
}
`,
  },
  score_top_k: {
    name: "score_top_k",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "step_rows", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_tokens", type: "u32" },
      { name: "resume", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "key_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "best_scores", kind: "write" },
      { binding: 6, name: "best_tokens", kind: "write" },
    ],
    text: `// Scores the middle of the cache against a step's queries and keeps the k best tokens of each block, in one pass:
// the scores themselves are never written.
//
// Shapes:   queries [batch, step_rows, query_heads, head_size] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K], sorted by falling score,
//           then rising token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads.
//           Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one thread per two pairs and block of block_tokens tokens; pairs fastest, so that neighbours read the same keys
//           in prefill and different blocks in decoding; linear groups, batch * heads outermost. Where the cache has several
//           slabs, one call per slab: each goes on from the lists of the one before (params.resume).
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3.
//           Every key is summed in the same order, so equal keys get bitwise equal scores and the lower token wins.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

// uses parts/best_list.wgsl

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

// Short lists are kept sorted. Long ones are heaps: drivers end a thread's loops after 65,535 turns in all (llvmpipe),
// which moving half a list for each token would reach.
const HEAPED = K > 16u;
const WORST = select(K - 1u, 0u, HEAPED);

fn insert(best: ptr<function, Best>, score: f32, token: u32) {
  if (HEAPED) {
    sink(best, score, token, K);
    return;
  }
  var place = K - 1u;
  while (place > 0u) {
    let other = (*best).scores[place - 1u];
    let held = (*best).tokens[place - 1u];
    if (!ranks_before(score, token, other, held)) {
      break;
    }
    (*best).scores[place] = other;
    (*best).tokens[place] = held;
    place--;
  }
  (*best).scores[place] = score;
  (*best).tokens[place] = token;
}

fn load_query(query: ptr<function, array<vec4<f32>, D4>>, first: u32) {
  for (var c4 = 0u; c4 < D4; c4++) {
    var value = vec4<f32>();
    for (var c = 0u; c < 4u; c++) {
      if (4u * c4 + c < params.head_size) {
        value[c] = queries[first + 4u * c4 + c];
      }
    }
    (*query)[c4] = value;
  }
}

fn load_best(best: ptr<function, Best>, first: u32) {
  for (var i = 0u; i < K; i++) {
    // From worst to best a sorted list is a heap.
    let source = first + select(i, K - 1u - i, HEAPED);
    (*best).scores[i] = select(LOWEST, best_scores[source], params.resume == 1u);
    (*best).tokens[i] = select(NONE, best_tokens[source], params.resume == 1u);
  }
}

fn store_best(best: ptr<function, Best>, first: u32) {
  for (var size = K; size > 0u; size--) {
    let source = select(size - 1u, 0u, HEAPED);
    best_scores[first + size - 1u] = (*best).scores[source];
    best_tokens[first + size - 1u] = (*best).tokens[source];
    if (HEAPED) {
      sink(best, (*best).scores[size - 1u], (*best).tokens[size - 1u], size - 1u);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + 1u) / 2u;
  let groups_per_head = (tiles * params.blocks + WORKGROUP - 1u) / WORKGROUP;
  let place = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || place >= tiles * params.blocks) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let block = place / tiles;
  let pair0 = 2u * (place % tiles);
  let pair1 = min(pair0 + 1u, pairs - 1u);

  var query0: array<vec4<f32>, D4>;
  var query1: array<vec4<f32>, D4>;
  let rows = sequence * params.step_rows;
  load_query(&query0, ((rows + pair0 / share) * params.query_heads + head * share + pair0 % share) * params.head_size);
  load_query(&query1, ((rows + pair1 / share) * params.query_heads + head * share + pair1 % share) * params.head_size);

  let lists = (sequence * params.heads + head) * pairs;
  let list0 = ((lists + pair0) * params.blocks + block) * K;
  let list1 = ((lists + pair1) * params.blocks + block) * K;
  var best0: Best;
  var best1: Best;
  load_best(&best0, list0);
  load_best(&best1, list1);

  let middle_start = parts[sequence].y;
  let middle_end = middle_start + parts[sequence].w;
  let end = min(middle_end, middle_start + (block + 1u) * params.block_tokens);
  var start = middle_start + block * params.block_tokens;
  while (start < end) {
    let page = table[sequence * params.table_stride + start / params.page_tokens];
    let page_end = min(end, (start / params.page_tokens + 1u) * params.page_tokens);
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      let first = ((page - params.slab_first) * params.heads + head) * params.page_tokens;
      for (var token = start; token < page_end; token += 2u) {
        let second = token + 1u < page_end;
        let slot = first + token % params.page_tokens;
        let other = select(slot, slot + 1u, second);
        let a = key_first(slot);
        let b = key_first(other);
        var s00 = vec4<f32>();
        var s01 = vec4<f32>();
        var s10 = vec4<f32>();
        var s11 = vec4<f32>();
        for (var c = 0u; c < D4; c++) { // unrolled
          let key0 = key_vector(a + c);
          let key1 = key_vector(b + c);
          s00 = fma(query0[c], key0, s00);
          s01 = fma(query0[c], key1, s01);
          s10 = fma(query1[c], key0, s10);
          s11 = fma(query1[c], key1, s11);
        }
        let t = token - middle_start;
        let scale0 = key_scale(slot);
        let scale1 = key_scale(other);
        let score00 = ((s00.x + s00.y) + (s00.z + s00.w)) * scale0;
        let score01 = ((s01.x + s01.y) + (s01.z + s01.w)) * scale1;
        let score10 = ((s10.x + s10.y) + (s10.z + s10.w)) * scale0;
        let score11 = ((s11.x + s11.y) + (s11.z + s11.w)) * scale1;
        if (ranks_before(score00, t, best0.scores[WORST], best0.tokens[WORST])) {
          insert(&best0, score00, t);
        }
        if (second && ranks_before(score01, t + 1u, best0.scores[WORST], best0.tokens[WORST])) {
          insert(&best0, score01, t + 1u);
        }
        if (ranks_before(score10, t, best1.scores[WORST], best1.tokens[WORST])) {
          insert(&best1, score10, t);
        }
        if (second && ranks_before(score11, t + 1u, best1.scores[WORST], best1.tokens[WORST])) {
          insert(&best1, score11, t + 1u);
        }
      }
    }
    start = page_end;
  }
  store_best(&best0, list0);
  if (pair1 != pair0) {
    store_best(&best1, list1);
  }
}
`,
  },
  score_vectors: {
    name: "score_vectors",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "batch", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "page_tokens", type: "u32" },
      { name: "table_stride", type: "u32" },
      { name: "slab_first", type: "u32" },
      { name: "slab_pages", type: "u32" },
      { name: "head_size", type: "u32" },
      { name: "count", type: "u32" },
      { name: "newest", type: "u32" },
      { name: "take_values", type: "u32" },
      { name: "norm", type: "u32" },
      { name: "rotate", type: "u32" },
      { name: "sequence_stride", type: "u32" },
      { name: "head_stride", type: "u32" },
      { name: "token_stride", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "key_pages", kind: "read" },
      { binding: 2, name: "value_pages", kind: "read" },
      { binding: 3, name: "table", kind: "read" },
      { binding: 4, name: "parts", kind: "read" },
      { binding: 5, name: "rotation", kind: "read" },
      { binding: 6, name: "vectors", kind: "write" },
    ],
    text: `// Writes the vectors that tokens are scored by where these are not just the cached keys: weighted by their values' norms,
// rotated by their own positions, or the values themselves. Also copies a step's new keys or values, which then vote.
//
// Shapes:   key_pages, value_pages [slab_pages, heads, page_tokens, 4 * D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the
//           cache, before rotation; table [batch, table_stride]; parts [batch, 4]: tokens cached, leading tokens, start of
//           the window, middle length; rotation vec2 (cos, sin) [positions, head_size / 2]; vectors f32, where token t
//           of KV head h of sequence s starts at s * sequence_stride + h * head_stride + t * token_stride
// Dispatch: one thread per sequence, KV head and token, tokens fastest; linear groups; one call per slab of the cache
// Source:   ALGORITHM section 5, P and R of the types k, v, qkv (L1 norm), qkv2 (L2 norm) and _pe. Every sum runs in the
//           same order, so equal tokens get bitwise equal vectors.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  head_size: u32,
  count: u32,
  newest: u32,
  take_values: u32,
  norm: u32,
  rotate: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(2) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> vectors: array<f32>;

fn taken(slot: u32, c: u32) -> f32 {
  if (params.take_values == 1u) {
    return value_channel(slot, c);
  }
  return key_channel(slot, c);
}

// The norm of the token's value: 0 none, 1 the sum of magnitudes, 2 the root of the sum of squares.
fn weight(slot: u32) -> f32 {
  if (params.norm == 0u) {
    return 1.0;
  }
  var sum = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    let value = value_channel(slot, c);
    sum += select(abs(value), value * value, params.norm == 2u);
  }
  return select(sum, sqrt(sum), params.norm == 2u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batch * params.heads * params.count) {
    return;
  }
  let t = thread % params.count;
  let head = (thread / params.count) % params.heads;
  let sequence = thread / (params.count * params.heads);
  let part = parts[sequence];
  let newest = params.newest == 1u;
  if (!newest && t >= part.w) {
    return;
  }
  let token = t + select(part.y, part.x - params.count, newest);
  let page = table[sequence * params.table_stride + token / params.page_tokens];
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let padded = 4u * D4;
  let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
  let goal = sequence * params.sequence_stride + head * params.head_stride + t * params.token_stride;
  let factor = weight(slot);
  let pairs = params.head_size / 2u;
  for (var c = 0u; c < pairs; c++) {
    let low = taken(slot, c) * factor;
    let high = taken(slot, c + pairs) * factor;
    let turn = select(vec2<f32>(1.0, 0.0), rotation[token * pairs + c], params.rotate == 1u);
    vectors[goal + c] = low * turn.x - high * turn.y;
    vectors[goal + c + pairs] = high * turn.x + low * turn.y;
  }
  for (var pad = params.head_size; pad < padded && !newest; pad++) {
    vectors[goal + pad] = 0.0;
  }
}
`,
  },
  silu_gate: {
    name: "silu_gate",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "count", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "gate", kind: "read" },
      { binding: 2, name: "up", kind: "read" },
      { binding: 3, name: "y", kind: "write" },
    ],
    text: `// Gated activation of the feed-forward block: y = gate * sigmoid(gate) * up, element by element.
//
// Shapes:   gate, up, y [count], one element type for all three, computed in Wide: f32, or vec4s of it where elements are vec4s
// Dispatch: one thread per WIDTH elements, a workgroup's side by side, so that all are loaded before any is stored; linear
//           groups
// Source:   SwiGLU, Shazeer 2020, "GLU Variants Improve Transformer", as in Llama

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<Element>;
@group(0) @binding(2) var<storage, read> up: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  // A call is cut into pieces by the host: groups are numbered over the whole call.
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  var values: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, params.count - 1u);
    let value = Wide(gate[index]);
    values[i] = value / (1.0 + exp(-value)) * Wide(up[index]);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < params.count) {
      y[index] = Element(values[i]);
    }
  }
}
`,
  },
  softmax: {
    name: "softmax",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Softmax over rows: y = exp(x - max) / sum of exp(x - max).
//
// Shapes:   x, y [rows, size] of Element from element x_first and y_first on, size at least 1; computed in f32
// Dispatch: one workgroup per row, linear groups
// Source:   the usual stable form; -infinity gives 0, a row of nothing but -infinity gives NaN

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

var<workgroup> maxima: array<f32, WORKGROUP>;
var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let x_first = params.x_first + row * params.size;
  let y_first = params.y_first + row * params.size;
  var highest = f32(x[x_first]);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    highest = max(highest, f32(x[x_first + i]));
  }
  maxima[lane] = highest;
  workgroupBarrier();
  for (var other = 0u; other < WORKGROUP; other++) {
    highest = max(highest, maxima[other]);
  }
  var sum = 0.0;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    sum += exp(f32(x[x_first + i]) - highest);
  }
  sums[lane] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var other = 0u; other < WORKGROUP; other++) {
    total += sums[other];
  }
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = Element(exp(f32(x[x_first + i]) - highest) / total);
  }
}
`,
  },
  softmax_wide: {
    name: "softmax_wide",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// The same as softmax.wgsl for rows of whole vec4s: y = exp(x - max) / sum of exp(x - max).
//
// Shapes:   x, y [rows, size] of vec4<Element> from vec4 x_first and y_first on; computed in f32
// Dispatch: one workgroup of 16 to 256 threads per row, linear groups. Where HELD is not 0 a thread holds that many vec4s of its
//           row, which is then read once
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

// uses parts/row_totals.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Element>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let x_first = params.x_first + row * params.size;
  let y_first = params.y_first + row * params.size;
  var most = vec4<f32>(x[x_first]);
  var held: array<vec4<f32>, max(HELD, 1u)>;
  for (var i = 0u; i < HELD; i++) { // unrolled
    held[i] = vec4<f32>(x[x_first + min(lane + i * WORKGROUP, params.size - 1u)]);
    most = max(most, held[i]);
  }
  if (HELD > 0u) {
    let highest = highest_of(max(max(most.x, most.y), max(most.z, most.w)), lane);
    var part = vec4<f32>();
    for (var i = 0u; i < HELD; i++) { // unrolled
      held[i] = exp(held[i] - highest);
      part += select(vec4<f32>(), held[i], lane + i * WORKGROUP < params.size);
    }
    let total = total_of((part.x + part.y) + (part.z + part.w), lane);
    for (var i = 0u; i < HELD; i++) { // unrolled
      let place = lane + i * WORKGROUP;
      if (place < params.size) {
        y[y_first + place] = vec4<Element>(held[i] / total);
      }
    }
    return;
  }
  for (var i = lane; i < params.size; i += WORKGROUP) {
    most = max(most, vec4<f32>(x[x_first + i]));
  }
  let highest = highest_of(max(max(most.x, most.y), max(most.z, most.w)), lane);
  var part = vec4<f32>();
  for (var i = lane; i < params.size; i += WORKGROUP) {
    part += exp(vec4<f32>(x[x_first + i]) - highest);
  }
  let total = total_of((part.x + part.y) + (part.z + part.w), lane);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = vec4<Element>(exp(vec4<f32>(x[x_first + i]) - highest) / total);
  }
}
`,
  },
  strided_copy: {
    name: "strided_copy",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "start", type: "u32" },
      { name: "count", type: "u32" },
      { name: "size0", type: "u32" },
      { name: "size1", type: "u32" },
      { name: "size2", type: "u32" },
      { name: "size3", type: "u32" },
      { name: "size4", type: "u32" },
      { name: "size5", type: "u32" },
      { name: "x_stride0", type: "u32" },
      { name: "x_stride1", type: "u32" },
      { name: "x_stride2", type: "u32" },
      { name: "x_stride3", type: "u32" },
      { name: "x_stride4", type: "u32" },
      { name: "x_stride5", type: "u32" },
      { name: "y_stride0", type: "u32" },
      { name: "y_stride1", type: "u32" },
      { name: "y_stride2", type: "u32" },
      { name: "y_stride3", type: "u32" },
      { name: "y_stride4", type: "u32" },
      { name: "y_stride5", type: "u32" },
      { name: "x_offset", type: "u32" },
      { name: "x_window", type: "u32" },
      { name: "x_count", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_offset", type: "u32" },
      { name: "y_window", type: "u32" },
      { name: "y_count", type: "u32" },
      { name: "y_first", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Copies elements between two arrays of any strides: slices, transposes and concatenations.
//
// Shapes:   a block of up to six axes (size0 slowest; unused leading axes have size 1), numbered row-major from \`start\` on;
//           x and y of Element. Places count from the tensors' first elements: those of the block start at x_offset and
//           y_offset; bound are the elements from x_window (y_window) on, x_count (y_count) of them, at x_first (y_first) of
//           the binding
// Dispatch: one thread per element of the block, linear groups; arrays larger than one binding take one call per pair of
//           windows, and each call copies what both hold
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  start: u32,
  count: u32,
  size0: u32,
  size1: u32,
  size2: u32,
  size3: u32,
  size4: u32,
  size5: u32,
  x_stride0: u32,
  x_stride1: u32,
  x_stride2: u32,
  x_stride3: u32,
  x_stride4: u32,
  x_stride5: u32,
  y_stride0: u32,
  y_stride1: u32,
  y_stride2: u32,
  y_stride3: u32,
  y_stride4: u32,
  y_stride5: u32,
  x_offset: u32,
  x_window: u32,
  x_count: u32,
  x_first: u32,
  y_offset: u32,
  y_window: u32,
  y_count: u32,
  y_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  var rest = params.start + index;
  let i5 = rest % params.size5;
  rest /= params.size5;
  let i4 = rest % params.size4;
  rest /= params.size4;
  let i3 = rest % params.size3;
  rest /= params.size3;
  let i2 = rest % params.size2;
  rest /= params.size2;
  let i1 = rest % params.size1;
  let i0 = rest / params.size1;
  let x_place = params.x_offset + i0 * params.x_stride0 + i1 * params.x_stride1 + i2 * params.x_stride2
    + i3 * params.x_stride3 + i4 * params.x_stride4 + i5 * params.x_stride5 - params.x_window;
  let y_place = params.y_offset + i0 * params.y_stride0 + i1 * params.y_stride1 + i2 * params.y_stride2
    + i3 * params.y_stride3 + i4 * params.y_stride4 + i5 * params.y_stride5 - params.y_window;
  // Places before a window wrap around to numbers past every window.
  if (x_place < params.x_count && y_place < params.y_count) {
    y[params.y_first + y_place] = x[params.x_first + x_place];
  }
}
`,
  },
  sum: {
    name: "sum",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "size", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "y_first", type: "u32" },
      { name: "divisor", type: "f32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
    text: `// Sums or means over rows: y[row] = sum of x[row] / divisor.
//
// Shapes:   x [rows, size] of Element from element x_first on; y [rows] of Element; summed in f32
// Dispatch: one workgroup per row, linear groups; every lane sums a strided part, then the lanes' parts are added in order
// Source:   plain definition; the divisor is 1 for sums and size for means

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
  divisor: f32,
}

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

var<workgroup> parts: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let first = params.x_first + row * params.size;
  var part = 0.0;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    part += f32(x[first + i]);
  }
  parts[lane] = part;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < WORKGROUP; other++) {
    part += parts[other];
  }
  y[params.y_first + row] = Element(part / params.divisor);
}
`,
  },
  token_relevance: {
    name: "token_relevance",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "sequence", type: "u32" },
      { name: "heads", type: "u32" },
      { name: "query_heads", type: "u32" },
      { name: "size", type: "u32" },
      { name: "bound", type: "u32" },
      { name: "padded", type: "u32" },
      { name: "tokens", type: "u32" },
      { name: "first_row", type: "u32" },
      { name: "follow", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "queries", kind: "read" },
      { binding: 2, name: "keys", kind: "read" },
      { binding: 3, name: "relevance", kind: "write" },
    ],
    text: `// How much the queries that follow a token ask for it: the mean of their products with its key, heads of a group added.
//
// Shapes:   queries f32 [1, rows, query_heads, size], of which row \`first_row\` follows the first token; keys f32 [batch, heads,
//           bound, padded], gathered, of which one sequence's first \`tokens\` are read; relevance f32 [heads, tokens]
// Dispatch: one thread per KV head and token, linear groups
// Source:   InfLLM (arXiv 2402.04617), section 3.2: a token's representative score, the mean over the next \`follow\` queries

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  query_heads: u32,
  size: u32,
  bound: u32,
  padded: u32,
  tokens: u32,
  first_row: u32,
  follow: u32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read_write> relevance: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.heads * params.tokens) {
    return;
  }
  let token = thread % params.tokens;
  let head = thread / params.tokens;
  let share = params.query_heads / params.heads;
  let key = ((params.sequence * params.heads + head) * params.bound + token) * params.padded;
  var total = 0.0;
  for (var pair = 0u; pair < params.follow * share; pair++) {
    let row = params.first_row + token + pair / share;
    let query = (row * params.query_heads + head * share + pair % share) * SIZE;
    var product = 0.0;
    for (var c = 0u; c < SIZE; c++) { // unrolled
      product = fma(queries[query + c], keys[key + c], product);
    }
    total += product;
  }
  relevance[thread] = total / f32(params.follow);
}
`,
  },
  top_k: {
    name: "top_k",
    params: [
      { name: "first_group", type: "u32" },
      { name: "group_count", type: "u32" },
      { name: "rows", type: "u32" },
      { name: "size", type: "u32" },
      { name: "k", type: "u32" },
      { name: "blocks", type: "u32" },
      { name: "block_size", type: "u32" },
      { name: "first_block", type: "u32" },
      { name: "total_blocks", type: "u32" },
      { name: "x_first", type: "u32" },
      { name: "source_first", type: "u32" },
      { name: "y_first", type: "u32" },
      { name: "renumber", type: "u32" },
    ],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "source", kind: "read" },
      { binding: 3, name: "values", kind: "write" },
      { binding: 4, name: "indices", kind: "write" },
    ],
    text: `// The k highest elements of blocks of rows, best first. Called again on its own results until one block is left.
//
// Shapes:   x [rows, size] of Element, cut into blocks of block_size (the last may be shorter), of which \`blocks\` blocks from
//           first_block on are done here: x_first is the place of the first one. Where params.renumber is 1, source u32 like x
//           gives the elements' true indices; otherwise an element's index is its place in the row.
//           values f32, indices u32 [rows, total_blocks, k], y_first the place of the first block's;
//           a block of fewer than k elements leaves its last places with NaN and NONE
// Dispatch: one thread per row and block, linear groups
// Source:   a binary heap of the k best so far, its worst on top, then heap sort. Higher value first, then the lower index;
//           NaN ranks below every number. CAPACITY, at least k, sizes the heap. No barriers: they are slow on llvmpipe.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  size: u32,
  k: u32,
  blocks: u32,
  block_size: u32,
  first_block: u32,
  total_blocks: u32,
  x_first: u32,
  source_first: u32,
  y_first: u32,
  renumber: u32,
}

const NONE = 0xffffffffu;
// uses parts/order_key.wgsl

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> source: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;

struct Heap {
  keys: array<u32, CAPACITY>,
  places: array<u32, CAPACITY>,
}

// The float of a key; ~0 is a NaN.
fn key_value(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}

// True where the first ranks after the second: a lower key, or the same key at a higher index.
fn ranks_after(key: u32, place: u32, other_key: u32, other_place: u32) -> bool {
  return key < other_key || (key == other_key && place > other_place);
}

// Puts an element at the top of a heap of \`count\` elements and lets it sink to its place.
fn sink(heap: ptr<function, Heap>, count: u32, key: u32, place: u32) {
  var at = 0u;
  while (2u * at + 1u < count) {
    var child = 2u * at + 1u;
    if (child + 1u < count && ranks_after(
      (*heap).keys[child + 1u], (*heap).places[child + 1u], (*heap).keys[child], (*heap).places[child])) {
      child++;
    }
    if (!ranks_after((*heap).keys[child], (*heap).places[child], key, place)) {
      break;
    }
    (*heap).keys[at] = (*heap).keys[child];
    (*heap).places[at] = (*heap).places[child];
    at = child;
  }
  (*heap).keys[at] = key;
  (*heap).places[at] = place;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.rows * params.blocks) {
    return;
  }
  let row = index / params.blocks;
  let nth = index % params.blocks;
  let block = params.first_block + nth;
  let start = block * params.block_size;
  let end = min(start + params.block_size, params.size);
  var heap: Heap;
  for (var i = 0u; i < params.k; i++) {
    heap.keys[i] = 0u;
    heap.places[i] = NONE;
  }
  for (var i = start; i < end; i++) {
    let from_first = row * params.size + i - params.first_block * params.block_size;
    let key = order_key(f32(x[params.x_first + from_first]));
    var place = i;
    if (params.renumber == 1u) {
      place = source[params.source_first + from_first];
    }
    if (ranks_after(heap.keys[0], heap.places[0], key, place)) {
      sink(&heap, params.k, key, place);
    }
  }
  let first = params.y_first + (row * params.total_blocks + nth) * params.k;
  for (var left = params.k; left > 0u; left--) {
    values[first + left - 1u] = key_value(heap.keys[0]);
    indices[first + left - 1u] = heap.places[0];
    sink(&heap, left - 1u, heap.keys[left - 1u], heap.places[left - 1u]);
  }
}
`,
  },
};

/** What kernels share: the text of parts/NAME.wgsl, put behind a kernel that says `// uses parts/NAME.wgsl`. */
export const parts: Readonly<Record<string, string>> = {
  append_place: `// Where a thread of cache_append.wgsl and cache_append_keys.wgsl writes: its token, head and four channels. \`table\`, \`parts\` and these
// params are the kernel's: group_count, batch, step_rows, heads, head_size, page_tokens, table_stride, slab_first, slab_pages.

struct AppendPlace {
  // False where there is nothing to write: past the last thread, or in a page of another slab.
  here: bool,
  // Which four of the head's channels.
  c4: u32,
  // The head's first element among the step's.
  first: u32,
  // The token's vector among those of the slab.
  slot: u32,
}

fn append_place(group: u32, lane: u32) -> AppendPlace {
  var place: AppendPlace;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batch * params.step_rows * params.heads * D4) {
    return place;
  }
  let head = (thread / D4) % params.heads;
  let row = (thread / (D4 * params.heads)) % params.step_rows;
  let sequence = thread / (D4 * params.heads * params.step_rows);
  let token = parts[sequence].x - params.step_rows + row;
  let page = table[sequence * params.table_stride + token / params.page_tokens];
  place.here = page >= params.slab_first && page < params.slab_first + params.slab_pages;
  place.c4 = thread % D4;
  place.first = ((sequence * params.step_rows + row) * params.heads + head) * params.head_size;
  place.slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
  return place;
}
`,
  attended_rows: `// Rows of attention by tiles: where a pair (row, query head of a KV head's group) lies in queries and output, where its part of a
// window lies among all parts, and the keys of the window that a row sees. \`params\` and \`counts\` are the kernel's.

fn query_first(pair: u32, share: u32, head: u32, sequence: u32) -> u32 {
  let row = sequence * params.step_rows + pair / share;
  return (row * params.query_heads + head * share + pair % share) * D4;
}

fn part_first(pair: u32, pairs: u32, head: u32, sequence: u32, split: u32) -> u32 {
  let row = (sequence * params.heads + head) * pairs + pair;
  return (row * params.parts + params.first_part + split) * (D4 + 1u);
}

// Tokens from the window's first one up to the last row's own: without selections those that are here.
fn count_of(sequence: u32, head: u32) -> u32 {
  if (params.selections == 0u) {
    return params.tokens;
  }
  return counts[(params.first_sequence + sequence) * params.selections + select(head, 0u, params.selections == 1u)];
}

// \`count\` tokens lie from the window's first one up to the last row's own.
fn end_of(count: u32, row: u32) -> u32 {
  return min(u32(max(0i, i32(count + row + 1u) - i32(params.step_rows))), params.tokens);
}
`,
  best_in_groups: `// Each query's K best tokens by the highest scores of groups of tokens. A team of TEAM neighbouring threads, a power of two, takes a
// query. THREADS, K, COLUMNS, a power of two of at most TEAM, and COLUMN_ROWS = TEAM / COLUMNS are the kernel's; so are \`queries\`,
// \`table\`, \`bests\`, D4, SLABS (2 where the cache has several, of which this is one), score_of's part and the params that are named
// here.
//
// Groups and tokens are items: the higher score ranks first, then the lower item. What K of a team's columns of threads have
// reached bounds the K-th best: few items reach that, and only those are ranked.

const TEAMS = THREADS / TEAM;
// Items that reach the bound wait here; those of stored lists always find room.
const ROOM = K * K * COLUMN_ROWS;
// Items that a thread loads before it looks at the first.
const AHEAD = 8u;

var<workgroup> lane_scores: array<f32, THREADS>;
var<workgroup> lane_items: array<u32, THREADS>;
var<workgroup> bound_scores: array<f32, TEAMS>;
var<workgroup> bound_items: array<u32, TEAMS>;
var<workgroup> offered: array<atomic<u32>, TEAMS>;
var<workgroup> offered_scores: array<f32, TEAMS * ROOM>;
var<workgroup> offered_items: array<u32, TEAMS * ROOM>;
var<workgroup> refused: atomic<u32>;
var<workgroup> again: u32;
// Of each team the K best groups.
var<workgroup> chosen: array<u32, TEAMS * K>;

struct Item {
  score: f32,
  item: u32,
}

// Whose query a thread works for.
struct Asked {
  lane: u32,
  team: u32,
  slice: u32,
  head: u32,
  sequence: u32,
}

var<private> query_first: u32;

fn query_at(c: u32) -> vec4<f32> {
  return queries[query_first + c];
}

fn ask(query: u32, lane: u32) -> Asked {
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = query % pairs;
  let head = (query / pairs) % params.heads;
  let sequence = query / (pairs * params.heads);
  let row = sequence * params.step_rows + pair / share;
  query_first = (row * params.query_heads + head * share + pair % share) * D4;
  let team = lane / TEAM;
  for (var i = lane % TEAM; i < K; i += TEAM) {
    chosen[team * K + i] = NONE;
  }
  return Asked(lane, team, lane % TEAM, head, sequence);
}

// Items that a team looks at, in rows of a thread each.
struct Level {
  // Where their scores start.
  first: u32,
  rows: u32,
  // Items there are in all.
  items: u32,
}

fn all_items(first: u32, items: u32) -> Level {
  return Level(first, (items + TEAM - 1u) / TEAM, items);
}

// A thread's item in a row, or NONE. Rows are turned, each by another number, so that what comes again does not meet one column.
fn item_at(level: Level, row: u32, slice: u32) -> u32 {
  let item = row * TEAM + (slice + ((row * 0x9e3779b9u) >> 24u)) % TEAM;
  return select(NONE, item, item < level.items);
}

struct Seen {
  scores: array<f32, AHEAD>,
  items: array<u32, AHEAD>,
}

fn look_at(level: Level, row: u32, slice: u32) -> Seen {
  var seen: Seen;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    seen.items[i] = item_at(level, row + i, slice);
    seen.scores[i] = bests[level.first + select(0u, seen.items[i], seen.items[i] != NONE)];
  }
  return seen;
}

fn better(best: Item, seen: Seen) -> Item {
  var found = best;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    let counts_here = seen.items[i] != NONE && seen.scores[i] > LOWEST;
    if (counts_here && ranks_before(seen.scores[i], seen.items[i], found.score, found.item)) {
      found = Item(seen.scores[i], seen.items[i]);
    }
  }
  return found;
}

// The best of a thread's items that rank after \`last\`.
fn best_after(last: Item, level: Level, asked: Asked) -> Item {
  var best = Item(LOWEST, NONE);
  for (var row = 0u; row < level.rows; row += AHEAD) {
    var seen = look_at(level, row, asked.slice);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let follows = last.item == NONE || ranks_before(last.score, last.item, seen.scores[i], seen.items[i]);
      seen.items[i] = select(NONE, seen.items[i], follows);
    }
    best = better(best, seen);
  }
  return best;
}

// Leaves in bound_scores and bound_items what K items of a team reach: the K-th of its columns' bests; the lowest where too few have
// one. All threads call it.
fn find_bound(own: Item, asked: Asked) {
  lane_scores[asked.lane] = own.score;
  lane_items[asked.lane] = own.item;
  if (asked.slice == 0u) {
    bound_scores[asked.team] = LOWEST;
    bound_items[asked.team] = NONE;
    atomicStore(&offered[asked.team], 0u);
  }
  workgroupBarrier();
  var best = own;
  if (TEAM > COLUMNS) {
    if (asked.slice < COLUMNS) {
      for (var row = 0u; row < COLUMN_ROWS; row++) { // unrolled
        let other = asked.lane + row * COLUMNS;
        if (ranks_before(lane_scores[other], lane_items[other], best.score, best.item)) {
          best = Item(lane_scores[other], lane_items[other]);
        }
      }
      lane_scores[asked.lane] = best.score;
      lane_items[asked.lane] = best.item;
    }
    workgroupBarrier();
  }
  if (asked.slice < COLUMNS && best.item != NONE) {
    var rank = 0u;
    for (var other = 0u; other < COLUMNS; other++) { // unrolled
      let place = asked.team * TEAM + other;
      rank += u32(ranks_before(lane_scores[place], lane_items[place], best.score, best.item));
    }
    if (rank == K - 1u) {
      bound_scores[asked.team] = best.score;
      bound_items[asked.team] = best.item;
    }
  }
  workgroupBarrier();
}

fn offer(score: f32, item: u32, bound: Item, team: u32) {
  if (item != NONE && score > LOWEST && !ranks_before(bound.score, bound.item, score, item)) {
    let place = atomicAdd(&offered[team], 1u);
    if (place < ROOM) {
      offered_scores[team * ROOM + place] = score;
      offered_items[team * ROOM + place] = item;
    } else {
      atomicStore(&refused, 1u);
    }
  }
}

fn offer_seen(seen: Seen, bound: Item, team: u32) {
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    offer(seen.scores[i], seen.items[i], bound, team);
  }
}

// The rank of an offered item among all that its team offered.
fn rank_of(place: u32, team: u32) -> u32 {
  let score = offered_scores[team * ROOM + place];
  let item = offered_items[team * ROOM + place];
  let count = atomicLoad(&offered[team]);
  var rank = 0u;
  // A loop's turns cost more than comparing: by runs that are written out.
  for (var run = team * ROOM; run < team * ROOM + count; run += 8u) {
    for (var i = 0u; i < 8u; i++) { // unrolled
      let before = ranks_before(offered_scores[run + i], offered_items[run + i], score, item);
      rank += u32(before && run + i < team * ROOM + count);
    }
  }
  return rank;
}

// Writes the K best items of a level to \`chosen\`. All threads call it.
fn choose(level: Level, asked: Asked) {
  // The first rows are kept, others are looked at twice.
  let kept_rows = look_at(level, 0u, asked.slice);
  var own = better(Item(LOWEST, NONE), kept_rows);
  for (var row = AHEAD; row < level.rows; row += AHEAD) {
    own = better(own, look_at(level, row, asked.slice));
  }
  find_bound(own, asked);
  let bound = Item(bound_scores[asked.team], bound_items[asked.team]);
  // A thread whose best item does not reach the bound has none that does.
  if (own.item != NONE && !ranks_before(bound.score, bound.item, own.score, own.item)) {
    offer_seen(kept_rows, bound, asked.team);
    for (var row = AHEAD; row < level.rows; row += AHEAD) {
      offer_seen(look_at(level, row, asked.slice), bound, asked.team);
    }
  }
  workgroupBarrier();
  if (asked.lane == 0u) {
    again = atomicExchange(&refused, 0u);
  }
  if (workgroupUniformLoad(&again) == 0u) {
    for (var place = asked.slice; place < atomicLoad(&offered[asked.team]); place += TEAM) {
      let rank = rank_of(place, asked.team);
      if (rank < K) {
        chosen[asked.team * K + rank] = offered_items[asked.team * ROOM + place];
      }
    }
  } else {
    choose_in_turns(level, asked);
  }
  workgroupBarrier();
}

// The same one item after the other, where there was no room for all that reached the bound.
fn choose_in_turns(level: Level, asked: Asked) {
  var last = Item(LOWEST, NONE);
  for (var turn = 0u; turn < K; turn++) {
    let own = best_after(last, level, asked);
    lane_scores[asked.lane] = own.score;
    lane_items[asked.lane] = own.item;
    workgroupBarrier();
    var best = Item(LOWEST, NONE);
    for (var other = asked.team * TEAM; other < (asked.team + 1u) * TEAM; other++) {
      if (ranks_before(lane_scores[other], lane_items[other], best.score, best.item)) {
        best = Item(lane_scores[other], lane_items[other]);
      }
    }
    if (turn == 0u || last.item != NONE) {
      last = best;
      if (asked.slice == 0u) {
        chosen[asked.team * K + turn] = best.item;
      }
    }
    workgroupBarrier();
  }
}

// Scores the tokens of the chosen groups again, those in this slab, and offers what can be among the K best of them and of \`held\`, one
// item of each thread. All threads call it.
fn offer_tokens(part: vec4<u32>, asked: Asked, held: Item) {
  var best: Best;
  for (var i = 0u; i < K; i++) { // unrolled
    best.scores[i] = LOWEST;
    best.tokens[i] = NONE;
  }
  insert(&best, held.score, held.item);
  for (var item = asked.slice; item < K * params.group_tokens; item += TEAM) {
    let group = chosen[asked.team * K + item / params.group_tokens];
    let token = group * params.group_tokens + item % params.group_tokens;
    if (group != NONE && token < part.w) {
      let place = part.y + token;
      let page = table[asked.sequence * params.table_stride + place / params.page_tokens] - params.slab_first;
      if (SLABS == 1u || page < params.slab_pages) {
        let score = score_of((page * params.heads + asked.head) * params.page_tokens + place % params.page_tokens);
        insert(&best, score, token);
      }
    }
  }
  find_bound(Item(best.scores[0], best.tokens[0]), asked);
  let bound = Item(bound_scores[asked.team], bound_items[asked.team]);
  for (var i = 0u; i < K; i++) { // unrolled
    offer(best.scores[i], best.tokens[i], bound, asked.team);
  }
  workgroupBarrier();
}
`,
  best_key: `// The better of pairs (order key, place), and the best of a workgroup of 256 threads, in two levels; THREADS is the kernel's.

const RUN = 16u;

var<workgroup> lane_best: array<vec2<u32>, THREADS>;
var<workgroup> run_best: array<vec2<u32>, RUN>;

// The higher key; the lower place among equals.
fn better(one: vec2<u32>, other: vec2<u32>) -> vec2<u32> {
  return select(one, other, other.x > one.x || (other.x == one.x && other.y < one.y));
}

fn best_of_all(mine: vec2<u32>, lane: u32) -> vec2<u32> {
  lane_best[lane] = mine;
  workgroupBarrier();
  if (lane < RUN) {
    var found = lane_best[lane];
    for (var i = 1u; i < THREADS / RUN; i++) {
      found = better(found, lane_best[lane + i * RUN]);
    }
    run_best[lane] = found;
  }
  workgroupBarrier();
  var found = run_best[0];
  for (var i = 1u; i < RUN; i++) {
    found = better(found, run_best[i]);
  }
  return found;
}
`,
  best_list: `// The K best items of a list, each a score and its token, with what is needed to keep them as a heap. K is the kernel's.

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;

struct Best {
  scores: array<f32, K>,
  tokens: array<u32, K>,
}

// True where (score, token) ranks before (other, held): higher score first, then the lower token.
fn ranks_before(score: f32, token: u32, other: f32, held: u32) -> bool {
  return score > other || (score == other && token < held);
}

// Puts an item on the root of a heap whose worst item is the root, and sinks it to its place among the first \`size\`.
fn sink(best: ptr<function, Best>, score: f32, token: u32, size: u32) {
  var place = 0u;
  var child = 1u;
  while (child < size) {
    let next = child + 1u;
    if (next < size && ranks_before((*best).scores[child], (*best).tokens[child], (*best).scores[next], (*best).tokens[next])) {
      child = next;
    }
    if (!ranks_before(score, token, (*best).scores[child], (*best).tokens[child])) {
      break;
    }
    (*best).scores[place] = (*best).scores[child];
    (*best).tokens[place] = (*best).tokens[child];
    place = child;
    child = 2u * place + 1u;
  }
  (*best).scores[place] = score;
  (*best).tokens[place] = token;
}
`,
  bound_groups: `// The groups of neighbouring tokens that can hold a query's K best ones, found by a whole workgroup. THREADS, K, COLUMNS and COLUMN_ROWS =
// THREADS / COLUMNS, powers of two, and \`bests\` are the kernel's.
//
// Groups and tokens are items: the higher score ranks first, then the lower item. What K columns of threads have reached bounds the
// K-th best group: few groups reach that.

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
// Highest scores that a thread loads before it looks at the first.
const ROWS = 8u;
// Groups that reach the bound; where there are more, they are found one after the other.
const ROOM = 128u;

// A score and its item: a group or a token.
struct Item {
  score: f32,
  item: u32,
}

var<workgroup> lane_bests: array<Item, THREADS>;
var<workgroup> bound: Item;
var<workgroup> offered: atomic<u32>;
var<workgroup> told: u32;
var<workgroup> groups_offered: array<u32, ROOM>;
// True where an item ranks before another: higher score first, then the lower item.
fn before(item: Item, other: Item) -> bool {
  return item.score > other.score || (item.score == other.score && item.item < other.item);
}

// A thread's group in a row. Rows are turned, each by another number, so that what comes again does not meet one column.
fn group_at(row: u32, lane: u32) -> u32 {
  return row * THREADS + (lane + ((row * 0x9e3779b9u) >> 24u)) % THREADS;
}

fn look_at(first: u32, groups: u32, row: u32, lane: u32) -> array<Item, ROWS> {
  var seen: array<Item, ROWS>;
  for (var i = 0u; i < ROWS; i++) { // unrolled
    let group = group_at(row + i, lane);
    let score = bests[first + min(group, groups - 1u)];
    seen[i] = Item(score, select(NONE, group, group < groups && score > LOWEST));
  }
  return seen;
}

fn best_of(best: Item, seen: array<Item, ROWS>) -> Item {
  var found = best;
  for (var i = 0u; i < ROWS; i++) { // unrolled
    if (seen[i].item != NONE && before(seen[i], found)) {
      found = seen[i];
    }
  }
  return found;
}

fn offer_group(item: Item) {
  if (item.item != NONE && !before(bound, item)) {
    let place = atomicAdd(&offered, 1u);
    if (place < ROOM) {
      groups_offered[place] = item.item;
    }
  }
}

// How many groups were offered. All threads call it.
fn tell_offered(lane: u32) -> u32 {
  workgroupBarrier();
  if (lane == 0u) {
    told = atomicLoad(&offered);
  }
  return workgroupUniformLoad(&told);
}

// Leaves in \`bound\` what K groups reach: the K-th of the columns' bests; the lowest where too few have one. All threads call it.
fn find_bound(own: Item, lane: u32) {
  lane_bests[lane] = own;
  workgroupBarrier();
  var best = own;
  if (lane < COLUMNS) {
    for (var row = 0u; row < COLUMN_ROWS; row++) { // unrolled
      let other = lane_bests[lane + row * COLUMNS];
      if (before(other, best)) {
        best = other;
      }
    }
    lane_bests[lane] = best;
  }
  workgroupBarrier();
  if (lane < COLUMNS && best.item != NONE) {
    var rank = 0u;
    for (var other = 0u; other < COLUMNS; other++) { // unrolled
      rank += u32(before(lane_bests[other], best));
    }
    if (rank == K - 1u) {
      bound = best;
    }
  }
  workgroupBarrier();
}

// Offers the K best groups, one after the other: where more reached the bound than there is room for. All threads call it.
fn offer_in_turns(first: u32, groups: u32, lane: u32) {
  workgroupBarrier();
  if (lane == 0u) {
    atomicStore(&offered, 0u);
  }
  var last = Item(3.4028234663852886e38f, 0u);
  for (var turn = 0u; turn < K; turn++) {
    var own = Item(LOWEST, NONE);
    for (var row = 0u; row * THREADS < groups; row += ROWS) {
      var seen = look_at(first, groups, row, lane);
      for (var i = 0u; i < ROWS; i++) { // unrolled
        seen[i].item = select(NONE, seen[i].item, turn == 0u || before(last, seen[i]));
      }
      own = best_of(own, seen);
    }
    workgroupBarrier();
    lane_bests[lane] = own;
    workgroupBarrier();
    var best = Item(LOWEST, NONE);
    for (var other = 0u; other < THREADS; other++) {
      if (before(lane_bests[other], best)) {
        best = lane_bests[other];
      }
    }
    // More than K groups have a best token.
    last = best;
    if (lane == 0u) {
      groups_offered[turn] = best.item;
      atomicStore(&offered, turn + 1u);
      bound = best;
    }
  }
  workgroupBarrier();
}

// Offers all groups that reach the bound. All threads call it; returns how many they are.
fn find_groups(first: u32, groups: u32, lane: u32) -> u32 {
  // The first rows are kept, others are looked at twice.
  let kept_rows = look_at(first, groups, 0u, lane);
  var own = best_of(Item(LOWEST, NONE), kept_rows);
  for (var row = ROWS; row * THREADS < groups; row += ROWS) {
    own = best_of(own, look_at(first, groups, row, lane));
  }
  find_bound(own, lane);
  // A thread whose best group does not reach the bound has none that does.
  if (own.item != NONE && !before(bound, own)) {
    for (var i = 0u; i < ROWS; i++) { // unrolled
      offer_group(kept_rows[i]);
    }
    for (var row = ROWS; row * THREADS < groups; row += ROWS) {
      let seen = look_at(first, groups, row, lane);
      for (var i = 0u; i < ROWS; i++) { // unrolled
        offer_group(seen[i]);
      }
    }
  }
  if (tell_offered(lane) > ROOM) {
    offer_in_turns(first, groups, lane);
  }
  return tell_offered(lane);
}
`,
  insert: `// Lists of parts/best_list.wgsl that are short enough to stay in registers, sorted, their best item first.

fn insert(best: ptr<function, Best>, score: f32, token: u32) {
  // Without a branch: software adapters run both sides of one, for every token.
  var falling = score;
  var name = token;
  for (var i = 0u; i < K; i++) { // unrolled
    let held = (*best).scores[i];
    let holder = (*best).tokens[i];
    let better = ranks_before(falling, name, held, holder);
    (*best).scores[i] = select(held, falling, better);
    (*best).tokens[i] = select(holder, name, better);
    falling = select(falling, held, better);
    name = select(name, holder, better);
  }
}
`,
  int8_bytes: `// Four channels as int8, symmetric: the largest magnitude of a token's head is 127.

fn int8_scale(most: f32) -> f32 {
  return most / 127.0;
}

fn int8_bytes(four: vec4<f32>, scale: f32) -> u32 {
  let divisor = select(1.0, scale, scale > 0.0);
  let whole = vec4<i32>(clamp(floor(four / divisor + 0.5), vec4<f32>(-127.0), vec4<f32>(127.0)));
  let bytes = vec4<u32>(bitcast<vec4<u32>>(whole) & vec4<u32>(255u));
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
`,
  keys_float: `// Keys of a slab stored as KeyElement, f32 or f16: [slab_pages, heads, page_tokens, D4] vectors of four channels. A slot counts
// tokens, then heads, then pages. \`key_pages\` is the kernel's.

alias StoredKeys = vec4<KeyElement>;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 1u;

// Where a slot's vectors start.
fn key_first(slot: u32) -> u32 {
  return slot * D4;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels, before the scale: as stored, and read.
fn key_loaded(stored: StoredKeys) -> vec4<f32> {
  return vec4<f32>(stored);
}

// Four channels of those stored together: all of them.
fn key_part(stored: StoredKeys, vector: u32) -> vec4<f32> {
  return key_loaded(stored);
}

fn key_vector(place: u32) -> vec4<f32> {
  return key_loaded(key_pages[place]);
}

// One channel, scaled.
fn key_channel(slot: u32, c: u32) -> f32 {
  return f32(key_pages[slot * D4 + c / 4u][c % 4u]);
}
`,
  keys_int8: `// Keys of a slab stored as int8 with a scale for each token and head. For each page and head: page_tokens * D4 words of four
// channels, the first in the lowest byte; then page_tokens scales, as the bits of f32. \`key_pages\` is the kernel's.

alias StoredKeys = u32;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 1u;

// Where a slot's words start.
fn key_first(slot: u32) -> u32 {
  return slot / params.page_tokens * params.page_tokens * (D4 + 1u) + slot % params.page_tokens * D4;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  return bitcast<f32>(key_pages[page + params.page_tokens * D4 + slot % params.page_tokens]);
}

// Four channels, before the scale, whole numbers from -127 to 127: as stored, and read.
fn key_loaded(stored: StoredKeys) -> vec4<f32> {
  let word = bitcast<i32>(stored);
  return vec4<f32>(vec4(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u));
}

// Four channels of those stored together: all of them.
fn key_part(stored: StoredKeys, vector: u32) -> vec4<f32> {
  return key_loaded(stored);
}

fn key_vector(place: u32) -> vec4<f32> {
  return key_loaded(key_pages[place]);
}

// One channel, scaled.
fn key_channel(slot: u32, c: u32) -> f32 {
  let word = bitcast<i32>(key_pages[key_first(slot) + c / 4u]);
  return f32((word << (24u - 8u * (c % 4u))) >> 24u) * key_scale(slot);
}
`,
  keys_wide_f16: `// Keys of a slab stored as f16, read eight channels at once: [slab_pages, heads, page_tokens, D8] vectors of eight channels. For heads
// whose halves are whole vectors. A slot counts tokens, then heads, then pages. \`key_pages\` is the kernel's.

alias StoredKeys = vec4<u32>;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 2u;

// Where a slot's stored vectors start.
fn key_first(slot: u32) -> u32 {
  return slot * D8;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels of those stored together, before the scale.
fn key_part(stored: StoredKeys, vector: u32) -> vec4<f32> {
  let words = select(stored.xy, stored.zw, vector == 1u);
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
`,
  keys_wide_int8: `// Keys of a slab stored as int8 with a scale for each token and head, read eight channels at once. For heads whose halves are whole
// vectors of eight, and pages of an even number of tokens: a page's words are even then. Layout as in keys_int8.wgsl.

alias StoredKeys = vec2<u32>;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 2u;

// Where a slot's stored vectors start.
fn key_first(slot: u32) -> u32 {
  return slot / PAGE * (PAGE / 2u) * (D4 + 1u) + slot % PAGE * D8;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  let word = slot / PAGE * PAGE * (D4 + 1u) + PAGE * D4 + slot % PAGE;
  let words = key_pages[word / 2u];
  return bitcast<f32>(select(words.x, words.y, word % 2u == 1u));
}

// Four channels of those stored together, before the scale: whole numbers from -127 to 127.
fn key_part(stored: StoredKeys, vector: u32) -> vec4<f32> {
  let word = bitcast<i32>(select(stored.x, stored.y, vector == 1u));
  return vec4<f32>(vec4(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u));
}
`,
  list_votes: `// What follows the best tokens of those who vote together, in one workgroup: counts votes, keeps the candidates with most, and lists what
// the step attends to. THREADS, QUERIES, K, \`indices\`, \`counts\`, \`scope\` and params.span, .clip, .indices_stride are the kernel's,
// which leaves the K best tokens of each query in \`voted\`, NONE where there is none.
//
// Nothing is sorted: in four sweeps each entry is compared with all others, four at a time. The first finds a token's votes and its first
// entry, which stands for it; the second how many candidates come before it; the third the kept token before it, whose span may reach
// into its own; the fourth how many tokens come before its own. Spans of rising centers end in rising order.

const ENTRIES = QUERIES * K;
// Vectors of four entries that a thread loads before it looks at the first.
const SWEEP = 4u;
const SWEEPS = (ENTRIES + 4u * SWEEP - 1u) / (4u * SWEEP);
const CHUNKS = SWEEPS * SWEEP;
const PADDED = 4u * CHUNKS;
// Threads that write a span's tokens.
const SPAN_THREADS = 8u;

// By entry: its token, NONE once another stands for it or it is not kept; then what a sweep found of it.
var<workgroup> voted: array<u32, PADDED>;
var<workgroup> found: array<u32, PADDED>;
// The same as vectors of four, which all threads read.
var<workgroup> tokens4: array<vec4<u32>, CHUNKS>;
var<workgroup> found4: array<vec4<u32>, CHUNKS>;
var<workgroup> starts: array<u32, ENTRIES>;
var<workgroup> lengths: array<u32, ENTRIES>;

// All threads call it before anything is voted for.
fn clear_votes(lane: u32) {
  for (var entry = ENTRIES + lane; entry < PADDED; entry += THREADS) {
    voted[entry] = NONE;
    found[entry] = NONE;
  }
}

// Lays what threads left in \`voted\` and \`found\` out in vectors. All threads call it; barriers are before and behind.
fn lay_out(lane: u32) {
  workgroupBarrier();
  for (var chunk = lane; chunk < CHUNKS; chunk += THREADS) {
    let entry = 4u * chunk;
    tokens4[chunk] = vec4<u32>(voted[entry], voted[entry + 1u], voted[entry + 2u], voted[entry + 3u]);
    found4[chunk] = vec4<u32>(found[entry], found[entry + 1u], found[entry + 2u], found[entry + 3u]);
  }
  workgroupBarrier();
}

fn sum4(v: vec4<u32>) -> u32 {
  return (v.x + v.y) + (v.z + v.w);
}

// Leaves each token in its first entry alone, and in \`found\` how many votes it lacks to have all.
fn count_votes(lane: u32) {
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let mine = voted[entry];
    var votes = vec4<u32>();
    var earlier = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        let same = vec4<u32>(tokens4[chunk + i] == vec4<u32>(mine));
        votes += same;
        earlier += select(vec4<u32>(), same, vec4<u32>(4u * (chunk + i)) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(entry));
      }
    }
    let stands = mine != NONE && sum4(earlier) == 0u;
    voted[entry] = select(NONE, mine, stands);
    found[entry] = select(NONE, ENTRIES - sum4(votes), stands);
  }
}

// Keeps the candidates that fewer than \`clip\` come before: those with more votes, or as many and a lower token.
fn keep_most_voted(lane: u32) {
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let mine = voted[entry];
    let missing = found[entry];
    var before_mine = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        let other = found4[chunk + i];
        let lower = vec4<u32>(tokens4[chunk + i] < vec4<u32>(mine));
        before_mine += select(vec4<u32>(other < vec4<u32>(missing)), lower, other == vec4<u32>(missing));
      }
    }
    if (sum4(before_mine) >= params.clip) {
      voted[entry] = NONE;
    }
  }
}

// Leaves each kept token's span in \`starts\` and \`lengths\`, without what the spans before it have; its length in \`found\` too.
fn cut_spans(tokens: u32, lane: u32) {
  let after = (params.span + 1u) / 2u;
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let center = voted[entry];
    // One more than the kept token before it.
    var last = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        let other = tokens4[chunk + i];
        last = max(last, select(vec4<u32>(), other + 1u, other < vec4<u32>(center)));
      }
    }
    let previous = max(max(last.x, last.y), max(last.z, last.w));
    var start = center - min(center, params.span / 2u);
    if (previous > 0u) {
      start = max(start, min(previous - 1u + after, tokens));
    }
    let length = min(center + after, tokens) - start;
    starts[entry] = start;
    lengths[entry] = select(0u, length, center != NONE);
    found[entry] = lengths[entry];
  }
  for (var entry = ENTRIES + lane; entry < PADDED; entry += THREADS) {
    found[entry] = 0u;
  }
}

// Leaves in \`found\` how many tokens the spans before each entry's have, and returns how many all have.
fn place_spans(lane: u32) -> u32 {
  var all = vec4<u32>();
  for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
    for (var i = 0u; i < SWEEP; i++) { // unrolled
      all += found4[chunk + i];
    }
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let mine = voted[entry];
    var earlier = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        earlier += select(vec4<u32>(), found4[chunk + i], tokens4[chunk + i] < vec4<u32>(mine));
      }
    }
    found[entry] = sum4(earlier);
  }
  return sum4(all);
}

// Lists what \`voted\` leads to. All threads call it.
fn list_tokens(selection: u32, part: vec4<u32>, lane: u32) {
  lay_out(lane);
  count_votes(lane);
  lay_out(lane);
  if (params.clip < ENTRIES) {
    keep_most_voted(lane);
    lay_out(lane);
  }
  cut_spans(part.w, lane);
  lay_out(lane);
  let picked = place_spans(lane);
  workgroupBarrier();
  let leading = part.y;
  let base = selection * params.indices_stride;
  for (var i = lane; i < leading; i += THREADS) {
    indices[base + i] = i;
  }
  for (var item = lane; item < ENTRIES * SPAN_THREADS; item += THREADS) {
    let entry = item / SPAN_THREADS;
    let place = base + leading + found[entry];
    for (var o = item % SPAN_THREADS; o < lengths[entry]; o += SPAN_THREADS) {
      indices[place + o] = leading + starts[entry] + o;
    }
  }
  for (var token = part.z + lane; token < part.x; token += THREADS) {
    indices[base + leading + picked + token - part.z] = token;
  }
  if (lane == 0u) {
    let count = leading + picked + part.x - part.z;
    counts[selection] = count;
    atomicMax(&scope, count);
  }
}
`,
  order_key: `// Unsigned integers in the order of the floats, both zeros equal; NaN is the lowest.
fn order_key(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0u;
  }
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits != magnitude);
}
`,
  relative_position: `// The row of the table of angles for a query at position m and a key at position n, m >= n, by one of three rules (RULE):
//   0 distances are kept up to \`near\`, then stop growing (slope 0) or grow more slowly (slope 1): near distances are then
//     \`fine\` rows apart, far ones one row. ReRoPE, LM-Infinite, InfLLM; plain rotary positions where nothing is far
//   1 distances are kept up to \`near\`; farther tokens are counted in groups of \`group\` tokens. SelfExtend (arXiv 2401.01325)
//   2 distances within a chunk of \`group\` tokens are kept; queries of the next chunk count on from there up to \`most\`, and
//     those of later chunks all stand at \`most\`. Dual Chunk Attention (arXiv 2402.17463)

fn relative_row(m: u32, n: u32) -> u32 {
  let distance = m - n;
  if (RULE == 1u) {
    let grouped = m / params.group - n / params.group + params.near - params.near / params.group;
    return select(grouped, distance, distance < params.near);
  }
  if (RULE == 2u) {
    let chunks = m / params.group - n / params.group;
    if (chunks == 0u) {
      return distance;
    }
    let place = select(params.most, min(params.group + m % params.group, params.most), chunks == 1u);
    return place - n % params.group;
  }
  if (distance < params.near) {
    return distance * params.fine;
  }
  return params.near * params.fine + (distance - params.near) * params.slope;
}
`,
  row_products: `// Products of ROWS rows with the rows of a matrix, each read once along its length: LANES threads share a row of the matrix, and
// each sums COLS of them. Where NORM is 1 the rows are multiplied with the norm's weights, and their sums brought to a mean square
// of 1 at the end. THREADS, LANES, COLS, AHEAD, WHOLE (1 where AHEAD loads of each lane are the whole row: all are under way at once
// then, and none is waited for twice), MIDDLE and STRETCH (LANES = MIDDLE * STRETCH), ROWS, SUMS (ROWS * COLS, and ROWS more with
// NORM), PARTS, NORM and PAIRED are the kernel's, and so are \`left\`, \`right\`, \`norm_weight\` and these params: columns, depth,
// left_first, left_row, right_first, right_row, epsilon. Workgroup memory is kept small: that was faster.

const UNITS = THREADS / LANES;
// With PAIRED a row of the matrix goes with the one \`columns\` later: each column of the result takes two.
const UNIT_COLUMNS = COLS / (1u + PAIRED);
const GROUP_COLUMNS = UNITS * UNIT_COLUMNS;

var<workgroup> lane_sums: array<f32, THREADS * SUMS>;
var<workgroup> middle_sums: array<f32, MIDDLE * UNITS * SUMS>;

// What a load brings, as f32: one vec4, or two where the matrix is halves.
fn widened(loaded: Loaded, part: u32) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(loaded);
  if (PARTS == 1u) {
    return bitcast<vec4<f32>>(bits);
  }
  let half = select(bits.xy, bits.zw, part == 1u);
  return vec4<f32>(unpack2x16float(half.x), unpack2x16float(half.y));
}

// First load of the matrix's row that a thread sums in a slot; past the end the last row stands in.
fn row_first(group: u32, unit: u32, slot: u32) -> u32 {
  let column = (group * UNITS + unit) * UNIT_COLUMNS + slot % UNIT_COLUMNS;
  return params.right_first + (min(column, params.columns - 1u) + slot / UNIT_COLUMNS * params.columns) * params.right_row;
}

// Sums all products of a group's columns; \`product\` then reads them.
fn multiply(group: u32, lane: u32) {
  let unit = lane / LANES;
  let slice = lane % LANES;
  var loaded: array<Loaded, COLS * AHEAD>;
  for (var step = 0u; step < AHEAD; step++) { // unrolled
    for (var c = 0u; c < COLS; c++) { // unrolled
      loaded[step * COLS + c] = right[row_first(group, unit, c) + min(slice + step * LANES, params.depth - 1u)];
    }
  }
  var sums: array<vec4<f32>, SUMS>;
  var start = slice;
  loop {
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = start + step * LANES;
      for (var part = 0u; part < PARTS; part++) { // unrolled
        for (var r = 0u; r < ROWS; r++) { // unrolled
          let place = PARTS * min(k, params.depth - 1u) + part;
          let held = vec4<f32>(left[params.left_first + r * params.left_row + place]);
          var a = select(vec4<f32>(), held, k < params.depth);
          if (NORM == 1u) {
            sums[SUMS - ROWS + r] = fma(a, a, sums[SUMS - ROWS + r]);
            a *= norm_weight[place];
          }
          for (var c = 0u; c < COLS; c++) { // unrolled
            sums[r * COLS + c] = fma(a, widened(loaded[step * COLS + c], part), sums[r * COLS + c]);
          }
        }
      }
    }
    start += AHEAD * LANES;
    if (WHOLE == 1u || start >= params.depth) {
      break;
    }
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      for (var c = 0u; c < COLS; c++) { // unrolled
        let k = min(start + step * LANES, params.depth - 1u);
        loaded[step * COLS + c] = right[row_first(group, unit, c) + k];
      }
    }
  }
  for (var s = 0u; s < SUMS; s++) { // unrolled
    lane_sums[s * THREADS + lane] = (sums[s].x + sums[s].y) + (sums[s].z + sums[s].w);
  }
  workgroupBarrier();
  for (var item = lane; item < MIDDLE * UNITS * SUMS; item += THREADS) {
    let first = item / (MIDDLE * UNITS) * THREADS + item % (MIDDLE * UNITS) * STRETCH;
    var sum = 0.0;
    for (var i = 0u; i < STRETCH; i++) { // unrolled
      sum += lane_sums[first + i];
    }
    middle_sums[item] = sum;
  }
  workgroupBarrier();
}

// A unit's sum.
fn unit_sum(unit: u32, sum: u32) -> f32 {
  let first = MIDDLE * (sum * UNITS + unit);
  var total = 0.0;
  for (var i = 0u; i < MIDDLE; i++) { // unrolled
    total += middle_sums[first + i];
  }
  return total;
}

// An element of the result: \`place\` counts the group's columns. With PAIRED: silu of one sum, times the other.
fn product(place: u32, r: u32) -> f32 {
  var factor = 1.0;
  if (NORM == 1u) {
    let squares = unit_sum(place / UNIT_COLUMNS, SUMS - ROWS + r);
    factor = 1.0 / sqrt(squares / f32(4u * PARTS * params.depth) + params.epsilon);
  }
  let sum = factor * unit_sum(place / UNIT_COLUMNS, r * COLS + place % UNIT_COLUMNS);
  if (PAIRED == 0u) {
    return sum;
  }
  return sum / (1.0 + exp(-sum)) * (factor * unit_sum(place / UNIT_COLUMNS, r * COLS + place % UNIT_COLUMNS + UNIT_COLUMNS));
}
`,
  row_totals: `// Sums and maxima over the values of a workgroup of WORKGROUP threads, at most 256, in two levels; every thread gets the result.

const RUN = 16u;

var<workgroup> lane_values: array<f32, WORKGROUP>;
var<workgroup> run_values: array<f32, RUN>;

fn total_of(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  lane_values[lane] = value;
  workgroupBarrier();
  if (lane < RUN) {
    var total = 0.0;
    for (var other = lane * RUN; other < min(WORKGROUP, (lane + 1u) * RUN); other++) {
      total += lane_values[other];
    }
    run_values[lane] = total;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var run = 0u; run * RUN < WORKGROUP; run++) {
    total += run_values[run];
  }
  return total;
}

fn highest_of(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  lane_values[lane] = value;
  workgroupBarrier();
  if (lane < RUN) {
    var highest = lane_values[min(lane * RUN, WORKGROUP - 1u)];
    for (var other = lane * RUN; other < min(WORKGROUP, (lane + 1u) * RUN); other++) {
      highest = max(highest, lane_values[other]);
    }
    run_values[lane] = highest;
  }
  workgroupBarrier();
  var highest = run_values[0];
  for (var run = 1u; run * RUN < WORKGROUP; run++) {
    highest = max(highest, run_values[run]);
  }
  return highest;
}
`,
  score_chain: `// A token's score as score_groups.wgsl sums it: one chain of multiply-adds over rising channels. D4, a multiple of 4, and
// query_at are the kernel's.

fn score_of(slot: u32) -> f32 {
  let first = key_first(slot);
  let scale = key_scale(slot);
  var score = 0.0;
  for (var c4 = 0u; c4 < D4; c4 += 4u) {
    var keys: array<vec4<f32>, 4>;
    for (var i = 0u; i < 4u; i++) { // unrolled
      keys[i] = key_vector(first + c4 + i) * scale;
    }
    for (var i = 0u; i < 4u; i++) { // unrolled
      let query = query_at(c4 + i);
      score = fma(query.w, keys[i].w, fma(query.z, keys[i].z, fma(query.y, keys[i].y, fma(query.x, keys[i].x, score))));
    }
  }
  return score;
}
`,
  score_lanes: `// A token's score as scan_groups.wgsl sums it: LANES sums, each of every so many of the stored vectors of VECTORS * 4 channels, PER of
// them; then the lanes in turn, then the scale. VECTORS, LANES, PER = D4 / VECTORS / LANES and query_at are the kernel's.

fn score_of(slot: u32) -> f32 {
  let first = key_first(slot);
  var score = 0.0;
  for (var lane = 0u; lane < LANES; lane++) { // unrolled
    var keys: array<StoredKeys, PER>;
    for (var c = 0u; c < PER; c++) { // unrolled
      keys[c] = key_pages[first + lane + c * LANES];
    }
    var sum = vec4<f32>();
    for (var c = 0u; c < PER; c++) { // unrolled
      for (var v = 0u; v < VECTORS; v++) { // unrolled
        sum = fma(query_at((lane + c * LANES) * VECTORS + v), key_part(keys[c], v), sum);
      }
    }
    score += (sum.x + sum.y) + (sum.z + sum.w);
  }
  return score * key_scale(slot);
}
`,
  short_lists: `// The way of parts/insert.wgsl's lists from and to best_scores and best_tokens, where params.resume says whether there is one to go on from.

fn load_best(best: ptr<function, Best>, first: u32) {
  for (var i = 0u; i < K; i++) { // unrolled
    let source = first + i;
    (*best).scores[i] = select(LOWEST, best_scores[source], params.resume == 1u);
    (*best).tokens[i] = select(NONE, best_tokens[source], params.resume == 1u);
  }
}

fn store_best(best: ptr<function, Best>, first: u32) {
  for (var i = 0u; i < K; i++) { // unrolled
    best_scores[first + i] = (*best).scores[i];
    best_tokens[first + i] = (*best).tokens[i];
  }
}
`,
  split_join: `// The end of attention_split.wgsl, whose variables it reads and writes: its slices' sums are joined and left as a part.

fn leave_part(
  lane: u32,
  most: array<f32, ITEMS>,
  weight: array<f32, ITEMS>,
  totals: array<vec4<f32>, PAIRS * VALUE_VECTORS>,
  first_part: u32,
  part_stride: u32,
) {
  for (var i = 0u; i < ITEMS; i++) { // unrolled
    let item = lane + i * THREADS;
    if (item < PAIRS * SLICES) {
      highs_of[item / SLICES][item % SLICES] = most[i];
    }
  }
  workgroupBarrier();
  // What each slice counts for beside the largest score of all.
  for (var i = 0u; i < ITEMS; i++) { // unrolled
    let item = lane + i * THREADS;
    if (item < PAIRS * SLICES) {
      let pair = item / SLICES;
      let highest = highest_of(pair);
      let shrink = exp(most[i] - highest);
      shrinks[pair][item % SLICES] = shrink;
      sums[pair][item % SLICES] = weight[i] * shrink;
      if (item % SLICES == 0u) {
        parts[first_part + pair * part_stride + WIDTH - 4u] = highest;
      }
    }
  }
  workgroupBarrier();
  for (var turn = 0u; turn < JOINS; turn++) { // unrolled
    if (turn > 0u) {
      workgroupBarrier();
    }
    if (lane < SLICES * VALUE_LANES) {
      for (var j = 0u; j < JOIN; j++) { // unrolled
        let shrink = shrinks[turn * JOIN + j][lane / VALUE_LANES];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          let total = totals[(turn * JOIN + j) * VALUE_VECTORS + v] * shrink;
          for (var i = 0u; i < 4u; i++) { // unrolled
            products[(j * NUMBERS + v * 4u + i) * JOIN_ROW + lane] = total[i];
          }
        }
      }
    }
    workgroupBarrier();
    for (var item = lane; item < JOIN * NUMBERS * VALUE_LANES; item += THREADS) {
      leave_number(turn * JOIN + item / (NUMBERS * VALUE_LANES), item, first_part, part_stride);
    }
  }
}

fn highest_of(pair: u32) -> f32 {
  var highest = LOWEST;
  for (var slice = 0u; slice < SLICES; slice++) { // unrolled
    highest = max(highest, highs_of[pair][slice]);
  }
  return highest;
}

// One number of a part, the sum of the slices'; with the first one the weights' sum.
fn leave_number(pair: u32, item: u32, first_part: u32, part_stride: u32) {
  let first = item / VALUE_LANES * JOIN_ROW + item % VALUE_LANES;
  let number = item / VALUE_LANES % NUMBERS;
  let target_part = first_part + pair * part_stride;
  var sum = 0.0;
  for (var slice = 0u; slice < SLICES; slice++) { // unrolled
    sum += products[first + slice * VALUE_LANES];
  }
  parts[target_part + item % VALUE_LANES * NUMBERS + number] = sum;
  if (item % (NUMBERS * VALUE_LANES) == 0u) {
    var all = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) { // unrolled
      all += sums[pair][slice];
    }
    parts[target_part + WIDTH - 3u] = all;
  }
}
`,
  split_places: `// Where attention_split.wgsl, whose variables it reads and writes, finds the tokens of its list.

// What a workgroup works on.
struct Work {
  sequence: u32,
  head: u32,
  selection: u32,
  // Tokens of its list, and with those behind it.
  listed: u32,
  count: u32,
}

// What the list has at a place, which may lie past its end.
fn listed_at(place: u32, work: Work) -> u32 {
  if (IN_ORDER == 1u) {
    return place;
  }
  return indices[work.selection * params.indices_stride + min(place, params.indices_stride - 1u)];
}

// The token at a place, given what the list has there.
fn token_of(place: u32, listed: u32, work: Work) -> u32 {
  if (IN_ORDER == 1u) {
    return place;
  }
  return select(params.first_newer + place - work.listed, listed, place < work.listed);
}

fn token_at(place: u32, work: Work) -> u32 {
  return token_of(place, listed_at(place, work), work);
}

// Notes where a token lies in the slab, or that it lies elsewhere.
fn locate(turn: u32, item: u32, place: u32, token: u32, work: Work) {
  let page = table[work.sequence * params.table_stride + token / PAGE] - params.slab_first;
  let slot = (page * params.heads + work.head) * PAGE + token % PAGE;
  if (item < SWEEP) {
    slots[turn][item] = select(NOWHERE, slot, ONE_SLAB == 1u || page < params.slab_pages);
    if (RELATIVE == 0u) {
      positions[turn][item] = select(place, token, params.original == 1u) - params.first_position;
    }
  }
}

// The same of what the list has at a place, up to its block's end.
fn locate_listed(turn: u32, item: u32, place: u32, listed: u32, end: u32, work: Work) {
  let token = token_of(min(place, end - 1u), listed, work);
  locate(turn, item, place, select(0u, token, place < end || IN_ORDER == 1u), work);
}

// Tokens of other slabs are read as the slab's first, and dropped.
fn slot_of(turn: u32, token: u32) -> u32 {
  let slot = slots[turn][token];
  return select(slot, 0u, ONE_SLAB == 0u && slot == NOWHERE);
}

fn load_value(turn: u32, token: u32, channel: u32) -> StoredValues {
  return value_pages[value_first(slot_of(turn, min(token, SWEEP - 1u))) + channel];
}
`,
  split_scores: `// Scores of a sweep of attention_split.wgsl, whose variables it reads and writes: rotated queries times keys, turned as they are read.

// Two vec4s of (cos, sin) for each four channels of a lane.
alias Angles = array<vec4<f32>, 2u * CHUNKS * KEY_VECTORS>;

// Half-split pairs (x[c], x[c + d/2]) of four channels, turned.
fn turn_low(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return low * vec4(a.x, a.z, b.x, b.z) - high * vec4(a.y, a.w, b.y, b.w);
}

fn turn_high(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return high * vec4(a.x, a.z, b.x, b.z) + low * vec4(a.y, a.w, b.y, b.w);
}

fn add_products(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

fn keep_query(item: u32, low: vec4<f32>, high: vec4<f32>) {
  if (item < PAIRS * D8) {
    rotated[item / D8][item % D8] = low;
    rotated[item / D8][item % D8 + D8] = high;
  }
}

// Turns a query back by a position's angles: what is left is turned by how far that one lies behind.
fn turn_back(item: u32, low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) {
  let back = vec4(1.0, -1.0, 1.0, -1.0);
  keep_query(item, turn_low(low, high, a * back, b * back), turn_high(low, high, a * back, b * back));
}

// Angles of a difference of positions, for two channels each.
fn angles_between(later: vec4<f32>, earlier: vec4<f32>) -> vec4<f32> {
  let swapped = vec4(later.y, -later.x, later.w, -later.z);
  return later * earlier.xxzz + swapped * earlier.yyww;
}

// Two channels' angles by a place in the sweep. The table may begin with a later position than 0.
fn place_angles(place: u32, channels: u32) -> vec4<f32> {
  let angles = rotation[place * D4 + channels];
  if (SHIFTED == 1u) {
    return angles_between(angles, rotation[channels]);
  }
  return angles;
}

// A thread's first token of a sweep is its unit's: angles by that place, the same in all sweeps.
fn own_angles(lane: u32) -> Angles {
  var angles: Angles;
  if (RELATIVE == 1u) {
    for (var chunk = 0u; chunk < CHUNKS; chunk++) { // unrolled
      for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
        let channels = 2u * ((lane % LANES + chunk * LANES) * KEY_VECTORS + v);
        angles[2u * (chunk * KEY_VECTORS + v)] = place_angles(lane / LANES, channels);
        angles[2u * (chunk * KEY_VECTORS + v) + 1u] = place_angles(lane / LANES, channels + 1u);
      }
    }
  }
  return angles;
}

// Leaves each lane's sums of its channels in \`products\`, of all pairs and the sweep's tokens.
fn multiply(lane: u32, turn: u32, angles: Angles) {
  let unit = lane / LANES;
  var scores = array<f32, PAIRS * KEYS>();
  var places: array<u32, KEYS>;
  for (var t = 0u; t < KEYS; t++) { // unrolled
    places[t] = key_first(slot_of(turn, unit + t * UNITS));
  }
  for (var chunk = 0u; chunk < CHUNKS; chunk++) { // unrolled
    let c = lane % LANES + chunk * LANES;
    var lows: array<StoredKeys, KEYS>;
    var highs: array<StoredKeys, KEYS>;
    for (var t = 0u; t < KEYS; t++) { // unrolled
      lows[t] = key_pages[places[t] + c];
      highs[t] = key_pages[places[t] + c + HALF];
    }
    for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
      let c4 = c * KEY_VECTORS + v;
      var low: array<vec4<f32>, KEYS>;
      var high: array<vec4<f32>, KEYS>;
      for (var t = 0u; t < KEYS; t++) { // unrolled
        low[t] = key_part(lows[t], v);
        high[t] = key_part(highs[t], v);
        if (RELATIVE == 1u) {
          let a = angles[2u * (chunk * KEY_VECTORS + v)];
          let b = angles[2u * (chunk * KEY_VECTORS + v) + 1u];
          let first_low = low[t];
          low[t] = turn_low(first_low, high[t], a, b);
          high[t] = turn_high(first_low, high[t], a, b);
        }
        // Places further on are turned by as much more, which all units read from one place.
        if (RELATIVE == 1u && t > 0u) {
          let a = place_angles(t * UNITS, 2u * c4);
          let b = place_angles(t * UNITS, 2u * c4 + 1u);
          let first_low = low[t];
          low[t] = turn_low(first_low, high[t], a, b);
          high[t] = turn_high(first_low, high[t], a, b);
        }
        if (RELATIVE == 0u) {
          let first = positions[turn][min(unit + t * UNITS, POSITIONS - 1u)] * D4 + 2u * c4;
          let first_low = low[t];
          low[t] = turn_low(first_low, high[t], rotation[first], rotation[first + 1u]);
          high[t] = turn_high(first_low, high[t], rotation[first], rotation[first + 1u]);
        }
      }
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        let query_low = rotated[pair][c4];
        let query_high = rotated[pair][c4 + D8];
        for (var t = 0u; t < KEYS; t++) { // unrolled
          scores[t * PAIRS + pair] = add_products(query_low, low[t], add_products(query_high, high[t], scores[t * PAIRS + pair]));
        }
      }
    }
  }
  for (var t = 0u; t < KEYS; t++) { // unrolled
    for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
      products[(t * PAIRS + pair) * LANES * ROW + lane % LANES * ROW + unit] = scores[t * PAIRS + pair];
    }
  }
}

// A pair's score of a token: its lanes' sums, times the key's scale.
fn product(pair: u32, token: u32) -> f32 {
  let first = (token / UNITS * PAIRS + pair) * LANES * ROW + token % UNITS;
  var sum = 0.0;
  for (var other = 0u; other < LANES; other++) { // unrolled
    sum += products[first + other * ROW];
  }
  if (SCALED == 1u) {
    sum *= factors[min(token, FACTORS - 1u)].x;
  }
  return sum;
}
`,
  stores_keys_float: `// Stores four channels of a key as KeyElement, f32 or f16; \`key_pages\` is the kernel's: [slab_pages, heads, page_tokens, D4] vectors.

alias StoredKey = vec4<KeyElement>;

fn store_key(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  key_pages[slot * D4 + c4] = vec4<KeyElement>(four);
}
`,
  stores_keys_int8: `// Stores four channels of a key as int8, laid out as parts/keys_int8.wgsl reads them; \`key_pages\` and \`keys\` are the kernel's, and \`first\`
// is where the head's channels start in \`keys\`. Uses parts/int8_bytes.wgsl.

alias StoredKey = u32;

fn store_key(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  var most = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    most = max(most, abs(keys[first + c]));
  }
  let scale = int8_scale(most);
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  let token = slot % params.page_tokens;
  key_pages[page + token * D4 + c4] = int8_bytes(four, scale);
  if (c4 == 0u) {
    key_pages[page + params.page_tokens * D4 + token] = bitcast<u32>(scale);
  }
}
`,
  stores_values_float: `// Stores four channels of a value as ValueElement, f32 or f16; \`value_pages\` is the kernel's: [slab_pages, heads, page_tokens, D4] vectors.

alias StoredValue = vec4<ValueElement>;

fn store_value(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  value_pages[slot * D4 + c4] = vec4<ValueElement>(four);
}
`,
  stores_values_int8: `// Stores four channels of a value as int8, laid out as parts/values_int8.wgsl reads them; \`value_pages\` and \`values\` are the kernel's, and \`first\`
// is where the head's channels start in \`values\`. Uses parts/int8_bytes.wgsl.

alias StoredValue = u32;

fn store_value(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  var most = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    most = max(most, abs(values[first + c]));
  }
  let scale = int8_scale(most);
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  let token = slot % params.page_tokens;
  value_pages[page + token * D4 + c4] = int8_bytes(four, scale);
  if (c4 == 0u) {
    value_pages[page + params.page_tokens * D4 + token] = bitcast<u32>(scale);
  }
}
`,
  values_float: `// Values of a slab stored as ValueElement, f32 or f16: [slab_pages, heads, page_tokens, D4] vectors of four channels. A slot counts
// tokens, then heads, then pages. \`value_pages\` is the kernel's.

alias StoredValues = vec4<ValueElement>;

// Vectors of four channels that are stored together.
const VALUE_VECTORS = 1u;

// Where a slot's vectors start.
fn value_first(slot: u32) -> u32 {
  return slot * D4;
}

// What all channels of a slot are multiplied with.
fn value_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels, before the scale: as stored, and read.
fn value_loaded(stored: StoredValues) -> vec4<f32> {
  return vec4<f32>(stored);
}

// Four channels of those stored together: all of them.
fn value_part(stored: StoredValues, vector: u32) -> vec4<f32> {
  return value_loaded(stored);
}

fn value_vector(place: u32) -> vec4<f32> {
  return value_loaded(value_pages[place]);
}

// One channel, scaled.
fn value_channel(slot: u32, c: u32) -> f32 {
  return f32(value_pages[slot * D4 + c / 4u][c % 4u]);
}
`,
  values_int8: `// Values of a slab stored as int8 with a scale for each token and head. For each page and head: page_tokens * D4 words of four
// channels, the first in the lowest byte; then page_tokens scales, as the bits of f32. \`value_pages\` is the kernel's.

alias StoredValues = u32;

// Vectors of four channels that are stored together.
const VALUE_VECTORS = 1u;

// Where a slot's words start.
fn value_first(slot: u32) -> u32 {
  return slot / params.page_tokens * params.page_tokens * (D4 + 1u) + slot % params.page_tokens * D4;
}

// What all channels of a slot are multiplied with.
fn value_scale(slot: u32) -> f32 {
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  return bitcast<f32>(value_pages[page + params.page_tokens * D4 + slot % params.page_tokens]);
}

// Four channels, before the scale, whole numbers from -127 to 127: as stored, and read.
fn value_loaded(stored: StoredValues) -> vec4<f32> {
  let word = bitcast<i32>(stored);
  return vec4<f32>(vec4(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u));
}

// Four channels of those stored together: all of them.
fn value_part(stored: StoredValues, vector: u32) -> vec4<f32> {
  return value_loaded(stored);
}

fn value_vector(place: u32) -> vec4<f32> {
  return value_loaded(value_pages[place]);
}

// One channel, scaled.
fn value_channel(slot: u32, c: u32) -> f32 {
  let word = bitcast<i32>(value_pages[value_first(slot) + c / 4u]);
  return f32((word << (24u - 8u * (c % 4u))) >> 24u) * value_scale(slot);
}
`,
  values_wide_f16: `// Values of a slab stored as f16, read eight channels at once: [slab_pages, heads, page_tokens, D8] vectors of eight channels. For heads
// whose halves are whole vectors. A slot counts tokens, then heads, then pages. \`value_pages\` is the kernel's.

alias StoredValues = vec4<u32>;

// Vectors of four channels that are stored together.
const VALUE_VECTORS = 2u;

// Where a slot's stored vectors start.
fn value_first(slot: u32) -> u32 {
  return slot * D8;
}

// What all channels of a slot are multiplied with.
fn value_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels of those stored together, before the scale.
fn value_part(stored: StoredValues, vector: u32) -> vec4<f32> {
  let words = select(stored.xy, stored.zw, vector == 1u);
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
`,
  values_wide_int8: `// Values of a slab stored as int8 with a scale for each token and head, read eight channels at once. For heads whose halves are whole
// vectors of eight, and pages of an even number of tokens: a page's words are even then. Layout as in values_int8.wgsl.

alias StoredValues = vec2<u32>;

// Vectors of four channels that are stored together.
const VALUE_VECTORS = 2u;

// Where a slot's stored vectors start.
fn value_first(slot: u32) -> u32 {
  return slot / PAGE * (PAGE / 2u) * (D4 + 1u) + slot % PAGE * D8;
}

// What all channels of a slot are multiplied with.
fn value_scale(slot: u32) -> f32 {
  let word = slot / PAGE * PAGE * (D4 + 1u) + PAGE * D4 + slot % PAGE;
  let words = value_pages[word / 2u];
  return bitcast<f32>(select(words.x, words.y, word % 2u == 1u));
}

// Four channels of those stored together, before the scale: whole numbers from -127 to 127.
fn value_part(stored: StoredValues, vector: u32) -> vec4<f32> {
  let word = bitcast<i32>(select(stored.x, stored.y, vector == 1u));
  return vec4<f32>(vec4(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u));
}
`,
};
