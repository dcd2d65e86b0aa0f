// Attention of few rows over listed tokens, straight from the cache's pages: each workgroup takes a block of tokens and leaves a
// part, which attention_combine.wgsl joins. For GPUs, in decoding: keys and values are read once, by all threads of the GPU.
//
// Shapes:   queries [batch, step_rows, query_heads, 8 * D8] f32, before rotation (TURNED 1: after it); key_pages, value_pages
//           [slab_pages, heads, page_tokens, 8 * D8], stored as parts/keys_*.wgsl and values_*.wgsl say (SCALED is 1 where values have
//           scales), one slab of the cache; table [batch, table_stride]; indices u32 [batch, selections, indices_stride]; counts u32
//           [batch, selections]; rotation (cos, sin) two a vec4 [positions, 2 * D8], from first_position on; parts vec4 [batch, heads,
//           PAIRS, splits, 2 * D8 + 1]: sums of values, then their largest score and weight
// Dispatch: one workgroup of 128 threads per sequence, KV head and block of 128 listed tokens, heads fastest: those of a block read the
//           same angles; linear groups; one call per slab, or per slab and window of the list: `blocks` blocks from first_block on,
//           whose parts start at first_split. LANES threads share a key, a power of two that divides D8, CHUNKS = D8 / LANES; AHEAD
//           keys, a divisor of LANES, are loaded at once; SHARE threads, a power of two of at most 128 / PAIRS, join a pair's weights
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
  first_block: u32,
  first_position: u32,
  first_split: u32,
  splits: u32,
  scale: f32,
}

const LOWEST = -3.0e38f;
const BLOCK = 128u;
const D4 = 2u * D8;
// Threads that read values side by side, and as many tokens apart.
const SLICES = BLOCK / D4;
const NOWHERE = 0xffffffffu;
// Threads that share a key, each with every so many of its channels; units of them take the block's tokens in turns.
const UNITS = BLOCK / LANES;
// One more than lanes keeps threads that read neighbouring tokens' sums on different banks.
const STRIDE = select(LANES + 1u, 1u, LANES == 1u);
// Values that a thread loads before it adds the first.
const VALUES = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> indices: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> parts: array<vec4<f32>>;

var<workgroup> rotated: array<vec4<f32>, PAIRS * D4>;
// Of each pair and token: the lanes' sums; then, at the first place, its score, and then its weight. At the end: the slices' sums of
// a pair's values. One for all, so that workgroup memory stays small.
var<workgroup> products: array<f32, max(PAIRS * BLOCK * STRIDE, 4u * BLOCK)>;
var<workgroup> slots: array<u32, BLOCK>;
var<workgroup> positions: array<u32, BLOCK>;
var<workgroup> scratch: array<f32, PAIRS * SHARE>;

// Half-split pairs (x[c], x[c + d/2]) of four channels, turned.
fn turn_low(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return low * vec4(a.x, a.z, b.x, b.z) - high * vec4(a.y, a.w, b.y, b.w);
}

fn turn_high(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return high * vec4(a.x, a.z, b.x, b.z) + low * vec4(a.y, a.w, b.y, b.w);
}

// Where a token's key and value lie; tokens of other slabs are read as the slab's first, and dropped.
fn slot_of(token: u32) -> u32 {
  return select(slots[token], 0u, slots[token] == NOWHERE);
}

// Leaves each lane's sums of its channels in `products`, of all pairs and tokens.
fn multiply(lane: u32) {
  let slice = lane % LANES;
  let unit = lane / LANES;
  for (var first = 0u; first < LANES; first += AHEAD) {
    // Said, since a loop turn would else find what the one before left.
    var scores = array<f32, PAIRS * AHEAD>();
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let c = slice + chunk * LANES;
      var lows: array<StoredKeys, AHEAD>;
      var highs: array<StoredKeys, AHEAD>;
      var turns: array<vec4<f32>, 2u * AHEAD>;
      for (var t = 0u; t < AHEAD; t++) { // unrolled
        let token = unit + (first + t) * UNITS;
        let key = key_first(slot_of(token)) + c;
        lows[t] = key_pages[key];
        highs[t] = key_pages[key + D8];
        turns[2u * t] = rotation[(positions[token] * D8 + c) * 2u];
        turns[2u * t + 1u] = rotation[(positions[token] * D8 + c) * 2u + 1u];
      }
      for (var t = 0u; t < AHEAD; t++) { // unrolled
        let low = turn_low(key_loaded(lows[t]), key_loaded(highs[t]), turns[2u * t], turns[2u * t + 1u]);
        let high = turn_high(key_loaded(lows[t]), key_loaded(highs[t]), turns[2u * t], turns[2u * t + 1u]);
        for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
          scores[t * PAIRS + pair] += dot(rotated[pair * D4 + c], low) + dot(rotated[pair * D4 + c + D8], high);
        }
      }
    }
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        products[(pair * BLOCK + unit + (first + t) * UNITS) * STRIDE + slice] = scores[t * PAIRS + pair];
      }
    }
  }
}

