// Rotary position embedding with given positions: turns the pairs (x[c], x[c + d/2]) of every head.
//
// Shapes:   x, y [rows, heads, 2 * pairs] of Element from element x_first and y_first on, computed in f32; positions u32
//           [rows] from positions_first on; cosines, sines f32 [table_rows, pairs], made on the host
// Dispatch: one thread per pair, linear groups
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
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.rows * params.heads * params.pairs) {
    return;
  }
  let c = index % params.pairs;
  let head = index / params.pairs;
  let row = head / params.heads;
  let position = min(positions[params.positions_first + row], params.table_rows - 1u);
  let cosine = cosines[position * params.pairs + c];
  let sine = sines[position * params.pairs + c];
  let offset = head * 2u * params.pairs + c;
  let low = Wide(x[params.x_first + offset]);
  let high = Wide(x[params.x_first + offset + params.pairs]);
  y[params.y_first + offset] = Element(low * cosine - high * sine);
  y[params.y_first + offset + params.pairs] = Element(high * cosine + low * sine);
}
