// The same as causal_attention.wgsl with keys and values that were copied to images: for software adapters.
//
// Shapes:   queries, output [batch, step_rows, query_heads, D4] of vec4<f32>; keys, values f32, addressed by strides (in texels) for
//           sequence, KV head and token, D4 texels each, padded with zeros, as images of WIDTH texels a row, a multiple of D4;
//           counts u32 [batch, selections], the tokens attended to, not read without selections; SPLIT: output is what
//           attention_combine.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and behind them the highest score and the
//           weights' sum; this call's parts are first_part to first_part + splits
// Dispatch: one thread per PAIRS pairs (row, query head of a KV head's group) and split of the keys, TOKENS of them at a time; pairs
//           fastest; linear groups, batch * heads outermost. Where slide is not 0, row i sees the last `slide` of its keys only.
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
