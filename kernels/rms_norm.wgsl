// Root-mean-square norm over rows: y = x / sqrt(mean of x^2 + epsilon) * weight.
//
// Shapes:   x, y [rows, size] of Element from element x_first and y_first on; weight [size] of Weight; computed in f32
// Dispatch: one workgroup per row, linear groups
// Source:   Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4, with epsilon as in Llama

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
  epsilon: f32,
}

override WORKGROUP: u32 = 32u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

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
  let x_first = params.x_first + row * params.size;
  let y_first = params.y_first + row * params.size;
  var part = 0.0;
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let value = f32(x[x_first + i]);
    part = fma(value, value, part);
  }
  parts[lane] = part;
  workgroupBarrier();
  var total = 0.0;
  for (var other = 0u; other < WORKGROUP; other++) {
    total += parts[other];
  }
  let factor = 1.0 / sqrt(total / f32(params.size) + params.epsilon);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = Element(f32(x[x_first + i]) * factor * f32(weight[i]));
  }
}
