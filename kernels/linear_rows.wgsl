// Product of few rows with a transposed matrix, C = A B^T, with what surrounds it in a decoder: for GPUs, in decoding. B is read
// once, along its rows.
//
// Shapes:   left A [ROWS, PARTS * depth] of vec4<Left>; right B [columns, depth], or [2 * columns, depth] where PAIRED is 1, in loads
//           of 16 bytes: a vec4 of f32, or PARTS = 2 vec4s of f16; norm_weight [PARTS * depth] of vec4; extra [ROWS, columns]
//           (EXTRA 1) or [columns] (EXTRA 2) of f32; output C [ROWS, columns] of Output; the left side's places count vec4s, `depth`
//           and the right side's loads, those of C elements
// Dispatch: one workgroup of THREADS threads (at most 256) per THREADS / LANES * COLS columns, half as many where PAIRED is 1; linear groups
// Source:   plain definition. NORM: A's rows are normed first, as in rms_norm.wgsl; what makes their mean square 1 is multiplied into the sums. PAIRED: silu of a product with the matrix's first
//           half times that with its second, as in silu_gate.wgsl. EXTRA: a residual or a bias is added. Threads' sums are added
//           in a fixed order, the same for every number of rows.

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
  epsilon: f32,
}

// uses parts/row_products.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read> norm_weight: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> extra: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<Output>;

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
  for (var item = lane; item < ROWS * GROUP_COLUMNS; item += THREADS) {
    let r = item / GROUP_COLUMNS;
    let place = item % GROUP_COLUMNS;
    let column = group * GROUP_COLUMNS + place;
    if (column < params.columns) {
      var sum = product(place, r);
      if (EXTRA == 1u) {
        sum += extra[r * params.columns + column];
      }
      if (EXTRA == 2u) {
        sum += extra[column];
      }
      output[params.output_first + r * params.output_row + column] = Output(sum);
    }
  }
}
