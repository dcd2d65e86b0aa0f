// Sums or means over rows: y[row] = sum of x[row] / divisor.
//
// Shapes:   x [rows, size] of Element from element x_first on; y [rows] of Element; summed in f32
// Dispatch: one workgroup per row, linear groups; every lane sums a strided part, then the lanes' parts are added in order
// Source:   plain definition; the divisor is 1 for sums and size for means

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
  divisor: f32,
}

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

var<workgroup> parts: array<f32, WORKGROUP>;

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
  var part = 0.0;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    part += f32(x[first + i]);
  }
  parts[lane] = part;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < WORKGROUP; other++) {
    part += parts[other];
  }
  y[params.y_first + row] = Element(part / params.divisor);
}
