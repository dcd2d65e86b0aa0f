// Writes one step's new keys and values into the pages of the KV cache, before any rotation.
//
// Shapes:   keys, values [batch, step_rows, heads, head_size] f32; key_pages, value_pages: one slab of the cache (pages slab_first ..),
//           stored as parts/stores_keys_*.wgsl and stores_values_*.wgsl say, each as floats or int8; table [batch, table_stride], the
//           page of each run of page_tokens tokens; parts [batch, 4] u32: tokens cached with this step, leading tokens, start of the
//           window, middle length
// Dispatch: one thread per four channels of a new token: batch * step_rows * heads * D4 threads, linear groups
// Source:   ALGORITHM: the cache keeps keys without rotary positions, ReAttention (arXiv 2407.15176) section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
}

// uses parts/append_place.wgsl
// uses parts/int8_bytes.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> key_pages: array<StoredKey>;
@group(0) @binding(6) var<storage, read_write> value_pages: array<StoredValue>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let place = append_place(group, lane);
  if (!place.here) {
    return;
  }
  var key = vec4<f32>();
  var value = vec4<f32>();
  for (var i = 0u; i < 4u; i++) { // unrolled
    // Head sizes that are no multiple of four end in zeros, which add nothing to any dot product.
    let c = 4u * place.c4 + i;
    let at = place.first + min(c, params.head_size - 1u);
    key[i] = select(0.0, keys[at], c < params.head_size);
    value[i] = select(0.0, values[at], c < params.head_size);
  }
  store_key(place.slot, place.c4, key, place.first);
  store_value(place.slot, place.c4, value, place.first);
}
