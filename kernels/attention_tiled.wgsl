// Causal attention with grouped heads and an online softmax through workgroup memory: for GPUs, in prefill.
//
// Shapes:   as in causal_attention.wgsl: queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32 as
//           vec4, addressed by strides (in vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros;
//           counts u32 [batch, selections]: tokens from the first key on to the last row's own, of which the first `tokens` keys
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
