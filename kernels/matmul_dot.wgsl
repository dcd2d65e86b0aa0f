// Product of few rows with a transposed matrix, C = A B^T: for GPUs, in decoding. B is read once, along its rows.
//
// Shapes:   left A [ROWS, PARTS * depth] of vec4<Left>, right B [columns, depth] in loads of 16 bytes: a vec4 of f32, or PARTS = 2
//           vec4s of f16; output C [ROWS, columns] of Output; the left side's places count vec4s, `depth` and the right side's
//           loads, those of C elements
// Dispatch: one workgroup of 256 threads per 256 / SLICES columns: SLICES threads share a column; linear groups
// Source:   plain definition. Threads' sums are added pairwise, as in matmul_vector.wgsl.

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

const THREADS = 256u;
const COLUMNS = THREADS / SLICES;
const AHEAD = 4u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<Left>>;
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

var<workgroup> parts: array<f32, THREADS>;

// What a load brings, as f32: one vec4, or two where B is halves.
fn widened(loaded: Loaded, part: u32) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(loaded);
  if (PARTS == 1u) {
    return bitcast<vec4<f32>>(bits);
  }
  let half = select(bits.xy, bits.zw, part == 1u);
  return vec4<f32>(unpack2x16float(half.x), unpack2x16float(half.y));
}

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
  let slice = lane % SLICES;
  let column = group * COLUMNS + lane / SLICES;
  let first = params.right_first + min(column, params.columns - 1u) * params.right_row;
  var sums: array<vec4<f32>, ROWS>;
  for (var start = slice; start < params.depth; start += AHEAD * SLICES) {
    // Several steps of k are loaded before any is used.
    var loaded: array<Loaded, AHEAD>;
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      loaded[step] = right[first + min(start + step * SLICES, params.depth - 1u)];
    }
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = start + step * SLICES;
      for (var part = 0u; part < PARTS; part++) { // unrolled
        let b = select(vec4<f32>(), widened(loaded[step], part), k < params.depth);
        for (var r = 0u; r < ROWS; r++) { // unrolled
          let place = params.left_first + r * params.left_row + PARTS * min(k, params.depth - 1u) + part;
          sums[r] = fma(vec4<f32>(left[place]), b, sums[r]);
        }
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) { // unrolled
    workgroupBarrier();
    parts[lane] = (sums[r].x + sums[r].y) + (sums[r].z + sums[r].w);
    for (var half = SLICES / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (slice < half) {
        parts[lane] += parts[lane + half];
      }
    }
    if (slice == 0u && column < params.columns) {
      output[params.output_first + r * params.output_row + column] = Output(parts[lane]);
    }
  }
}
