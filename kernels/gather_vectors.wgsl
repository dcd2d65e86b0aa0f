// The same as gather_rotate.wgsl by vectors of channels, for heads whose halves are whole ones.
//
// Shapes:   key_pages, value_pages [slab_pages, heads, page_tokens, 8 * D8] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of
//           the cache, or (listed 1) the listed tokens in their order, a page for each sequence, without the table;
//           table [batch, table_stride]; indices u32 [batch, selections, indices_stride]; counts u32 [batch, selections];
//           rotation (cos, sin) two a vec4 [positions, 2 * D8]; keys, values f32 as vec4 [batch, heads, indices_stride, 2 * D8]
// Dispatch: LANES threads per attended token and KV head, each with EACH units of UNIT vec4s of the lower half and as many of the upper
//           one: what is stored together of keys or of values; lanes fastest, then heads, the token slowest; indirect, linear groups;
//           one call per slab of the cache
// Source:   ALGORITHM section 6, as in gather_rotate.wgsl. Software adapters take most of their time for each load, store and
//           look-up of a place, however wide: there a thread takes all of a head. GPUs join what neighbours read and write: there
//           a thread takes one unit.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  heads: u32,
  selections: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  indices_stride: u32,
  positions: u32,
  listed: u32,
}

override WORKGROUP: u32 = 64u;

const D4 = 2u * D8;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(2) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> values: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + index;
  let lane = thread % LANES;
  let head = (thread / LANES) % params.heads;
  let sequence = (thread / (LANES * params.heads)) % params.batch;
  let place = thread / (LANES * params.heads * params.batch);
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
  let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + stored % params.page_tokens;
  let target_row = ((sequence * params.heads + head) * params.indices_stride + place) * D4;
  let angles = select(place, token, params.positions == 1u) * D4;
  let key_row = key_first(slot);
  let key_factor = key_scale(slot);
  for (var each = 0u; each < EACH; each++) { // unrolled
    let first = (lane + each * LANES) * UNIT;
    var lows: array<StoredKeys, KEY_LOADS>;
    var highs: array<StoredKeys, KEY_LOADS>;
    for (var i = 0u; i < KEY_LOADS; i++) { // unrolled
      lows[i] = key_pages[key_row + first / KEY_VECTORS + i];
      highs[i] = key_pages[key_row + (first + D8) / KEY_VECTORS + i];
    }
    for (var v = 0u; v < UNIT; v++) { // unrolled
      let low = key_part(lows[v / KEY_VECTORS], v % KEY_VECTORS) * key_factor;
      let high = key_part(highs[v / KEY_VECTORS], v % KEY_VECTORS) * key_factor;
      var a = vec4(1.0, 0.0, 1.0, 0.0);
      var b = a;
      if (params.positions != 2u) {
        a = rotation[angles + 2u * (first + v)];
        b = rotation[angles + 2u * (first + v) + 1u];
      }
      let cosines = vec4(a.x, a.z, b.x, b.z);
      let sines = vec4(a.y, a.w, b.y, b.w);
      keys[target_row + first + v] = low * cosines - high * sines;
      keys[target_row + first + v + D8] = high * cosines + low * sines;
    }
  }
  let value_row = value_first(slot);
  let value_factor = value_scale(slot);
  for (var each = 0u; each < EACH; each++) { // unrolled
    let first = (lane + each * LANES) * UNIT;
    for (var half = 0u; half < 2u; half++) { // unrolled
      for (var i = 0u; i < VALUE_LOADS; i++) { // unrolled
        let loaded = value_pages[value_row + (first + half * D8) / VALUE_VECTORS + i];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          values[target_row + first + half * D8 + i * VALUE_VECTORS + v] = value_part(loaded, v) * value_factor;
        }
      }
    }
  }
}
