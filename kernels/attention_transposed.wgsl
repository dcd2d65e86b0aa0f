// Causal attention with grouped heads and an online softmax through workgroup memory: for GPUs, in prefill. Both sides lie
// transposed, for 4 * FOURS pairs (1 or 2 FOURS) by 8 keys a thread with few registers. Little memory a workgroup: an H100's
// processor has 48 KB for all.
//
// Shapes:   queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32 as vec4, addressed by strides (in
//           vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros; counts u32 [batch, selections]:
//           tokens from the first key on to the last row's own, of which the first `tokens` keys are here. SPLIT: output is what
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
