// Probe of the adapter's bandwidth for reading alone: each thread reads some vec4s apart by a workgroup's width, and almost nothing is
// written.
//
// Shapes:   x [count] of vec4<u32>; y u32 [1], written where the sum of all bits a thread read is a number that hardly occurs
// Dispatch: WORKGROUP threads of WIDTH vec4s each, linear groups
// Source:   none; a limit that `deno task bench` tells beside copying

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

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
  let first = group * WORKGROUP * WIDTH + lane;
  var total = vec4<u32>();
  for (var part = 0u; part < WIDTH; part++) { // unrolled
    total ^= x[min(first + part * WORKGROUP, params.count - 1u)];
  }
  if ((total.x ^ total.y ^ total.z ^ total.w) == 0x9e3779b9u) {
    y[0] = 1u;
  }
}
