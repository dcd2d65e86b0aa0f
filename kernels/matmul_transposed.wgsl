// Matrix product with a transposed right side, C = A B^T: both sides are read along their rows.
//
// Shapes:   left A [batches, rows, depth] of vec4<Left>, right B [batches, columns, depth] of vec4<Right>, output C [batches,
//           rows, columns] of Output. `depth` and the strides and first places of A and B count vec4s, so the depth is a
//           multiple of 4; those of C count elements; the right side's batch stride may be 0.
// Dispatch: WORKGROUP threads along the columns, each ROWS rows (1 or 8) by 4 columns, WORKGROUP apart; row tiles fastest,
//           so that neighbours share rows of B; batches outermost; linear groups
// Source:   plain definition, summed in the same order as in matmul.wgsl: one chain of fused multiply-adds over rising k.
//           Versions tried on llvmpipe: 8 rows by 4 columns 22 GFLOP/s; fewer columns a thread are slower.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  left_batch: u32,
  right_first: u32,
  right_row: u32,
  right_batch: u32,
  output_first: u32,
  output_row: u32,
  output_batch: u32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

// Four steps of k for four columns of one row.
fn chain(sum: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
  return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sum))));
}

fn store(row: u32, columns: vec4<u32>, base: u32, value: vec4<f32>) {
  if (row >= params.rows) {
    return;
  }
  let place = base + row * params.output_row;
  for (var i = 0u; i < 4u; i++) {
    if (columns[i] < params.columns) {
      output[place + columns[i]] = Output(value[i]);
    }
  }
}

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
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + 4u * WORKGROUP - 1u) / (4u * WORKGROUP);
  let row = (group % row_tiles) * ROWS;
  let first_column = (group / row_tiles) % column_tiles * (4u * WORKGROUP) + lane;
  let columns = first_column + vec4(0u, WORKGROUP, 2u * WORKGROUP, 3u * WORKGROUP);
  let batch = group / (row_tiles * column_tiles);

  // Past the edge, loads repeat the last row or column and nothing is stored.
  let last = params.rows - 1u;
  let left_base = params.left_first + batch * params.left_batch;
  let right_base = params.right_first + batch * params.right_batch;
  let rights = right_base + min(columns, vec4(params.columns - 1u)) * params.right_row;
  let left0 = left_base + row * params.left_row;
  let left1 = left_base + min(row + 1u, last) * params.left_row;
  let left2 = left_base + min(row + 2u, last) * params.left_row;
  let left3 = left_base + min(row + 3u, last) * params.left_row;
  let left4 = left_base + min(row + 4u, last) * params.left_row;
  let left5 = left_base + min(row + 5u, last) * params.left_row;
  let left6 = left_base + min(row + 6u, last) * params.left_row;
  let left7 = left_base + min(row + 7u, last) * params.left_row;

  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  var sum4 = vec4<f32>();
  var sum5 = vec4<f32>();
  var sum6 = vec4<f32>();
  var sum7 = vec4<f32>();

  for (var k = 0u; k < params.depth; k++) {
    let r0 = vec4<f32>(right[rights.x + k]);
    let r1 = vec4<f32>(right[rights.y + k]);
    let r2 = vec4<f32>(right[rights.z + k]);
    let r3 = vec4<f32>(right[rights.w + k]);
    let x = vec4(r0.x, r1.x, r2.x, r3.x);
    let y = vec4(r0.y, r1.y, r2.y, r3.y);
    let z = vec4(r0.z, r1.z, r2.z, r3.z);
    let w = vec4(r0.w, r1.w, r2.w, r3.w);
    sum0 = chain(sum0, vec4<f32>(left[left0 + k]), x, y, z, w);
    if (ROWS == 8u) {
      sum1 = chain(sum1, vec4<f32>(left[left1 + k]), x, y, z, w);
      sum2 = chain(sum2, vec4<f32>(left[left2 + k]), x, y, z, w);
      sum3 = chain(sum3, vec4<f32>(left[left3 + k]), x, y, z, w);
      sum4 = chain(sum4, vec4<f32>(left[left4 + k]), x, y, z, w);
      sum5 = chain(sum5, vec4<f32>(left[left5 + k]), x, y, z, w);
      sum6 = chain(sum6, vec4<f32>(left[left6 + k]), x, y, z, w);
      sum7 = chain(sum7, vec4<f32>(left[left7 + k]), x, y, z, w);
    }
  }

  let output_base = params.output_first + batch * params.output_batch;
  store(row, columns, output_base, sum0);
  if (ROWS == 8u) {
    store(row + 1u, columns, output_base, sum1);
    store(row + 2u, columns, output_base, sum2);
    store(row + 3u, columns, output_base, sum3);
    store(row + 4u, columns, output_base, sum4);
    store(row + 5u, columns, output_base, sum5);
    store(row + 6u, columns, output_base, sum6);
    store(row + 7u, columns, output_base, sum7);
  }
}
