// Multiplies every element by one factor: y = factor * x.
//
// Shapes:   x, y [count], one element type for both, computed in f32
// Dispatch: one thread per element, linear groups
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  factor: f32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  y[index] = Element(params.factor * Wide(x[index]));
}
