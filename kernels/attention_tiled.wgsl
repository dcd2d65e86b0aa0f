// Causal attention with grouped heads and an online softmax through workgroup memory: for GPUs, in prefill.
//
// Shapes:   as in causal_attention.wgsl: queries, output [batch, step_rows, query_heads, head_size] f32; keys, values f32 as
//           vec4, addressed by strides (in vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros;
//           counts u32 [batch, selections]
// Dispatch: one workgroup of 16 x XS threads per 64 pairs (row, query head of a KV head's group); linear groups, batch * heads
//           outermost, late rows first. A thread scores 4 pairs by 4 keys of a tile of 4 * XS, and sums 4 pairs by
//           4 * OUTPUTS channels.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), tiled as in FlashAttention (Dao et al. 2022).
//           CHUNKS turns of 32 channels are staged for scores; values are staged half a tile a turn.

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
}

const LOWEST = -3.0e38f;
const PAIRS = 64u;
const KEYS = 4u * XS;
const THREADS = 16u * XS;
const CHANNELS = 32u;
// One more than is used: neighbours then lie in other banks.
const STRIDE = 17u;
const KEY_STRIDE = XS + 1u;
const STAGED_KEYS = CHANNELS * STRIDE;
const STAGED = max(STAGED_KEYS + CHANNELS * KEY_STRIDE, HALF * D4);

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

// Queries and keys with channels slowest, then values with tokens slowest.
var<workgroup> staged: array<vec4<f32>, STAGED>;
// Weights of a tile with keys slowest: key 4 x + c lies in row XS * c + x.
var<workgroup> weights: array<vec4<f32>, KEYS * STRIDE>;
var<workgroup> rows_of_threads: array<f32, PAIRS * KEY_STRIDE>;
var<workgroup> attended: u32;

fn query_first(pair: u32, share: u32, head: u32, sequence: u32) -> u32 {
  let row = sequence * params.step_rows + pair / share;
  return (row * params.query_heads + head * share + pair % share) * params.head_size;
}

fn load_query(first: u32, c4: u32) -> vec4<f32> {
  var value = vec4<f32>();
  for (var c = 0u; c < 4u; c++) { // unrolled
    if (4u * c4 + c < params.head_size) {
      value[c] = queries[first + 4u * c4 + c] * params.scale;
    }
  }
  return value;
}

