// Joins the parts that attention over many rows leaves: each row's sums, brought to one largest score, over their weights. For few
// rows with many parts there is attention_combine.wgsl.
//
// Shapes:   parts vec4 [rows of batch and heads, pairs, splits, D4 + 1]; output [batch, step_rows, query_heads, D4] of vec4
// Dispatch: one thread per vec4 of the output, `vectors` of them; linear groups
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
  for (var split = 0u; split < params.splits; split++) {
    let tail = parts[first + split * (D4 + 1u) + D4];
    most = max(most, select(LOWEST, tail.x, tail.y > 0.0));
  }
  var total = vec4<f32>();
  var weight = 0.0;
  for (var split = 0u; split < params.splits; split++) {
    let place = first + split * (D4 + 1u);
    let tail = parts[place + D4];
    // Of a part without a token nothing counts: its sums need not be numbers.
    if (tail.y > 0.0) {
      let factor = exp(tail.x - most);
      weight = fma(tail.y, factor, weight);
      total = fma(parts[place + channel], vec4<f32>(factor), total);
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
