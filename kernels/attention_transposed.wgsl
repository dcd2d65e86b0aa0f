// Causal attention with grouped heads and an online softmax through workgroup memory, by tiles of 128 keys: for GPUs, in prefill. The
// same as attention_tiled.wgsl for heads of at most 128 channels, with larger tiles: both sides lie transposed, so that a thread
// multiplies 8 pairs by 8 keys with few registers.
//
// Shapes:   queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32 as vec4, addressed by strides (in
//           vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros; counts u32 [batch, selections]:
//           tokens from the first key on to the last row's own, of which the first `tokens` keys are here. SPLIT: output is what
//           attention_combine.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and behind them the highest score and
//           the weights' sum; this call's parts are first_part to first_part + splits
// Dispatch: one workgroup of SIDE_ROWS x 16 threads per 8 * SIDE_ROWS pairs (row, query head of a KV head's group) and split of the
//           keys; linear groups, batch * heads outermost, late rows first, splits innermost. A thread scores 8 pairs by 8 keys, and
//           sums 8 pairs by 4 * OUTPUTS channels, OUTPUTS = D4 / 16 rounded up.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), tiled as in FlashAttention (Dao et al. 2022). 16
//           channels are staged a turn for scores, TURNS turns; then 16 keys' weights and values a part. AHEAD 1 takes registers: it
//           is for heads of up to 64 channels.
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
const SIDE = 16u;
const THREADS = SIDE_ROWS * SIDE;
const PAIRS = 8u * SIDE_ROWS;
const TILE_KEYS = 128u;
const PARTS = 8u;
const LOADS_LEFT = 2u;
// Vectors of a key's values that are staged, some of them past its channels.
const VALUES4 = SIDE * OUTPUTS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;

// [channel of the turn][..][..]: pair 4 * place + i; then [key of the part][..][..]: pairs' weights.
var<workgroup> left: array<array<vec4<f32>, 2u * SIDE_ROWS + 1u>, 16>;
// [channel of the turn][..][..]: key 8 * (place % 16) + 4 * (place / 16) + i; then [pair / 8][4 * (pair % 8) + ..][..]: a pair's
// numbers of 16 threads; then [key of the part][..]: its values.
var<workgroup> right: array<array<vec4<f32>, 33>, 16>;
var<workgroup> attended: u32;

// What a thread stages: four channels of a query, none behind its last; where those of a key or value lie.
fn query_at(place: u32, channel4: u32) -> vec4<f32> {
  return select(vec4<f32>(), queries[place + min(channel4, D4 - 1u)], channel4 < D4);
}

fn place_of(base: u32, token: u32, channel4: u32) -> u32 {
  return base + token * params.token_stride + min(channel4, D4 - 1u);
}

// The highest, or the sum, of what 16 threads left of a pair.
fn highest_of(pair: u32) -> f32 {
  let at = pair % 8u * 4u;
  let four = max(max(right[pair / 8u][at], right[pair / 8u][at + 1u]), max(right[pair / 8u][at + 2u], right[pair / 8u][at + 3u]));
  return max(max(four.x, four.y), max(four.z, four.w));
}

