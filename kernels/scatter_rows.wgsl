// Writes rows to given places: target[indices[i]] = rows[i].
//
// Shapes:   rows [count, size] of Element from rows_first on; indices u32 [count] from indices_first on; target [.., size] of
//           Element, of which rows first_row .. first_row + window_rows are bound, from element target_first on
// Dispatch: one thread per element of rows, linear groups; a target larger than one binding takes one call per window
// Source:   plain definition; an index outside the target is skipped; of equal indices any one's row is left

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  size: u32,
  first_row: u32,
  window_rows: u32,
  target_first: u32,
  indices_first: u32,
  rows_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> destination: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count * params.size) {
    return;
  }
  let place = indices[params.indices_first + index / params.size];
  let row = place - params.first_row; // a row before the window wraps around to one past it
  if (row >= params.window_rows) {
    return;
  }
  destination[params.target_first + row * params.size + index % params.size] = rows[params.rows_first + index];
}
