// Writes one step's new keys into the pages of the KV cache, before any rotation: for caches whose values lie outside the GPU.
//
// Shapes:   as cache_append.wgsl, without values
// Dispatch: one thread per four channels of a new token: batch * step_rows * heads * D4 threads, linear groups
// Source:   as cache_append.wgsl

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
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> key_pages: array<StoredKey>;

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
  for (var i = 0u; i < 4u; i++) { // unrolled
    // Head sizes that are no multiple of four end in zeros, which add nothing to any dot product.
    let c = 4u * place.c4 + i;
    key[i] = select(0.0, keys[place.first + min(c, params.head_size - 1u)], c < params.head_size);
  }
  store_key(place.slot, place.c4, key, place.first);
}
