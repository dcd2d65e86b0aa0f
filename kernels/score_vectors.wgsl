// Writes the vectors that tokens are scored by where these are not just the cached keys: weighted by their values' norms,
// rotated by their own positions, or the values themselves. Also copies a step's new keys or values, which then vote.
//
// Shapes:   key_pages, value_pages [slab_pages, heads, page_tokens, 4 * D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the
//           cache, before rotation; table [batch, table_stride]; parts [batch, 4]: tokens cached, leading tokens, start of
//           the window, middle length; rotation vec2 (cos, sin) [positions, head_size / 2]; vectors f32, where token t
//           of KV head h of sequence s starts at s * sequence_stride + h * head_stride + t * token_stride
// Dispatch: one thread per sequence, KV head and token, tokens fastest; linear groups; one call per slab of the cache
// Source:   ALGORITHM section 5, P and R of the types k, v, qkv (L1 norm), qkv2 (L2 norm) and _pe. Every sum runs in the
//           same order, so equal tokens get bitwise equal vectors.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  head_size: u32,
  count: u32,
  newest: u32,
  take_values: u32,
  norm: u32,
  rotate: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(2) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> vectors: array<f32>;

fn taken(slot: u32, c: u32) -> f32 {
  if (params.take_values == 1u) {
    return value_channel(slot, c);
  }
  return key_channel(slot, c);
}

// The norm of the token's value: 0 none, 1 the sum of magnitudes, 2 the root of the sum of squares.
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

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batch * params.heads * params.count) {
    return;
  }
  let t = thread % params.count;
  let head = (thread / params.count) % params.heads;
  let sequence = thread / (params.count * params.heads);
  let part = parts[sequence];
  let newest = params.newest == 1u;
  if (!newest && t >= part.w) {
    return;
  }
  let token = t + select(part.y, part.x - params.count, newest);
  let page = table[sequence * params.table_stride + token / params.page_tokens];
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let padded = 4u * D4;
  let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
  let goal = sequence * params.sequence_stride + head * params.head_stride + t * params.token_stride;
  let factor = weight(slot);
  let pairs = params.head_size / 2u;
  for (var c = 0u; c < pairs; c++) {
    let low = taken(slot, c) * factor;
    let high = taken(slot, c + pairs) * factor;
    let turn = select(vec2<f32>(1.0, 0.0), rotation[token * pairs + c], params.rotate == 1u);
    vectors[goal + c] = low * turn.x - high * turn.y;
    vectors[goal + c + pairs] = high * turn.x + low * turn.y;
  }
  for (var pad = params.head_size; pad < padded && !newest; pad++) {
    vectors[goal + pad] = 0.0;
  }
}