// Four channels of a query or key, with channels slowest.
fn stage(place: u32, stride: u32, member: u32, value: vec4<f32>) {
  staged[place][member] = value.x;
  staged[place + stride][member] = value.y;
  staged[place + 2u * stride][member] = value.z;
  staged[place + 3u * stride][member] = value.w;
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
    attended = counts[(params.first_sequence + sequence) * params.selections + select(head, 0u, params.selections == 1u)];
  }
  let count = workgroupUniformLoad(&attended);

  // Pair p sees the keys from begin to end of its row.
  let before = count - params.step_rows;
  let rows = vec4<u32>(
    min(first_pair + 4u * y, pairs - 1u),
    min(first_pair + 4u * y + 1u, pairs - 1u),
    min(first_pair + 4u * y + 2u, pairs - 1u),
    min(first_pair + 4u * y + 3u, pairs - 1u),
  ) / share;
  let ends = rows + before + 1u;
  let begins = select(vec4<u32>(), ends - min(ends, vec4(params.slide)), vec4(params.slide > 0u));
  let last = before + min(first_pair + PAIRS - 1u, pairs - 1u) / share + 1u;
  let first_end = before + first_pair / share + 1u;
  let first = select(0u, (first_end - min(first_end, params.slide)) / KEYS * KEYS, params.slide > 0u);

  var most = vec4<f32>(LOWEST);
  var weight = vec4<f32>();
  var sums: array<vec4<f32>, 4u * OUTPUTS>;
  for (var tile = first; tile < last; tile += KEYS) {
    var scores = array<vec4<f32>, 4>();
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      workgroupBarrier();
      for (var load = 0u; load < QUERY_LOADS; load++) { // unrolled
        let member = (lane + load * THREADS) / 8u;
        let c4 = (lane + load * THREADS) % 8u;
        var query = vec4<f32>();
        if (chunk * 8u + c4 < D4) {
          let place = query_first(min(first_pair + member, pairs - 1u), share, head, sequence);
          query = load_query(place, chunk * 8u + c4);
        }
        stage(4u * c4 * STRIDE + member / 4u, STRIDE, member % 4u, query);
      }
      for (var load = 0u; load < 2u; load++) { // unrolled
        let member = (lane + load * THREADS) / 8u;
        let c4 = (lane + load * THREADS) % 8u;
        var key = vec4<f32>();
        if (chunk * 8u + c4 < D4) {
          key = keys[base + min(tile + member, last - 1u) * params.token_stride + chunk * 8u + c4];
        }
        stage(STAGED_KEYS + 4u * c4 * KEY_STRIDE + member / 4u, KEY_STRIDE, member % 4u, key);
      }
      workgroupBarrier();
      for (var c = 0u; c < CHANNELS; c++) { // unrolled
        let query = staged[c * STRIDE + y];
        let key = staged[STAGED_KEYS + c * KEY_STRIDE + x];
        scores[0] = fma(vec4<f32>(query.x), key, scores[0]);
        scores[1] = fma(vec4<f32>(query.y), key, scores[1]);
        scores[2] = fma(vec4<f32>(query.z), key, scores[2]);
        scores[3] = fma(vec4<f32>(query.w), key, scores[3]);
      }
    }
    let tokens = tile + 4u * x + vec4<u32>(0u, 1u, 2u, 3u);
    for (var r = 0u; r < 4u; r++) { // unrolled
      let seen = (tokens < vec4(ends[r])) & (tokens >= vec4(begins[r]));
      scores[r] = select(vec4<f32>(LOWEST), scores[r], seen);
      let highest = max(max(scores[r].x, scores[r].y), max(scores[r].z, scores[r].w));
      rows_of_threads[(4u * y + r) * KEY_STRIDE + x] = highest;
    }
    workgroupBarrier();
    var next = most;
    for (var r = 0u; r < 4u; r++) { // unrolled
      for (var other = 0u; other < XS; other++) { // unrolled
        next[r] = max(next[r], rows_of_threads[(4u * y + r) * KEY_STRIDE + other]);
      }
    }
    let shrink = exp(most - next);
    most = next;
    weight = weight * shrink;
    for (var r = 0u; r < 4u; r++) { // unrolled
      let seen = (tokens < vec4(ends[r])) & (tokens >= vec4(begins[r]));
      scores[r] = select(vec4<f32>(), exp(scores[r] - vec4(next[r])), seen);
      weight[r] += (scores[r].x + scores[r].y) + (scores[r].z + scores[r].w);
      for (var j = 0u; j < OUTPUTS; j++) { // unrolled
        sums[r * OUTPUTS + j] *= shrink[r];
      }
    }
    for (var c = 0u; c < 4u; c++) { // unrolled
      weights[(XS * c + x) * STRIDE + y] = vec4(scores[0][c], scores[1][c], scores[2][c], scores[3][c]);
    }
    for (var half = 0u; half < 2u; half++) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS; load++) { // unrolled
        let item = lane + load * THREADS;
        if (item < HALF * D4) {
          let token = min(tile + half * HALF + item / D4, last - 1u);
          staged[item] = values[base + token * params.token_stride + item % D4];
        }
      }
      workgroupBarrier();
      for (var key = 0u; key < HALF; key++) { // unrolled
        let p = weights[(XS * (key % 4u) + half * (XS / 2u) + key / 4u) * STRIDE + y];
        for (var j = 0u; j < OUTPUTS; j++) { // unrolled
          let value = staged[key * D4 + min(x + XS * j, D4 - 1u)];
          sums[0u * OUTPUTS + j] = fma(vec4<f32>(p.x), value, sums[0u * OUTPUTS + j]);
          sums[1u * OUTPUTS + j] = fma(vec4<f32>(p.y), value, sums[1u * OUTPUTS + j]);
          sums[2u * OUTPUTS + j] = fma(vec4<f32>(p.z), value, sums[2u * OUTPUTS + j]);
          sums[3u * OUTPUTS + j] = fma(vec4<f32>(p.w), value, sums[3u * OUTPUTS + j]);
        }
      }
    }
  }

  workgroupBarrier();
  for (var r = 0u; r < 4u; r++) { // unrolled
    rows_of_threads[(4u * y + r) * KEY_STRIDE + x] = weight[r];
  }
  workgroupBarrier();
  for (var r = 0u; r < 4u; r++) { // unrolled
    var total = 0.0;
    for (var other = 0u; other < XS; other++) { // unrolled
      total += rows_of_threads[(4u * y + r) * KEY_STRIDE + other];
    }
    let pair = first_pair + 4u * y + r;
    if (pair < pairs) {
      let place = query_first(pair, share, head, sequence);
      for (var j = 0u; j < OUTPUTS; j++) { // unrolled
        let channel = 4u * (x + XS * j);
        for (var c = 0u; c < 4u; c++) { // unrolled
          if (channel + c < params.head_size) {
            output[place + channel + c] = sums[r * OUTPUTS + j][c] / total;
          }
        }
      }
    }
  }
}
