// Gathers the attended keys and values from the cache's pages, or attended keys as they were brought from outside the GPU, and rotates
// the keys by their positions.
//
// Shapes:   key_pages, value_pages [slab_pages, heads, page_tokens, 4 * D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the
//           cache, or (listed 1) the listed tokens in their order, a page for each sequence, without the table;
//           table [batch, table_stride]; indices u32 [batch, selections, indices_stride]; counts u32 [batch, selections];
//           rotation vec2 (cos, sin) [positions, head_size / 2]; keys, values f32 [batch, heads, indices_stride, 4 * D4]
// Dispatch: one thread per attended token, KV head and pair of channels, the token slowest; indirect, linear groups;
//           one call per slab of the cache
// Source:   ALGORITHM section 6: Kr = rope(K[:, idx], pos), pos = 0..M-1 (positions 0: compact) or idx (1: original), or K as it
//           is (2: none); half-split pairs (x[c], x[c + d/2]) as in Llama; the table comes from the host, never from WGSL's sin
//           and cos of large angles

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  indices_stride: u32,
  positions: u32,
  listed: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(2) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> keys: array<f32>;
@group(0) @binding(8) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  let pairs = params.head_size / 2u;
  let c = thread % pairs;
  let head = (thread / pairs) % params.heads;
  let sequence = (thread / (pairs * params.heads)) % params.batch;
  let place = thread / (pairs * params.heads * params.batch);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  if (group >= params.group_count || place >= counts[selection]) {
    return;
  }
  let token = indices[selection * params.indices_stride + place];
  var stored = place;
  var page = sequence;
  if (params.listed == 0u) {
    stored = token;
    page = table[sequence * params.table_stride + token / params.page_tokens];
  }
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let padded = 4u * D4;
  let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + stored % params.page_tokens;
  let target_row = ((sequence * params.heads + head) * params.indices_stride + place) * padded;
  let position = select(place, token, params.positions == 1u);
  var turn = vec2<f32>(1.0, 0.0);
  if (params.positions != 2u) {
    turn = rotation[position * pairs + c];
  }
  let low = key_channel(slot, c);
  let high = key_channel(slot, c + pairs);
  keys[target_row + c] = low * turn.x - high * turn.y;
  keys[target_row + c + pairs] = high * turn.x + low * turn.y;
  values[target_row + c] = value_channel(slot, c);
  values[target_row + c + pairs] = value_channel(slot, c + pairs);
  if (c == 0u) {
    for (var pad = params.head_size; pad < padded; pad++) {
      keys[target_row + pad] = 0.0;
      values[target_row + pad] = 0.0;
    }
  }
}
