// Attention of few rows over listed tokens, straight from the cache's pages: each workgroup takes a block of tokens and leaves a
// part, which attention_combine.wgsl joins. For GPUs, in decoding: keys and values are read once, by all threads of the GPU.
//
// Shapes:   queries [batch, step_rows, query_heads, 8 * D8] f32, before rotation; key_pages, value_pages [slab_pages, heads,
//           page_tokens, 8 * D8] of vec4<KeyElement> and vec4<ValueElement>, one slab of the cache; table [batch,
//           table_stride]; indices u32 [batch, selections, indices_stride]; counts u32 [batch, selections]; rotation (cos,
//           sin) two a vec4 [positions, 2 * D8]; parts vec4 [batch, heads, PAIRS, splits, 2 * D8 + 1]: sums of values, then
//           their largest score and weight
// Dispatch: one workgroup of 128 threads per sequence, KV head and block of 128 listed tokens, blocks fastest; linear groups; one
//           call per slab, whose parts start at first_split
// Source:   softmax(q k / sqrt(d)) v (ALGORITHM section 6), split over tokens as in Flash-Decoding (Dao et al. 2023); rotation
//           by compact positions (places in the list) or original ones

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
  first_split: u32,
  splits: u32,
  scale: f32,
}

const LOWEST = -3.0e38f;
const BLOCK = 128u;
const D4 = 2u * D8;
const NOWHERE = 0xffffffffu;
// Scores: D8 threads share a token, each with channels c and c + D8 of a rotation's pairs.
const TOKENS = BLOCK / D8;
const ROUND_TOKENS = TOKENS * STEPS;
// Largest scores and weights of a pair are found in two levels.
const RUNS = 16u;
// Values: D4 threads share a token, and take AHEAD tokens at a time.
const SLICES = BLOCK / D4;
const AHEAD = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<vec4<KeyElement>>;
@group(0) @binding(3) var<storage, read> value_pages: array<vec4<ValueElement>>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> indices: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> parts: array<vec4<f32>>;

var<workgroup> rotated: array<vec4<f32>, PAIRS * D4>;
var<workgroup> weights: array<f32, PAIRS * BLOCK>;
var<workgroup> places: array<u32, BLOCK>;
var<workgroup> shares: array<f32, PAIRS * ROUND_TOKENS * D8>;
var<workgroup> highest_of_runs: array<f32, PAIRS * RUNS>;
var<workgroup> weight_of_runs: array<f32, PAIRS * RUNS>;
var<workgroup> sums: array<vec4<f32>, PAIRS_AT_ONCE * BLOCK>;

// Half-split pairs (x[c], x[c + d/2]) of four channels, turned.
fn turn_low(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return low * vec4(a.x, a.z, b.x, b.z) - high * vec4(a.y, a.w, b.y, b.w);
}

fn turn_high(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return high * vec4(a.x, a.z, b.x, b.z) + low * vec4(a.y, a.w, b.y, b.w);
}

