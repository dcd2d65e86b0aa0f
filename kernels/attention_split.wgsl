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
const SLICES = BLOCK / D4;
const NOWHERE = 0xffffffffu;

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
var<workgroup> scratch: array<f32, BLOCK>;
var<workgroup> sums: array<vec4<f32>, BLOCK>;

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
    let a = rotation[(position * D8 + c) * 2u];
    let b = rotation[(position * D8 + c) * 2u + 1u];
    rotated[item / D8 * D4 + c] = turn_low(low, high, a, b);
    rotated[item / D8 * D4 + c + D8] = turn_high(low, high, a, b);
  }

  // One token a thread.
  let place = block * BLOCK + lane;
  var slot = NOWHERE;
  var position = place;
  if (place < count) {
    let token = indices[selection * params.indices_stride + place];
    position = select(place, token, params.original == 1u);
    let page = table[sequence * params.table_stride + token / params.page_tokens];
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
    }
  }
  places[lane] = slot;
  workgroupBarrier();
  var scores: array<f32, PAIRS>;
  if (slot != NOWHERE) {
    for (var c = 0u; c < D8; c++) {
      let key_low = vec4<f32>(key_pages[slot * D4 + c]);
      let key_high = vec4<f32>(key_pages[slot * D4 + c + D8]);
      let a = rotation[(position * D8 + c) * 2u];
      let b = rotation[(position * D8 + c) * 2u + 1u];
      let low = turn_low(key_low, key_high, a, b);
      let high = turn_high(key_low, key_high, a, b);
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        scores[pair] += dot(rotated[pair * D4 + c], low) + dot(rotated[pair * D4 + c + D8], high);
      }
    }
  }
  let split = params.first_split + block;
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    // Row i of the step sees the tokens up to its own.
    let seen = slot != NOWHERE && place + params.step_rows <= count + min(pair, pairs - 1u) / share;
    let score = select(LOWEST, scores[pair], seen);
    workgroupBarrier();
    scratch[lane] = score;
    for (var half = BLOCK / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        scratch[lane] = max(scratch[lane], scratch[lane + half]);
      }
    }
    workgroupBarrier();
    let most = scratch[0];
    let weight = select(0.0, exp(score - most), seen);
    weights[pair * BLOCK + lane] = weight;
    workgroupBarrier();
    scratch[lane] = weight;
    for (var half = BLOCK / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        scratch[lane] += scratch[lane + half];
      }
    }
    workgroupBarrier();
    if (lane == 0u && pair < pairs) {
      let part = (((sequence * params.heads + head) * pairs + pair) * params.splits + split) * (D4 + 1u);
      parts[part + D4] = vec4(most, scratch[0], 0.0, 0.0);
    }
  }
  workgroupBarrier();

  // Values: neighbours read neighbouring channels; slices of the block are added at the end.
  let channel = lane % D4;
  let slice = lane / D4;
  var totals: array<vec4<f32>, PAIRS>;
  if (slice < SLICES) {
    for (var token = slice; token < BLOCK; token += SLICES) {
      let from_slot = places[token];
      if (from_slot != NOWHERE) {
        let value = vec4<f32>(value_pages[from_slot * D4 + channel]);
        for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
          totals[pair] = fma(vec4<f32>(weights[pair * BLOCK + token]), value, totals[pair]);
        }
      }
    }
  }
  for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
    workgroupBarrier();
    sums[lane] = totals[pair];
    workgroupBarrier();
    if (lane < D4 && pair < pairs) {
      var total = sums[lane];
      for (var other = 1u; other < SLICES; other++) {
        total += sums[lane + other * D4];
      }
      let part = (((sequence * params.heads + head) * pairs + pair) * params.splits + split) * (D4 + 1u);
      parts[part + lane] = total;
    }
  }
}
