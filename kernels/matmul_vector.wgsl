// Product of few rows with a matrix, C = A B: for GPUs, in decoding. B is read once, by all threads of the GPU.
//
// Shapes:   left A [ROWS, depth] of vec4<Left>, right B [depth, columns] of vec4<Right>, output C [ROWS, columns] of
//           vec4<Output>; `columns`, `depth`, strides and first places count vec4s
// Dispatch: one workgroup per COLUMNS4 vec4 columns: SLICES threads each take every SLICES-th vec4 of k; linear groups
// Source:   plain definition. Threads' sums are added pairwise: another order than in matmul.wgsl, so that a row may differ by
//           rounding from the same row in a product of many.

struct Params {
  first_group: u32,
  group_count: u32,
  columns: u32,
  depth: u32,
  left_first: u32,
  left_row: u32,
  right_first: u32,
  right_row: u32,
  output_first: u32,
  output_row: u32,
}

const THREADS = COLUMNS4 * SLICES;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<Right>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

var<workgroup> parts: array<vec4<f32>, THREADS>;

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
  let column = group * COLUMNS4 + lane % COLUMNS4;
  let load_column = min(column, params.columns - 1u);
  var sums: array<vec4<f32>, ROWS>;
  for (var k = lane / COLUMNS4; k < params.depth; k += SLICES) {
    let place = params.right_first + 4u * k * params.right_row + load_column;
    let b0 = vec4<f32>(right[place]);
    let b1 = vec4<f32>(right[place + params.right_row]);
    let b2 = vec4<f32>(right[place + 2u * params.right_row]);
    let b3 = vec4<f32>(right[place + 3u * params.right_row]);
    for (var r = 0u; r < ROWS; r++) { // unrolled
      let a = vec4<f32>(left[params.left_first + r * params.left_row + k]);
      sums[r] = fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sums[r]))));
    }
  }
  for (var r = 0u; r < ROWS; r++) { // unrolled
    workgroupBarrier();
    parts[lane] = sums[r];
    for (var half = SLICES / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half * COLUMNS4) {
        parts[lane] += parts[lane + half * COLUMNS4];
      }
    }
    if (lane < COLUMNS4 && column < params.columns) {
      output[params.output_first + r * params.output_row + column] = vec4<Output>(parts[lane]);
    }
  }
}
