// Matrix product for sizes that the other two kernels can't take: one element of C a thread, right for every shape, not fast.
//
// Shapes:   left A [batches, rows, depth] of Left, right B [batches, depth, columns] of Right, or [batches, columns, depth]
//           where params.transposed is 1; output C [batches, rows, columns] of Output; strides and first places in elements
// Dispatch: one thread per element of C, columns fastest, batches outermost, linear groups
// Source:   plain definition, summed in the same order as in matmul.wgsl: one chain of fused multiply-adds over rising k

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
  transposed: u32,
  batches: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<Left>;
@group(0) @binding(2) var<storage, read> right: array<Right>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batches * params.rows * params.columns) {
    return;
  }
  let column = thread % params.columns;
  let row = (thread / params.columns) % params.rows;
  let batch = thread / (params.columns * params.rows);
  let transposed = params.transposed == 1u;
  let left_first = params.left_first + batch * params.left_batch + row * params.left_row;
  let right_first = params.right_first + batch * params.right_batch + column * select(1u, params.right_row, transposed);
  let right_step = select(params.right_row, 1u, transposed);
  let place = params.output_first + batch * params.output_batch + row * params.output_row + column;
  var sum = select(0.0, f32(output[place]), params.resume == 1u);
  for (var k = 0u; k < params.depth; k++) {
    sum = fma(f32(left[left_first + k]), f32(right[right_first + k * right_step]), sum);
  }
  output[place] = Output(sum);
}
