// Gated activation of the feed-forward block: y = gate * sigmoid(gate) * up, element by element.
//
// Shapes:   gate, up, y [count], one element type for all three, computed in Wide: f32, or vec4s of it where elements are vec4s
// Dispatch: one thread per element, 64 threads a workgroup, linear groups from params.first_group on
// Source:   SwiGLU, Shazeer 2020, "GLU Variants Improve Transformer", as in Llama

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<Element>;
@group(0) @binding(2) var<storage, read> up: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  // A call is cut into pieces by the host: groups are numbered over the whole call.
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  let value = Wide(gate[index]);
  y[index] = Element(value / (1.0 + exp(-value)) * Wide(up[index]));
}