fn total_of(pair: u32) -> f32 {
  let at = pair % 8u * 4u;
  let four = (right[pair / 8u][at] + right[pair / 8u][at + 1u]) + (right[pair / 8u][at + 2u] + right[pair / 8u][at + 3u]);
  return (four.x + four.y) + (four.z + four.w);
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
  let group = linear / params.splits;
  let split = linear % params.splits;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let first_pair = (tiles - 1u - group % tiles) * PAIRS;
  let head = (group / tiles) % params.heads;
  let sequence = group / (tiles * params.heads);
  let y = lane / SIDE;
  let x = lane % SIDE;
  let base = sequence * params.sequence_stride + head * params.head_stride;
  if (lane == 0u) {
    attended = counts[(params.first_sequence + sequence) * params.selections + select(head, 0u, params.selections == 1u)];
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

  var query_places: array<u32, LOADS_LEFT>;
  for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
    query_places[load] = query_first(min(first_pair + (lane + load * THREADS) / 4u, pairs - 1u), share, head, sequence);
  }
  let scale = params.scale * LOG2_E;
  var most: array<f32, 8>;
  var weight: array<f32, 8>;
  for (var r = 0u; r < 8u; r++) { // unrolled
    most[r] = LOWEST;
  }
  var sums: array<vec4<f32>, 8u * OUTPUTS>;
  // Of pair r: its scores of keys 0 to 3 and 4 to 7.
  var scores: array<vec4<f32>, 16>;
  var next_left: array<vec4<f32>, LOADS_LEFT>;
  var next_right: array<vec4<f32>, LOADS_RIGHT>;
  var next_value: array<vec4<f32>, LOADS_VALUES>;
  // With AHEAD 1 what comes next is loaded while this is multiplied.
  if (AHEAD == 1u) {
    for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
      next_left[load] = query_at(query_places[load], 4u * 0u + lane % 4u);
    }
    for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
      next_right[load] = keys[place_of(base, min(tile_begin + (lane + load * THREADS) / 4u, last - 1u), 4u * 0u + lane % 4u)];
    }
  }
  for (var tile = tile_begin; tile < tile_end; tile += TILE_KEYS) {
    for (var r = 0u; r < 8u; r++) { // unrolled
      scores[2u * r] = vec4<f32>();
      scores[2u * r + 1u] = vec4<f32>();
    }
    for (var turn = 0u; turn < TURNS; turn++) {
      if (AHEAD == 0u) {
        for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
          next_left[load] = query_at(query_places[load], 4u * turn + lane % 4u);
        }
        for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
          next_right[load] = keys[place_of(base, min(tile + (lane + load * THREADS) / 4u, last - 1u), 4u * turn + lane % 4u)];
        }
      }
      workgroupBarrier();
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        let row = (lane + load * THREADS) / 4u;
        let k = 4u * (lane % 4u);
        left[k + 0u][row / 4u][row % 4u] = next_left[load].x;
        left[k + 1u][row / 4u][row % 4u] = next_left[load].y;
        left[k + 2u][row / 4u][row % 4u] = next_left[load].z;
        left[k + 3u][row / 4u][row % 4u] = next_left[load].w;
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        let key = (lane + load * THREADS) / 4u;
        let place = key / 8u + key % 8u / 4u * SIDE;
        let k = 4u * (lane % 4u);
        right[k + 0u][place][key % 4u] = next_right[load].x;
        right[k + 1u][place][key % 4u] = next_right[load].y;
        right[k + 2u][place][key % 4u] = next_right[load].z;
        right[k + 3u][place][key % 4u] = next_right[load].w;
      }
      workgroupBarrier();
      if (AHEAD == 1u) {
        let next = min(turn + 1u, TURNS - 1u);
        for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
          next_left[load] = query_at(query_places[load], 4u * next + lane % 4u);
        }
        for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
          next_right[load] = keys[place_of(base, min(tile + (lane + load * THREADS) / 4u, last - 1u), 4u * next + lane % 4u)];
        }
      }
      for (var k = 0u; k < 16u; k++) { // unrolled
        let low = right[k][x];
        let high = right[k][x + SIDE];
        for (var i = 0u; i < 2u; i++) { // unrolled
          let a = left[k][y + i * SIDE_ROWS];
          for (var q = 0u; q < 4u; q++) { // unrolled
            scores[8u * i + 2u * q] = fma(vec4<f32>(a[q]), low, scores[8u * i + 2u * q]);
            scores[8u * i + 2u * q + 1u] = fma(vec4<f32>(a[q]), high, scores[8u * i + 2u * q + 1u]);
          }
        }
      }
    }
    if (AHEAD == 1u) {
      for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
        let item = lane + load * THREADS;
        next_value[load] = values[place_of(base, min(tile + 16u * 0u + item / VALUES4, last - 1u), item % VALUES4)];
      }
    }
    // Only tiles at an end hold keys that some row does not see.
    if (tile + TILE_KEYS > first_end || params.slide > 0u) {
      let low = vec4<u32>(tile + 8u * x) + vec4(0u, 1u, 2u, 3u);
      let high = low + vec4<u32>(4u);
      for (var r = 0u; r < 8u; r++) { // unrolled
        let pair = first_pair + 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
        let end = end_of(count, min(pair, pairs - 1u) / share);
        let begin = select(0u, end - min(end, params.slide), params.slide > 0u);
        scores[2u * r] = select(vec4<f32>(HIDDEN), scores[2u * r], (low < vec4(end)) & (low >= vec4(begin)));
        scores[2u * r + 1u] = select(vec4<f32>(HIDDEN), scores[2u * r + 1u], (high < vec4(end)) & (high >= vec4(begin)));
      }
    }
    workgroupBarrier();
    for (var r = 0u; r < 8u; r++) { // unrolled
      let pair = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
      let four = max(scores[2u * r], scores[2u * r + 1u]);
      right[pair / 8u][pair % 8u * 4u + x / 4u][x % 4u] = max(max(four.x, four.y), max(four.z, four.w));
    }
    workgroupBarrier();
    for (var r = 0u; r < 8u; r++) { // unrolled
      let next = max(most[r], highest_of(4u * (y + r / 4u * SIDE_ROWS) + r % 4u));
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
    for (var part = 0u; part < PARTS; part++) {
      if (AHEAD == 0u) {
        for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
          let item = lane + load * THREADS;
          next_value[load] = values[place_of(base, min(tile + 16u * part + item / VALUES4, last - 1u), item % VALUES4)];
        }
      }
      workgroupBarrier();
      for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
        let item = lane + load * THREADS;
        right[item / VALUES4][item % VALUES4] = next_value[load];
      }
      // Two threads of a row hold the part's keys.
      if (x / 2u == part) {
        for (var c = 0u; c < 8u; c++) { // unrolled
          for (var i = 0u; i < 2u; i++) { // unrolled
            let two = vec2(scores[8u * i + c / 4u][c % 4u], scores[8u * i + 2u + c / 4u][c % 4u]);
            let others = vec2(scores[8u * i + 4u + c / 4u][c % 4u], scores[8u * i + 6u + c / 4u][c % 4u]);
            left[8u * (x % 2u) + c][y + i * SIDE_ROWS] = vec4<f32>(two, others);
          }
        }
      }
      workgroupBarrier();
      if (AHEAD == 1u) {
        let next = min(part + 1u, PARTS - 1u);
        for (var load = 0u; load < LOADS_VALUES; load++) { // unrolled
          let item = lane + load * THREADS;
          next_value[load] = values[place_of(base, min(tile + 16u * next + item / VALUES4, last - 1u), item % VALUES4)];
        }
      }
      for (var k = 0u; k < 16u; k++) { // unrolled
        for (var i = 0u; i < 2u; i++) { // unrolled
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
    if (AHEAD == 1u) {
      let next_tile = min(tile + TILE_KEYS, last - 1u);
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        next_left[load] = query_at(query_places[load], 4u * 0u + lane % 4u);
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        next_right[load] = keys[place_of(base, min(next_tile + (lane + load * THREADS) / 4u, last - 1u), 4u * 0u + lane % 4u)];
      }
    }
  }

  workgroupBarrier();
  for (var r = 0u; r < 8u; r++) { // unrolled
    let pair = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
    right[pair / 8u][pair % 8u * 4u + x / 4u][x % 4u] = weight[r];
  }
  workgroupBarrier();
  for (var r = 0u; r < 8u; r++) { // unrolled
    let in_tile = 4u * (y + r / 4u * SIDE_ROWS) + r % 4u;
    let whole = total_of(in_tile);
    let pair = first_pair + in_tile;
    if (pair < pairs) {
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
