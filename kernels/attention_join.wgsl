// Joins the few parts that attention over many rows leaves: each row's sums, brought to one largest score, over their weights. For
// few rows or many parts there is attention_combine.wgsl.
//
// Shapes:   parts vec4 [rows of batch and heads, pairs, splits, D4 + 1]; output [batch, step_rows, query_heads, D4] of vec4
// Dispatch: one thread per vec4 of the output, `vectors` of them; linear groups. AHEAD parts are on their way at a time, brought to
//           the highest score so far
// Source:   Flash-Decoding (Dao et al. 2023); parts without a token weigh 0

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  splits: u32,
  vectors: u32,
}

override WORKGROUP: u32 = 128u;
// Less than any score.
const LOWEST = -3.0e38f;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let vector = group * WORKGROUP + lane;
  if (group >= params.group_count || vector >= params.vectors) {
    return;
  }
  let row = vector / D4;
  let channel = vector % D4;
  let first = row * params.splits * (D4 + 1u);
  var most = LOWEST;
  var total = vec4<f32>();
  var weight = 0.0;
  for (var split = 0u; split < params.splits; split += AHEAD) {
    var tails: array<vec4<f32>, AHEAD>;
    var sums: array<vec4<f32>, AHEAD>;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let place = first + min(split + i, params.splits - 1u) * (D4 + 1u);
      tails[i] = parts[place + D4];
      sums[i] = parts[place + channel];
    }
    var next = most;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      // Past the last part stands that one again: it counts once.
      tails[i].y = select(0.0, tails[i].y, split + i < params.splits);
      next = max(next, select(LOWEST, tails[i].x, tails[i].y > 0.0));
    }
    let shrink = exp(most - next);
    most = next;
    weight *= shrink;
    total *= shrink;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      // Of a part without a token nothing counts: its sums need not be numbers.
      if (tails[i].y > 0.0) {
        let factor = exp(tails[i].x - most);
        weight = fma(tails[i].y, factor, weight);
        total = fma(sums[i], vec4<f32>(factor), total);
      }
    }
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = row % pairs;
  let head = (row / pairs) % params.heads;
  let sequence = row / (pairs * params.heads);
  let place = sequence * params.step_rows + pair / share;
  output[(place * params.query_heads + head * share + pair % share) * D4 + channel] = total / weight;
}
