// Turns counts that only the GPU knows into the grid of the next call.
//
// Shapes:   counts u32 [count]; grid u32 [3] for an indirect call
// Dispatch: one thread
// Source:   WebGPU: an indirect grid with more than 65,535 workgroups in a dimension runs nothing and reports nothing,
//           so the number of workgroups is folded into two dimensions

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  threads_per_count: u32,
  workgroup: u32,
  groups_per_dimension: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> grid: array<u32>;

@compute @workgroup_size(1)
fn main() {
  var most = 0u;
  for (var i = 0u; i < params.count; i++) {
    most = max(most, counts[i]);
  }
  let groups = (most * params.threads_per_count + params.workgroup - 1u) / params.workgroup;
  let x = min(groups, params.groups_per_dimension);
  grid[0] = x;
  grid[1] = select((groups + x - 1u) / max(x, 1u), 0u, x == 0u);
  grid[2] = 1u;
}
