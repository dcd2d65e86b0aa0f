// Attention of each chunk's tokens to all tokens of their chunk, as if it stood alone at the start of a context.
//
// Shapes:   queries f32 [1, rows, query_heads, 2 * HALF], of which the first `tokens` rows are used; keys, values f32 [batch,
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
