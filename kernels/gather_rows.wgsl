// Copies rows of a table by index: y[i] = table[indices[i]].
//
// Shapes:   table [.., size] of Element, of which rows first_row .. first_row + window_rows are bound, from element
//           table_first on, elements being numbers or vec4s; indices u32 [count] from indices_first on; y [count, size] of Output from y_first on
// Dispatch: one thread per element of y, linear groups; a table larger than one binding takes one call per window, and each
//           call writes only the rows that its window holds
// Source:   plain definition; an index of table_rows or more gives a row of zeros, written by the first window's call

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  size: u32,
  table_rows: u32,
  first_row: u32,
  window_rows: u32,
  table_first: u32,
  indices_first: u32,
  y_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Output>;

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
  let source = indices[params.indices_first + index / params.size];
  let place = params.y_first + index;
  if (source >= params.table_rows) {
    if (params.first_row == 0u) {
      y[place] = Output();
    }
    return;
  }
  let row = source - params.first_row; // a row before the window wraps around to one past it
  if (row < params.window_rows) {
    y[place] = Output(table[params.table_first + row * params.size + index % params.size]);
  }
}
