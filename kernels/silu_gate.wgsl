// Gated activation of the feed-forward block: y = gate * sigmoid(gate) * up, element by element.
//
// Shapes:   gate, up, y [count], one element type for all three, computed in Wide: f32, or vec4s of it where elements are vec4s
// Dispatch: one thread per WIDTH elements, a workgroup's side by side, so that all are loaded before any is stored; linear
//           groups
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
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  var values: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, params.count - 1u);
    let value = Wide(gate[index]);
    values[i] = value / (1.0 + exp(-value)) * Wide(up[index]);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < params.count) {
      y[index] = Element(values[i]);
    }
  }
}
