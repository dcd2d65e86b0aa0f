// One key for each chunk and query head: the chunk's mean feature attends to the chunk's keys, and what it gathers of them is
// the chunk's key.
//
// Shapes:   features f32 [query_heads, tokens, 2 * HALF]; keys f32 [batch, heads, bound, padded], gathered and not turned, one
//           sequence's; angles vec2 (cos, sin) [positions, HALF]; chunk_keys f32 [.., query_heads, 2 * HALF], written from chunk
//           `first_chunk` on
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
