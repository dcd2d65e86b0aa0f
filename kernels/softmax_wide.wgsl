// The same as softmax.wgsl for rows of whole vec4s: y = exp(x - max) / sum of exp(x - max).
//
// Shapes:   x, y [rows, size] of vec4<Element> from vec4 x_first and y_first on; computed in f32
// Dispatch: one workgroup of 16 to 256 threads per row, linear groups. Where HELD is not 0 a thread holds that many vec4s of its
//           row, which is then read once
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

// uses parts/row_totals.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Element>>;

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
  var most = vec4<f32>(x[x_first]);
  var held: array<vec4<f32>, max(HELD, 1u)>;
  for (var i = 0u; i < HELD; i++) { // unrolled
    held[i] = vec4<f32>(x[x_first + min(lane + i * WORKGROUP, params.size - 1u)]);
    most = max(most, held[i]);
  }
  if (HELD > 0u) {
    let highest = highest_of(max(max(most.x, most.y), max(most.z, most.w)), lane);
    var part = vec4<f32>();
    for (var i = 0u; i < HELD; i++) { // unrolled
      held[i] = exp(held[i] - highest);
      part += select(vec4<f32>(), held[i], lane + i * WORKGROUP < params.size);
    }
    let total = total_of((part.x + part.y) + (part.z + part.w), lane);
    for (var i = 0u; i < HELD; i++) { // unrolled
      let place = lane + i * WORKGROUP;
      if (place < params.size) {
        y[y_first + place] = vec4<Element>(held[i] / total);
      }
    }
    return;
  }
  for (var i = lane; i < params.size; i += WORKGROUP) {
    most = max(most, vec4<f32>(x[x_first + i]));
  }
  let highest = highest_of(max(max(most.x, most.y), max(most.z, most.w)), lane);
  var part = vec4<f32>();
  for (var i = lane; i < params.size; i += WORKGROUP) {
    part += exp(vec4<f32>(x[x_first + i]) - highest);
  }
  let total = total_of((part.x + part.y) + (part.z + part.w), lane);
  for (var i = lane; i < params.size; i += WORKGROUP) {
    y[y_first + i] = vec4<Element>(exp(vec4<f32>(x[x_first + i]) - highest) / total);
  }
}