// The largest of each pair's numbers at the first places of `products`, or their sum; left in `scratch`.
fn reduce(lane: u32, add: bool) {
  let slice = lane % SHARE;
  let pair = lane / SHARE;
  workgroupBarrier();
  if (pair < PAIRS) {
    var result = products[(pair * BLOCK + slice) * STRIDE];
    for (var token = slice + SHARE; token < BLOCK; token += SHARE) {
      let other = products[(pair * BLOCK + token) * STRIDE];
      result = select(max(result, other), result + other, add);
    }
    scratch[lane] = result;
  }
  for (var half = SHARE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (pair < PAIRS && slice < half) {
      let other = scratch[lane + half];
      scratch[lane] = select(max(scratch[lane], other), scratch[lane] + other, add);
    }
  }
  workgroupBarrier();
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
  let head = group % params.heads;
  let block = (group / params.heads) % params.blocks;
  let sequence = group / (params.blocks * params.heads);
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  let count = counts[selection];

  // Queries, turned by the positions of the newest tokens: the last ones of the list.
  for (var item = lane; item < PAIRS * D8; item += BLOCK) {
    let pair = min(item / D8, pairs - 1u);
    let c = item % D8;
    let row = pair / share;
    let place = count - params.step_rows + row;
    let position = select(place, indices[selection * params.indices_stride + place], params.original == 1u);
    let first = ((sequence * params.step_rows + row) * params.query_heads + head * share + pair % share) * D4;
    let low = queries[first + c] * params.scale;
    let high = queries[first + c + D8] * params.scale;
    var a = vec4<f32>(1.0, 0.0, 1.0, 0.0);
    var b = a;
    if (TURNED == 0u) {
      a = rotation[(position * D8 + c) * 2u];
      b = rotation[(position * D8 + c) * 2u + 1u];
    }
    rotated[item / D8 * D4 + c] = turn_low(low, high, a, b);
    rotated[item / D8 * D4 + c + D8] = turn_high(low, high, a, b);
  }

  let place = (params.first_block + block) * BLOCK + lane;
  slots[lane] = NOWHERE;
  positions[lane] = 0u;
  if (place < count) {
    let token = indices[selection * params.indices_stride + place];
    let page = table[sequence * params.table_stride + token / params.page_tokens];
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      slots[lane] = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
      positions[lane] = select(place, token, params.original == 1u) - params.first_position;
    }
  }
  let here = slots[lane] != NOWHERE;
  workgroupBarrier();
  multiply(lane);
  workgroupBarrier();
  // One token a thread.
  let scale = key_scale(slot_of(lane));
  var scores: array<f32, PAIRS>;
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    let first = (pair * BLOCK + lane) * STRIDE;
    var sum = 0.0;
    for (var other = 0u; other < LANES; other++) { // unrolled
      sum += products[first + other];
    }
    // Row i of the step sees the tokens up to its own.
    let seen = here && place + params.step_rows <= count + min(pair, pairs - 1u) / share;
    scores[pair] = select(LOWEST, sum * scale, seen);
    products[first] = scores[pair];
  }
  reduce(lane, false);
  var most: array<f32, PAIRS>;
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    most[pair] = scratch[pair * SHARE];
    products[(pair * BLOCK + lane) * STRIDE] = select(exp(scores[pair] - most[pair]), 0.0, scores[pair] == LOWEST);
  }
  reduce(lane, true);
  let split = params.first_split + block;
  let first_part = ((sequence * params.heads + head) * pairs * params.splits + split) * (D4 + 1u);
  let part_stride = params.splits * (D4 + 1u);
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    if (lane == 0u && pair < pairs) {
      parts[first_part + pair * part_stride + D4] = vec4(most[pair], scratch[pair * SHARE], 0.0, 0.0);
    }
  }

  if (SCALED == 1u) {
    let value_factor = select(0.0, value_scale(slot_of(lane)), here);
    for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
      products[(pair * BLOCK + lane) * STRIDE] *= value_factor;
    }
    workgroupBarrier();
  }
  // Values: neighbours read neighbouring channels; slices of the block are added at the end.
  let channel = lane % D4;
  let slice = lane / D4;
  var totals: array<vec4<f32>, PAIRS>;
  if (slice < SLICES) {
    for (var first = slice; first < BLOCK; first += VALUES * SLICES) {
      var loaded: array<StoredValues, VALUES>;
      for (var t = 0u; t < VALUES; t++) { // unrolled
        loaded[t] = value_pages[value_first(slot_of(min(first + t * SLICES, BLOCK - 1u))) + channel];
      }
      for (var t = 0u; t < VALUES; t++) { // unrolled
        let token = min(first + t * SLICES, BLOCK - 1u);
        // What lies at a slab's first place need not be a number.
        let counts_here = first + t * SLICES < BLOCK && slots[token] != NOWHERE;
        let value = select(vec4<f32>(), value_loaded(loaded[t]), counts_here);
        for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
          totals[pair] = fma(vec4<f32>(products[(pair * BLOCK + token) * STRIDE]), value, totals[pair]);
        }
      }
    }
  }
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) { // unrolled
      products[i * BLOCK + lane] = totals[pair][i];
    }
    workgroupBarrier();
    if (lane < D4 && pair < pairs) {
      var total = totals[pair];
      for (var other = lane + D4; other < SLICES * D4; other += D4) {
        total += vec4(products[other], products[BLOCK + other], products[2u * BLOCK + other], products[3u * BLOCK + other]);
      }
      parts[first_part + pair * part_stride + lane] = total;
    }
  }
}
