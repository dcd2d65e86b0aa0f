// Product of few rows with a matrix, C = A B: for GPUs, in decoding. B is read once, by all threads of the GPU.
//
// Shapes:   left A [ROWS, depth] of vec4<Left>, right B [depth, columns] in loads of 16 bytes: a vec4 of f32, or PARTS = 2 vec4s
//           of f16; output C [ROWS, columns] of vec4<Output>; `depth` and the left side's places count vec4s, `columns` and the
//           right side's loads, the output's vec4s
// Dispatch: one workgroup per COLUMNS4 loads of columns: SLICES = MIDDLE * STRETCH threads each take every SLICES-th vec4 of k; linear
//           groups. AHEAD steps of a thread are loaded before any is used
// Source:   plain definition. Threads' sums are added in two steps: another order than in matmul.wgsl, so that a row may differ by
//           rounding from the same row in a product of many. Adding them pairwise, with a barrier for each halving, took 2.8 us of
//           10 on an H100.

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
@group(0) @binding(2) var<storage, read> right: array<Loaded>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<Output>>;

var<workgroup> parts: array<vec4<f32>, PARTS * THREADS>;

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
  let load_column = min(group * COLUMNS4 + lane % COLUMNS4, params.columns - 1u);
  var sums: array<vec4<f32>, PARTS * ROWS>;
  for (var first = lane / COLUMNS4; first < params.depth; first += AHEAD * SLICES) {
    var loaded: array<Loaded, 4u * AHEAD>;
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = min(first + step * SLICES, params.depth - 1u);
      for (var i = 0u; i < 4u; i++) { // unrolled
        loaded[4u * step + i] = right[params.right_first + (4u * k + i) * params.right_row + load_column];
      }
    }
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = first + step * SLICES;
      for (var r = 0u; r < ROWS; r++) { // unrolled
        let held = vec4<f32>(left[params.left_first + r * params.left_row + min(k, params.depth - 1u)]);
        let a = select(vec4<f32>(), held, k < params.depth);
        for (var part = 0u; part < PARTS; part++) { // unrolled
          var sum = sums[PARTS * r + part];
          sum = fma(vec4(a.x), widened(loaded[4u * step], part), sum);
          sum = fma(vec4(a.y), widened(loaded[4u * step + 1u], part), sum);
          sum = fma(vec4(a.z), widened(loaded[4u * step + 2u], part), sum);
          sums[PARTS * r + part] = fma(vec4(a.w), widened(loaded[4u * step + 3u], part), sum);
        }
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) { // unrolled
    if (r > 0u) {
      workgroupBarrier();
    }
    for (var part = 0u; part < PARTS; part++) { // unrolled
      parts[part * THREADS + lane] = sums[PARTS * r + part];
    }
    workgroupBarrier();
    // A thread's sum takes the place of the first of the STRETCH that it adds: no other thread reads any of them.
    for (var item = lane; item < PARTS * COLUMNS4 * MIDDLE; item += THREADS) {
      let place = item / (COLUMNS4 * MIDDLE) * THREADS + item % (COLUMNS4 * MIDDLE);
      var sum = vec4<f32>();
      for (var i = 0u; i < STRETCH; i++) { // unrolled
        sum += parts[place + i * COLUMNS4 * MIDDLE];
      }
      parts[place] = sum;
    }
    workgroupBarrier();
    for (var item = lane; item < PARTS * COLUMNS4; item += THREADS) {
      let part = item / COLUMNS4;
      let own = group * COLUMNS4 + item % COLUMNS4;
      var sum = vec4<f32>();
      for (var i = 0u; i < MIDDLE; i++) { // unrolled
        sum += parts[part * THREADS + item % COLUMNS4 + i * COLUMNS4];
      }
      if (own < params.columns) {
        output[params.output_first + r * params.output_row + PARTS * own + part] = vec4<Output>(sum);
      }
    }
  }
}
