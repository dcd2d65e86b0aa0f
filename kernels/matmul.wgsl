// Matrix product C = A B, all loads along rows: each thread keeps a tile of C in registers, no shared memory.
//
// Shapes:   left A [batches, rows, depth] of vec4<Left>, right B [batches, depth, columns] of vec4<Right>, output C [batches,
//           rows, columns] of vec4<Output>. `columns`, `depth` and all strides and first places count vec4s, so both sizes
//           are multiples of 4; the right side's batch stride may be 0.
// Dispatch: WORKGROUP threads along the columns, each ROWS rows (1 or 8) by 2 vec4 columns, WORKGROUP apart; row tiles
//           fastest, so that neighbours share columns of B; batches outermost; linear groups
// Source:   plain definition. Every element is one chain of fused multiply-adds over rising k, whatever ROWS is and wherever
//           the host cuts k (params.resume goes on from C), so a row's result does not depend on the rows beside it.
//           Versions tried on llvmpipe: shared-memory tiles 2 GFLOP/s, inner loops over const tiles 17, written out 28.

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
  resume: u32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

// Four steps of k for four columns of one row.
fn chain(sum: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
  return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sum))));
}

fn before(place: u32) -> vec4<f32> {
  return select(vec4<f32>(), vec4<f32>(output[place]), params.resume == 1u);
}

fn store(row: u32, column: u32, place: u32, value: vec4<f32>) {
  if (row < params.rows && column < params.columns) {
    output[place] = vec4<Output>(value);
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
  let column_tiles = (params.columns + 2u * WORKGROUP - 1u) / (2u * WORKGROUP);
  let row = (group % row_tiles) * ROWS;
  let column_a = (group / row_tiles) % column_tiles * (2u * WORKGROUP) + lane;
  let column_b = column_a + WORKGROUP;
  let batch = group / (row_tiles * column_tiles);

  // Past the edge, loads repeat the last row or column and nothing is stored.
  let last = params.rows - 1u;
  let load_a = min(column_a, params.columns - 1u);
  let load_b = min(column_b, params.columns - 1u);
  let left_base = params.left_first + batch * params.left_batch;
  let output_base = params.output_first + batch * params.output_batch;
  let left0 = left_base + row * params.left_row;
  let left1 = left_base + min(row + 1u, last) * params.left_row;
  let left2 = left_base + min(row + 2u, last) * params.left_row;
  let left3 = left_base + min(row + 3u, last) * params.left_row;
  let left4 = left_base + min(row + 4u, last) * params.left_row;
  let left5 = left_base + min(row + 5u, last) * params.left_row;
  let left6 = left_base + min(row + 6u, last) * params.left_row;
  let left7 = left_base + min(row + 7u, last) * params.left_row;
  let place0 = output_base + row * params.output_row;
  let place1 = output_base + min(row + 1u, last) * params.output_row;
  let place2 = output_base + min(row + 2u, last) * params.output_row;
  let place3 = output_base + min(row + 3u, last) * params.output_row;
  let place4 = output_base + min(row + 4u, last) * params.output_row;
  let place5 = output_base + min(row + 5u, last) * params.output_row;
  let place6 = output_base + min(row + 6u, last) * params.output_row;
  let place7 = output_base + min(row + 7u, last) * params.output_row;

  var a0 = before(place0 + load_a);
  var b0 = before(place0 + load_b);
  var a1 = before(place1 + load_a);
  var b1 = before(place1 + load_b);
  var a2 = before(place2 + load_a);
  var b2 = before(place2 + load_b);
  var a3 = before(place3 + load_a);
  var b3 = before(place3 + load_b);
  var a4 = before(place4 + load_a);
  var b4 = before(place4 + load_b);
  var a5 = before(place5 + load_a);
  var b5 = before(place5 + load_b);
  var a6 = before(place6 + load_a);
  var b6 = before(place6 + load_b);
  var a7 = before(place7 + load_a);
  var b7 = before(place7 + load_b);

  var step = params.right_first + batch * params.right_batch;
  for (var k = 0u; k < params.depth; k++) {
    let r0a = vec4<f32>(right[step + load_a]);
    let r0b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let r1a = vec4<f32>(right[step + load_a]);
    let r1b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let r2a = vec4<f32>(right[step + load_a]);
    let r2b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let r3a = vec4<f32>(right[step + load_a]);
    let r3b = vec4<f32>(right[step + load_b]);
    step += params.right_row;
    let l0 = vec4<f32>(left[left0 + k]);
    a0 = chain(a0, l0, r0a, r1a, r2a, r3a);
    b0 = chain(b0, l0, r0b, r1b, r2b, r3b);
    if (ROWS == 8u) {
      let l1 = vec4<f32>(left[left1 + k]);
      a1 = chain(a1, l1, r0a, r1a, r2a, r3a);
      b1 = chain(b1, l1, r0b, r1b, r2b, r3b);
      let l2 = vec4<f32>(left[left2 + k]);
      a2 = chain(a2, l2, r0a, r1a, r2a, r3a);
      b2 = chain(b2, l2, r0b, r1b, r2b, r3b);
      let l3 = vec4<f32>(left[left3 + k]);
      a3 = chain(a3, l3, r0a, r1a, r2a, r3a);
      b3 = chain(b3, l3, r0b, r1b, r2b, r3b);
      let l4 = vec4<f32>(left[left4 + k]);
      a4 = chain(a4, l4, r0a, r1a, r2a, r3a);
      b4 = chain(b4, l4, r0b, r1b, r2b, r3b);
      let l5 = vec4<f32>(left[left5 + k]);
      a5 = chain(a5, l5, r0a, r1a, r2a, r3a);
      b5 = chain(b5, l5, r0b, r1b, r2b, r3b);
      let l6 = vec4<f32>(left[left6 + k]);
      a6 = chain(a6, l6, r0a, r1a, r2a, r3a);
      b6 = chain(b6, l6, r0b, r1b, r2b, r3b);
      let l7 = vec4<f32>(left[left7 + k]);
      a7 = chain(a7, l7, r0a, r1a, r2a, r3a);
      b7 = chain(b7, l7, r0b, r1b, r2b, r3b);
    }
  }

  store(row, column_a, place0 + column_a, a0);
  store(row, column_b, place0 + column_b, b0);
  if (ROWS == 8u) {
    store(row + 1u, column_a, place1 + column_a, a1);
    store(row + 1u, column_b, place1 + column_b, b1);
    store(row + 2u, column_a, place2 + column_a, a2);
    store(row + 2u, column_b, place2 + column_b, b2);
    store(row + 3u, column_a, place3 + column_a, a3);
    store(row + 3u, column_b, place3 + column_b, b3);
    store(row + 4u, column_a, place4 + column_a, a4);
    store(row + 4u, column_b, place4 + column_b, b4);
    store(row + 5u, column_a, place5 + column_a, a5);
    store(row + 5u, column_b, place5 + column_b, b5);
    store(row + 6u, column_a, place6 + column_a, a6);
    store(row + 6u, column_b, place6 + column_b, b6);
    store(row + 7u, column_a, place7 + column_a, a7);
    store(row + 7u, column_b, place7 + column_b, b7);
  }
}
