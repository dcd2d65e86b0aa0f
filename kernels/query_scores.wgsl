// Scores of chosen queries with cached tokens, all of them written: what selection and attention look at, to be looked at.
//
// Shapes:   vectors f32 [.., head_size], queries among them, rotated where scores are; key_pages, value_pages [slab_pages,
//           heads, page_tokens, 4 * D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the cache, before rotation;
//           table [batch, table_stride]; about vec4<u32> [queries, 2]: row of the vectors, KV head, list of tokens (NONE:
//           tokens side by side), first token where they are; number of tokens, sequence, and two that are not read here;
//           indices u32 [lists, indices_stride]; rotation vec2 (cos, sin) [positions, head_size / 2];
//           scores f32 [queries, stride]
// Dispatch: one thread per query and token, tokens fastest; linear groups; one call per slab of the cache
// Source:   ALGORITHM sections 5 and 6: q . P with P the key, the key times its value's norm (1: L1, 2: L2) or the value;
//           rotated by the token's own position (rotate 1) or its place in the list (rotate 2). Unscaled. Sums without rotation
//           run in the order of score_top_k, so that equal keys get bitwise equal scores and ranks are the selection's.

struct Params {
  first_group: u32,
  group_count: u32,
  queries: u32,
  heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  head_size: u32,
  indices_stride: u32,
  stride: u32,
  take_values: u32,
  norm: u32,
  rotate: u32,
}

override WORKGROUP: u32 = 64u;

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> about: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> indices: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(8) var<storage, read_write> scores: array<f32>;

fn taken(slot: u32, c: u32) -> f32 {
  if (params.take_values == 1u) {
    return value_channel(slot, c);
  }
  return key_channel(slot, c);
}

fn weight(slot: u32) -> f32 {
  if (params.norm == 0u) {
    return 1.0;
  }
  var sum = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    let value = value_channel(slot, c);
    sum += select(abs(value), value * value, params.norm == 2u);
  }
  return select(sum, sqrt(sum), params.norm == 2u);
}

fn channel(query: u32, c: u32) -> f32 {
  if (c >= params.head_size) {
    return 0.0;
  }
  return vectors[query + c];
}

fn plain_score(query: u32, slot: u32, factor: f32) -> f32 {
  var sum = vec4<f32>();
  for (var c = 0u; c < 4u * D4; c += 4u) {
    let q = vec4<f32>(channel(query, c), channel(query, c + 1u), channel(query, c + 2u), channel(query, c + 3u));
    let p = vec4<f32>(taken(slot, c), taken(slot, c + 1u), taken(slot, c + 2u), taken(slot, c + 3u));
    sum = fma(q, p * factor, sum);
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

fn rotated_score(query: u32, slot: u32, factor: f32, position: u32) -> f32 {
  let pairs = params.head_size / 2u;
  var sum = 0.0;
  for (var c = 0u; c < pairs; c++) {
    let low = taken(slot, c) * factor;
    let high = taken(slot, c + pairs) * factor;
    let turn = rotation[position * pairs + c];
    sum = fma(vectors[query + c], low * turn.x - high * turn.y, sum);
    sum = fma(vectors[query + c + pairs], high * turn.x + low * turn.y, sum);
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.queries * params.stride) {
    return;
  }
  let place = thread % params.stride;
  let query = thread / params.stride;
  let own = about[2u * query];
  let more = about[2u * query + 1u];
  if (place >= more.x) {
    return;
  }
  var token = own.w + place;
  if (own.z != NONE) {
    token = indices[own.z * params.indices_stride + place];
  }
  let page = table[more.y * params.table_stride + token / params.page_tokens];
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let slot = ((page - params.slab_first) * params.heads + own.y) * params.page_tokens + token % params.page_tokens;
  let vector = own.x * params.head_size;
  let factor = weight(slot);
  if (params.rotate == 0u) {
    scores[thread] = plain_score(vector, slot, factor);
  } else {
    scores[thread] = rotated_score(vector, slot, factor, select(place, token, params.rotate == 1u));
  }
}
