// How much attention each listed token gets: the sum of its softmax weights over all rows and heads that share its list.
//
// Shapes:   queries f32 [batch, rows, query_heads, 2 * HALF]; keys f32 [batch, heads, bound, padded], gathered and not turned;
//           indices u32 [batch, selections, bound]; counts u32 [batch, selections]; angles vec2 (cos, sin) [relative positions,
//           HALF]; sums f32 [batch, rows, query_heads] from relative_attention; mass f32 [batch, selections, bound], 0 past
//           the lists' ends
// Dispatch: one thread per list and place in it, linear groups
// Source:   the accumulated attention of H2O (arXiv 2306.14048, section 4), the votes of SnapKV (arXiv 2404.14469, section 3)
//           and the soft votes of TokenSelect (arXiv 2411.02886); rows as in relative_attention

// uses parts/relative_position.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  bound: u32,
  padded: u32,
  causal: u32,
  compact: u32,
  near: u32,
  fine: u32,
  slope: u32,
  group: u32,
  most: u32,
  scale: f32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> indices: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> sums: array<f32>;
@group(0) @binding(7) var<storage, read_write> mass: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let workgroup_number = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = workgroup_number * WORKGROUP + lane;
  if (workgroup_number >= params.group_count || thread >= params.batch * params.selections * params.bound) {
    return;
  }
  let place = thread % params.bound;
  let selection = thread / params.bound;
  let sequence = selection / params.selections;
  let count = counts[selection];
  let listed = selection * params.bound;
  let group = params.query_heads / params.heads;
  // All query heads share the list, or those of one KV head.
  let heads = params.query_heads / params.selections;
  let first_head = (selection % params.selections) * heads;
  let own = params.causal == 1u;
  var total = 0.0;
  if (place < count) {
    let n = select(indices[listed + place], place, params.compact == 1u);
    for (var pair = 0u; pair < params.rows * heads; pair++) {
      let row = pair / heads;
      let query_head = first_head + pair % heads;
      let end = select(count, count - params.rows + row + 1u, own);
      if (place >= end) {
        continue;
      }
      var angle = 0u;
      if (own) {
        angle = relative_row(select(indices[listed + end - 1u], end - 1u, params.compact == 1u), n) * HALF;
      }
      let query = ((sequence * params.rows + row) * params.query_heads + query_head) * 2u * HALF;
      let key = ((sequence * params.heads + query_head / group) * params.bound + place) * params.padded;
      var score = 0.0;
      for (var c = 0u; c < HALF; c++) { // unrolled
        let turn = angles[angle + c];
        let low = keys[key + c];
        let high = keys[key + c + HALF];
        score = fma(queries[query + c], low * turn.x + high * turn.y, score);
        score = fma(queries[query + c + HALF], high * turn.x - low * turn.y, score);
      }
      total += exp(score * params.scale - sums[(sequence * params.rows + row) * params.query_heads + query_head]);
    }
  }
  mass[thread] = total;
}
