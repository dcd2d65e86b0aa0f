// Index of the largest element of each row; the lowest index among equals.
//
// Shapes:   x [rows, size] of Element from element x_first on, size at least 1; y u32 [rows]
// Dispatch: one workgroup per row, linear groups
// Source:   plain definition; NaN ranks lowest; a row of nothing but NaN gives 0

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

// uses parts/order_key.wgsl

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

var<workgroup> keys: array<u32, WORKGROUP>;
var<workgroup> places: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let first = params.x_first + row * params.size;
  var best = 0u;
  var place = 0u;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let key = order_key(f32(x[first + i]));
    if (key > best) {
      best = key;
      place = i;
    }
  }
  keys[lane] = best;
  places[lane] = place;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < WORKGROUP; other++) {
    let key = keys[other];
    if (key > best || (key == best && places[other] < place)) {
      best = key;
      place = places[other];
    }
  }
  y[params.y_first + row] = place;
}
