// Softmax over rows: y = exp(x - max) / sum of exp(x - max).
//
// Shapes:   x, y [rows, size] of Element from element x_first and y_first on, size at least 1; computed in f32
// Dispatch: one workgroup per row, linear groups
// Source:   the usual stable form; -infinity gives 0, a row of nothing but -infinity gives NaN

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

var<workgroup> maxima: array<f32, WORKGROUP>;
var<workgroup> sums: array<f32, WORKGROUP>;

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
  let x_first = params.x_first + row * params.size;
  let y_first = params.y_first + row * params.size;
  var highest = f32(x[x_first]);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    highest = max(highest, f32(x[x_first + i]));
  }
  maxima[lane] = highest;
  workgroupBarrier();
  for (var other = 0u; other < WORKGROUP; other++) {
    highest = max(highest, maxima[other]);
  }
  var sum = 0.0;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    sum += exp(f32(x[x_first + i]) - highest);
  }
  sums[lane] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var other = 0u; other < WORKGROUP; other++) {
    total += sums[other];
  }
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = Element(exp(f32(x[x_first + i]) - highest) / total);
  }
}