@compute @workgroup_size(BLOCK)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let block = group % params.blocks;
  let head = (group / params.blocks) % params.heads;
  let sequence = group / (params.blocks * params.heads);
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  let count = counts[selection];

  // Compact positions are counted from the block's first token: what a score depends on is how far apart two tokens are, and angles
  // of a block's few positions stay in the cache.
  let base = select(block * BLOCK, 0u, params.original == 1u);
  for (var item = lane; item < PAIRS * D8; item += BLOCK) {
    let pair = min(item / D8, pairs - 1u);
    let c = item % D8;
    let row = pair / share;
    let place = count - params.step_rows + row;
    let token = indices[selection * params.indices_stride + place];
    // A row before the block sees none of its tokens, whatever its position.
    let position = select(place - min(place, base), token, params.original == 1u);
    let first = ((sequence * params.step_rows + row) * params.query_heads + head * share + pair % share) * D4;
    let low = queries[first + c] * params.scale;
    let high = queries[first + c + D8] * params.scale;
    let a = rotation[(position * D8 + c) * 2u];
    let b = rotation[(position * D8 + c) * 2u + 1u];
    rotated[item / D8 * D4 + c] = turn_low(low, high, a, b);
    rotated[item / D8 * D4 + c + D8] = turn_high(low, high, a, b);
  }
  // One token a thread.
  let place = block * BLOCK + lane;
  var slot = NOWHERE;
  if (place < count) {
    let token = indices[selection * params.indices_stride + place];
    let page = table[sequence * params.table_stride + token / params.page_tokens];
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
    }
  }
  places[lane] = slot;
  workgroupBarrier();

  let c = lane % D8;
  for (var first = 0u; first < BLOCK; first += ROUND_TOKENS) {
    var lows: array<vec4<f32>, STEPS>;
    var highs: array<vec4<f32>, STEPS>;
    for (var step = 0u; step < STEPS; step++) { // unrolled
      // Tokens that are not here are read as the first one, and dropped below.
      let from_slot = places[min(first + step * TOKENS + lane / D8, BLOCK - 1u)];
      let key = select(from_slot, 0u, from_slot == NOWHERE) * D4 + c;
      lows[step] = vec4<f32>(key_pages[key]);
      highs[step] = vec4<f32>(key_pages[key + D8]);
    }
    for (var step = 0u; step < STEPS; step++) { // unrolled
      let item = min(first + step * TOKENS + lane / D8, BLOCK - 1u);
      var position = item;
      if (params.original == 1u) {
        position = indices[selection * params.indices_stride + min(block * BLOCK + item, count - 1u)];
      }
      let a = rotation[(position * D8 + c) * 2u];
      let b = rotation[(position * D8 + c) * 2u + 1u];
      let low = turn_low(lows[step], highs[step], a, b);
      highs[step] = turn_high(lows[step], highs[step], a, b);
      lows[step] = low;
    }
    if (lane < TOKENS * D8) {
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        let low = rotated[pair * D4 + c];
        let high = rotated[pair * D4 + c + D8];
        for (var step = 0u; step < STEPS; step++) { // unrolled
          shares[(pair * STEPS + step) * TOKENS * D8 + lane] = dot(low, lows[step]) + dot(high, highs[step]);
        }
      }
    }
    workgroupBarrier();
    for (var item = lane; item < PAIRS * ROUND_TOKENS; item += BLOCK) {
      let token = first + item % ROUND_TOKENS;
      let pair = item / ROUND_TOKENS;
      if (token < BLOCK) {
        var score = 0.0;
        for (var i = 0u; i < D8; i++) { // unrolled
          score += shares[item * D8 + i];
        }
        // Row i of the step sees the tokens up to its own.
        let seen = places[token] != NOWHERE &&
          block * BLOCK + token + params.step_rows <= count + min(pair, pairs - 1u) / share;
        weights[pair * BLOCK + token] = select(LOWEST, score, seen);
      }
    }
    workgroupBarrier();
  }

  for (var item = lane; item < PAIRS * RUNS; item += BLOCK) {
    var highest = LOWEST;
    for (var i = 0u; i < 8u; i++) { // unrolled
      highest = max(highest, weights[item / RUNS * BLOCK + item % RUNS + i * RUNS]);
    }
    highest_of_runs[item] = highest;
  }
  workgroupBarrier();
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    var most = LOWEST;
    for (var i = 0u; i < RUNS; i++) {
      most = max(most, highest_of_runs[pair * RUNS + i]);
    }
    let score = weights[pair * BLOCK + lane];
    weights[pair * BLOCK + lane] = select(exp(score - most), 0.0, score == LOWEST);
  }
  workgroupBarrier();
  for (var item = lane; item < PAIRS * RUNS; item += BLOCK) {
    var weight = 0.0;
    for (var i = 0u; i < 8u; i++) { // unrolled
      weight += weights[item / RUNS * BLOCK + item % RUNS + i * RUNS];
    }
    weight_of_runs[item] = weight;
  }
  workgroupBarrier();
  let split = params.first_split + block;
  if (lane < pairs) {
    var most = LOWEST;
    var weight = 0.0;
    for (var i = 0u; i < RUNS; i++) {
      most = max(most, highest_of_runs[lane * RUNS + i]);
      weight += weight_of_runs[lane * RUNS + i];
    }
    let part = (((sequence * params.heads + head) * pairs + lane) * params.splits + split) * (D4 + 1u);
    parts[part + D4] = vec4(most, weight, 0.0, 0.0);
  }

  // Values: neighbours read neighbouring channels; slices of the block are added at the end.
  let channel = lane % D4;
  let slice = lane / D4;
  var totals: array<vec4<f32>, PAIRS>;
  if (slice < SLICES) {
    for (var first = slice; first < BLOCK; first += AHEAD * SLICES) {
      var held: array<vec4<f32>, AHEAD>;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let from_slot = places[min(first + i * SLICES, BLOCK - 1u)];
        let value = vec4<f32>(value_pages[select(from_slot, 0u, from_slot == NOWHERE) * D4 + channel]);
        held[i] = select(value, vec4<f32>(), from_slot == NOWHERE || first + i * SLICES >= BLOCK);
      }
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
          let weight = weights[pair * BLOCK + min(first + i * SLICES, BLOCK - 1u)];
          totals[pair] = fma(vec4<f32>(weight), held[i], totals[pair]);
        }
      }
    }
  }
  for (var turn = 0u; turn < TURNS; turn++) { // unrolled
    workgroupBarrier();
    for (var i = 0u; i < PAIRS_AT_ONCE; i++) { // unrolled
      sums[i * BLOCK + lane] = totals[min(turn * PAIRS_AT_ONCE + i, PAIRS - 1u)];
    }
    workgroupBarrier();
    for (var item = lane; item < PAIRS_AT_ONCE * D4; item += BLOCK) {
      let pair = turn * PAIRS_AT_ONCE + item / D4;
      if (pair < pairs) {
        var total = sums[item / D4 * BLOCK + item % D4];
        for (var other = 1u; other < SLICES; other++) {
          total += sums[item / D4 * BLOCK + item % D4 + other * D4];
        }
        let part = (((sequence * params.heads + head) * pairs + pair) * params.splits + split) * (D4 + 1u);
        parts[part + item % D4] = total;
      }
    }
  }
}
