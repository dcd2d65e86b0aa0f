// Probe of the adapter's memory bandwidth: a plain copy, each thread some vec4s apart by a workgroup's width.
//
// Shapes:   x, y [count] of vec4<u32>
// Dispatch: WORKGROUP threads of WIDTH vec4s each, linear groups
// Source:   none; the limit that `deno task bench` sets speeds against

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

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
  for (var part = 0u; part < WIDTH; part++) { // unrolled
    if (first + part * WORKGROUP < params.count) {
      y[first + part * WORKGROUP] = x[first + part * WORKGROUP];
    }
  }
}
