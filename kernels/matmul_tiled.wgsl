// Matrix product through workgroup memory: for GPUs, where threads share what they load.
//
// Shapes:   left A [rows, depth] of vec4<Left>, right B [depth, columns] of vec4<Right>, or [columns, depth] where TRANSPOSED is 1,
//           output C [rows, columns] of vec4<Output>, batched; `columns` (but of a transposed side), `depth`, strides and
//           first places count vec4s; the right side's batch stride may be 0
// Dispatch: THREADS_Y x THREADS_X threads, each 4 * ROWS4 rows by 4 * COLUMNS4 columns, in fours apart by the others'; DEPTH
//           steps of k a turn; row tiles fastest; batches outermost; linear groups
// Source:   plain definition; the register and workgroup tiling of Volkov and Demmel 2008. Every element is one chain of fused
//           multiply-adds over rising k, as in matmul.wgsl. Both sides lie in workgroup memory with k slowest, so that a
//           thread's rows and columns are vec4s; what comes next is loaded while this turn is multiplied, and left as it is
//           stored until then: whatever uses it, be it a conversion, waits for memory.

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

const THREADS = THREADS_Y * THREADS_X;
const TILE_ROWS4 = THREADS_Y * ROWS4;
const TILE_COLUMNS4 = THREADS_X * COLUMNS4;
const DEPTH4 = DEPTH / 4u;
// PAD vec4s more than a side has keep threads that store neighbouring steps of k on different banks.
const LEFT_STRIDE4 = TILE_ROWS4 + PAD;
const RIGHT_STRIDE4 = TILE_COLUMNS4 + PAD;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

// With k a number of its own, only the place of a thread's rows and columns is checked, once for all k.
var<workgroup> lefts: array<array<vec4<f32>, LEFT_STRIDE4>, DEPTH>;
var<workgroup> rights: array<array<vec4<f32>, RIGHT_STRIDE4>, DEPTH>;

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
  let row_tiles = (params.rows + 4u * TILE_ROWS4 - 1u) / (4u * TILE_ROWS4);
  let column_tiles = (params.columns + TILE_COLUMNS4 - 1u) / TILE_COLUMNS4;
  let first_row = (group % row_tiles) * (4u * TILE_ROWS4);
  let first_column = (group / row_tiles) % column_tiles * TILE_COLUMNS4;
  let batch = group / (row_tiles * column_tiles);
  let left_base = params.left_first + batch * params.left_batch;
  let right_base = params.right_first + batch * params.right_batch;
  let output_base = params.output_first + batch * params.output_batch;
  let y = lane / THREADS_X;
  let x = lane % THREADS_X;

  var next_left: array<vec4<Left>, LOADS_LEFT>;
  var next_right: array<vec4<Right>, LOADS_RIGHT>;
  var sums: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  for (var turn = 0u; turn < params.depth + DEPTH4; turn += DEPTH4) {
    // What was loaded in the turn before goes to workgroup memory; the first turn only loads.
    if (turn > 0u) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        let item = lane + load * THREADS;
        let row = item / DEPTH4;
        let k = 4u * (item % DEPTH4);
        let inside = turn - DEPTH4 + item % DEPTH4 < params.depth;
        let loaded = select(vec4<f32>(), vec4<f32>(next_left[load]), inside);
        lefts[k + 0u][row / 4u][row % 4u] = loaded.x;
        lefts[k + 1u][row / 4u][row % 4u] = loaded.y;
        lefts[k + 2u][row / 4u][row % 4u] = loaded.z;
        lefts[k + 3u][row / 4u][row % 4u] = loaded.w;
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        let item = lane + load * THREADS;
        if (TRANSPOSED == 1u) {
          let column = item / DEPTH4;
          let k = 4u * (item % DEPTH4);
          rights[k + 0u][column / 4u][column % 4u] = f32(next_right[load].x);
          rights[k + 1u][column / 4u][column % 4u] = f32(next_right[load].y);
          rights[k + 2u][column / 4u][column % 4u] = f32(next_right[load].z);
          rights[k + 3u][column / 4u][column % 4u] = f32(next_right[load].w);
        } else {
          rights[item / TILE_COLUMNS4][item % TILE_COLUMNS4] = vec4<f32>(next_right[load]);
        }
      }
      workgroupBarrier();
    }
    if (turn < params.depth) {
      for (var load = 0u; load < LOADS_LEFT; load++) { // unrolled
        let item = lane + load * THREADS;
        let row = min(first_row + item / DEPTH4, params.rows - 1u);
        let k = turn + item % DEPTH4;
        next_left[load] = left[left_base + row * params.left_row + min(k, params.depth - 1u)];
      }
      for (var load = 0u; load < LOADS_RIGHT; load++) { // unrolled
        let item = lane + load * THREADS;
        if (TRANSPOSED == 1u) {
          let column = min(4u * first_column + item / DEPTH4, 4u * params.columns - 1u);
          let k = turn + item % DEPTH4;
          next_right[load] = right[right_base + column * params.right_row + min(k, params.depth - 1u)];
        } else {
          let column = min(first_column + item % TILE_COLUMNS4, params.columns - 1u);
          let k = min(4u * turn + item / TILE_COLUMNS4, 4u * params.depth - 1u);
          next_right[load] = right[right_base + k * params.right_row + column];
        }
      }
    }
    if (turn > 0u) {
      for (var k = 0u; k < DEPTH; k++) { // unrolled
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          let a = lefts[k][y + i * THREADS_Y];
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            let b = rights[k][x + j * THREADS_X];
            sums[(4u * i + 0u) * COLUMNS4 + j] = fma(vec4<f32>(a.x), b, sums[(4u * i + 0u) * COLUMNS4 + j]);
            sums[(4u * i + 1u) * COLUMNS4 + j] = fma(vec4<f32>(a.y), b, sums[(4u * i + 1u) * COLUMNS4 + j]);
            sums[(4u * i + 2u) * COLUMNS4 + j] = fma(vec4<f32>(a.z), b, sums[(4u * i + 2u) * COLUMNS4 + j]);
            sums[(4u * i + 3u) * COLUMNS4 + j] = fma(vec4<f32>(a.w), b, sums[(4u * i + 3u) * COLUMNS4 + j]);
          }
        }
      }
    }
  }

  for (var i = 0u; i < ROWS4; i++) { // unrolled
    for (var j = 0u; j < COLUMNS4; j++) { // unrolled
      let row = first_row + 4u * (y + i * THREADS_Y);
      let column = first_column + x + j * THREADS_X;
      let place = output_base + row * params.output_row + column;
      if (column < params.columns) {
        if (row < params.rows) {
          output[place] = vec4<Output>(sums[(4u * i + 0u) * COLUMNS4 + j]);
        }
        if (row + 1u < params.rows) {
          output[place + params.output_row] = vec4<Output>(sums[(4u * i + 1u) * COLUMNS4 + j]);
        }
        if (row + 2u < params.rows) {
          output[place + 2u * params.output_row] = vec4<Output>(sums[(4u * i + 2u) * COLUMNS4 + j]);
        }
        if (row + 3u < params.rows) {
          output[place + 3u * params.output_row] = vec4<Output>(sums[(4u * i + 3u) * COLUMNS4 + j]);
        }
      }
    }
  }
}
