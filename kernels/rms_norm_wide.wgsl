// The same as rms_norm.wgsl for rows of whole vec4s: y = x / sqrt(mean of x^2 + epsilon) * weight.
//
// Shapes:   x, y [rows, size] of vec4<Element> from vec4 x_first and y_first on; weight [size] of vec4<Weight>; computed in f32
// Dispatch: one workgroup of 16 to 256 threads per row, linear groups. Where HELD is not 0 a thread holds that many vec4s of its
//           row, which is then read once
// Source:   Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4, with epsilon as in Llama

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
  epsilon: f32,
}

// uses parts/row_totals.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<Weight>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<Element>>;

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
  var part = vec4<f32>();
  var held: array<vec4<f32>, max(HELD, 1u)>;
  for (var i = 0u; i < HELD; i++) { // unrolled
    let place = lane + i * WORKGROUP;
    let value = vec4<f32>(x[x_first + min(place, params.size - 1u)]);
    held[i] = select(vec4<f32>(), value, place < params.size);
    part = fma(held[i], held[i], part);
  }
  if (HELD > 0u) {
    let total = total_of((part.x + part.y) + (part.z + part.w), lane);
    let factor = 1.0 / sqrt(total / f32(4u * params.size) + params.epsilon);
    for (var i = 0u; i < HELD; i++) { // unrolled
      let place = lane + i * WORKGROUP;
      if (place < params.size) {
        y[y_first + place] = vec4<Element>(held[i] * factor * vec4<f32>(weight[place]));
      }
    }
    return;
  }
  for (var i = lane; i < params.size; i += WORKGROUP) {
    let value = vec4<f32>(x[x_first + i]);
    part = fma(value, value, part);
  }
  let total = total_of((part.x + part.y) + (part.z + part.w), lane);
  let factor = 1.0 / sqrt(total / f32(4u * params.size) + params.epsilon);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = vec4<Element>(vec4<f32>(x[x_first + i]) * factor * vec4<f32>(weight[i]));
  }
}
