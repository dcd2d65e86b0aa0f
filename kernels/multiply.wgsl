// Product of two arrays, element by element: y[i] = x[i] * other[(other_first + i) mod other_count].
//
// Shapes:   x, y [count] from element `first` on; other [other_count], repeated along x; one element type for all three, computed in
//           Wide (f32 for f32 and f16, the type itself for whole numbers, which wrap around); elements may be vec4s
// Dispatch: one thread per WIDTH elements, a workgroup's side by side, so that all are loaded before any is stored; linear
//           groups. REPEATED is 0 where other is as long as x: a remainder costs more than
//           all the rest.
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  first: u32,
  other_count: u32,
  other_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> other: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  var products: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, params.count - 1u);
    var repeated = params.other_first + index;
    if (REPEATED == 1u) {
      repeated %= params.other_count;
    }
    products[i] = Wide(x[params.first + index]) * Wide(other[repeated]);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < params.count) {
      y[params.first + index] = Element(products[i]);
    }
  }
}
