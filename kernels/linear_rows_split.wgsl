// The same as linear_rows.wgsl for three matrices that lie one after the other, such as those of queries, keys and values: each has a
// result of its own.
//
// Shapes:   left A [ROWS, PARTS * depth] of vec4<Left>; right [columns, depth] in loads of 16 bytes; norm_weight [PARTS * depth] of
//           vec4; extra [columns] of f32 (EXTRA 2: a bias); first [ROWS, first_columns], second [ROWS, second_columns] and third of f32
// Dispatch: one workgroup of THREADS threads (at most 256) per THREADS / LANES * COLS columns of all three; linear groups
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  right_first: u32,
  right_row: u32,
  first_columns: u32,
  second_columns: u32,
  epsilon: f32,
}

// uses parts/row_products.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read> norm_weight: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> extra: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_output: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_output: array<f32>;
@group(0) @binding(7) var<storage, read_write> third_output: array<f32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  multiply(group, lane);
  let second_first = params.first_columns;
  let third_first = second_first + params.second_columns;
  for (var item = lane; item < ROWS * GROUP_COLUMNS; item += THREADS) {
    let r = item / GROUP_COLUMNS;
    let column = group * GROUP_COLUMNS + item % GROUP_COLUMNS;
    if (column >= params.columns) {
      continue;
    }
    var sum = product(item % GROUP_COLUMNS, r);
    if (EXTRA == 2u) {
      sum += extra[column];
    }
    if (column < second_first) {
      first_output[r * second_first + column] = sum;
    } else if (column < third_first) {
      second_output[r * params.second_columns + column - second_first] = sum;
    } else {
      third_output[r * (params.columns - third_first) + column - third_first] = sum;
    }
  }
}
