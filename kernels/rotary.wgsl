// Rotary position embedding with given positions: turns the pairs (x[c], x[c + d/2]) of every head.
//
// Shapes:   x, y [rows, heads, 2 * pairs] of Element from element x_first and y_first on, computed in f32; positions u32
//           [rows] from positions_first on; cosines, sines f32 [table_rows, pairs], made on the host
// Dispatch: one thread per WIDTH pairs, a workgroup's side by side, linear groups
//           Where `pairs` counts whole vec4s, Element and Wide are vec4s and all but rows, heads and positions count them.
// Source:   Su et al. 2021, "RoFormer", equation 34, with half-split pairs as in Llama; a position past the table takes its
//           last row. Angles never go through WGSL's sin and cos, which may be far off for large ones.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  heads: u32,
  pairs: u32,
  table_rows: u32,
  x_first: u32,
  y_first: u32,
  positions_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> cosines: array<Wide>;
@group(0) @binding(4) var<storage, read> sines: array<Wide>;
@group(0) @binding(5) var<storage, read_write> y: array<Element>;

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
  let start = group * WORKGROUP * WIDTH + lane;
  let total = params.rows * params.heads * params.pairs;
  var lows: array<Wide, WIDTH>;
  var highs: array<Wide, WIDTH>;
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = min(start + i * WORKGROUP, total - 1u);
    let c = index % params.pairs;
    let head = index / params.pairs;
    let position = min(positions[params.positions_first + head / params.heads], params.table_rows - 1u);
    let cosine = cosines[position * params.pairs + c];
    let sine = sines[position * params.pairs + c];
    let place = params.x_first + head * 2u * params.pairs + c;
    let low = Wide(x[place]);
    let high = Wide(x[place + params.pairs]);
    lows[i] = low * cosine - high * sine;
    highs[i] = high * cosine + low * sine;
  }
  for (var i = 0u; i < WIDTH; i++) { // unrolled
    let index = start + i * WORKGROUP;
    if (index < total) {
      let place = params.y_first + index / params.pairs * 2u * params.pairs + index % params.pairs;
      y[place] = Element(lows[i]);
      y[place + params.pairs] = Element(highs[i]);
    }
  }
}
