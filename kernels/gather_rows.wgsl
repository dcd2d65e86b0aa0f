// Copies rows of a table by index: y[i] = table[indices[i]].
//
// Shapes:   table [.., size] of Element, of which rows first_row .. first_row + window_rows are bound, from element
//           table_first on, elements being numbers or vec4s; indices u32 [count] from indices_first on; y [count, size] of Output from y_first on
// Dispatch: one thread per WIDTH elements of y, a workgroup's side by side, linear groups; a table larger than one binding takes one call per window, and each
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
  if (group >= params.group_count) {
    return;
  }
  let start = group * WORKGROUP * WIDTH + lane;
  let total = params.count * params.size;
  var values: array<Output, WIDTH>;
  var here: array<bool, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, total - 1u);
    let source = indices[params.indices_first + index / params.size];
    let row = source - params.first_row; // a row before the window wraps around to one past it
    let exists = source < params.table_rows;
    here[i] = start + i * WORKGROUP < total && select(params.first_row == 0u, row < params.window_rows, exists);
    let place = params.table_first + min(row, max(params.window_rows, 1u) - 1u) * params.size + index % params.size;
    values[i] = select(Output(), Output(table[place]), exists);
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    if (here[i]) {
      y[params.y_first + start + i * WORKGROUP] = values[i];
    }
  }
}
