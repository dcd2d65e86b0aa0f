// Matrix product whose sides are images: each thread keeps a tile of C in registers.
//
// Shapes:   left A [depth / 4, rows], right B [columns / 4, depth], or [depth / 4, columns] where TRANSPOSED is 1, as images of
//           width and height; output C [rows, columns] of Output, as vec4 where not transposed; params count vec4s along k
// Dispatch: 8 threads, LANE_ROWS of them along the rows, each ROWS rows by COLUMNS times four columns, apart by the others';
//           row tiles fastest; linear groups
// Source:   plain definition, summed in the same order as in matmul.wgsl. For software adapters: llvmpipe loads a texel of an
//           image as one vector, and a storage buffer number by number, for every lane alike. 1024^3 there, by rows x
//           columns: 8x8 42 GFLOP/s, 8x16 67, 12x16 76, 16x16 69, 32x32 72 (seconds to compile); from buffers 8x8 18.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  columns: u32,
  depth: u32,
}

const LANE_COLUMNS = 8u / LANE_ROWS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var left: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var right: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read_write> output: array<Output>;

// Four steps of k for four columns of one row.
fn chain(sum: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
  return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, sum))));
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let row_tiles = (params.rows + ROWS * LANE_ROWS - 1u) / (ROWS * LANE_ROWS);
  let row = (group % row_tiles) * (ROWS * LANE_ROWS) + lane / LANE_COLUMNS;
  let column = (group / row_tiles) * (COLUMNS * LANE_COLUMNS) + lane % LANE_COLUMNS;

  var sums: array<vec4<f32>, ROWS * COLUMNS>;
  for (var k = 0u; k < params.depth; k++) {
    var lefts: array<vec4<f32>, ROWS>;
    for (var i = 0u; i < ROWS; i++) { // unrolled
      lefts[i] = textureLoad(left, vec2(k, row + i * LANE_ROWS));
    }
    for (var j = 0u; j < COLUMNS; j++) { // unrolled
      let place = column + j * LANE_COLUMNS;
      var b0: vec4<f32>;
      var b1: vec4<f32>;
      var b2: vec4<f32>;
      var b3: vec4<f32>;
      if (TRANSPOSED == 1u) {
        let c0 = textureLoad(right, vec2(k, 4u * place));
        let c1 = textureLoad(right, vec2(k, 4u * place + 1u));
        let c2 = textureLoad(right, vec2(k, 4u * place + 2u));
        let c3 = textureLoad(right, vec2(k, 4u * place + 3u));
        b0 = vec4(c0.x, c1.x, c2.x, c3.x);
        b1 = vec4(c0.y, c1.y, c2.y, c3.y);
        b2 = vec4(c0.z, c1.z, c2.z, c3.z);
        b3 = vec4(c0.w, c1.w, c2.w, c3.w);
      } else {
        b0 = textureLoad(right, vec2(place, 4u * k));
        b1 = textureLoad(right, vec2(place, 4u * k + 1u));
        b2 = textureLoad(right, vec2(place, 4u * k + 2u));
        b3 = textureLoad(right, vec2(place, 4u * k + 3u));
      }
      for (var i = 0u; i < ROWS; i++) { // unrolled
        sums[i * COLUMNS + j] = chain(sums[i * COLUMNS + j], lefts[i], b0, b1, b2, b3);
      }
    }
  }

  for (var i = 0u; i < ROWS; i++) { // unrolled
    for (var j = 0u; j < COLUMNS; j++) { // unrolled
      let first = 4u * (column + j * LANE_COLUMNS);
      let target_row = row + i * LANE_ROWS;
      if (target_row < params.rows) {
        for (var c = 0u; c < 4u; c++) {
          if (first + c < params.columns) {
            output[target_row * params.columns + first + c] = Output(sums[i * COLUMNS + j][c]);
          }
        }
      }
    }
  }
}
