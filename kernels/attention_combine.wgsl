// Joins the parts that attention over few rows leaves: each row's sums, brought to one largest score, over their weights. For many
// rows with few parts there is attention_join.wgsl.
//
// Shapes:   parts vec4 [rows of batch and heads, pairs, splits, D4 + 1]; output [batch, step_rows, query_heads, D4] of vec4
// Dispatch: one workgroup of THREADS threads per sequence, KV head and pair (row, query head of its group); linear groups. SLICES
//           threads take parts in turns, AHEAD at once, for each of the D4 vectors of a part.
// Source:   Flash-Decoding (Dao et al. 2023); parts without a token weigh 0

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  splits: u32,
}

const LOWEST = -3.0e38f;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

// Of each slice: its largest score and weight, and its sums.
var<workgroup> tails: array<vec2<f32>, SLICES>;
var<workgroup> sums: array<array<vec4<f32>, D4>, SLICES>;

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
  let first = group * params.splits * (D4 + 1u);
  let channel = lane % D4;
  let slice = lane / D4;
  var most = LOWEST;
  var weight = 0.0;
  var total = vec4<f32>();
  if (slice < SLICES) {
    for (var split = slice; split < params.splits; split += AHEAD * SLICES) {
      var found: array<vec4<f32>, AHEAD>;
      var loaded: array<vec4<f32>, AHEAD>;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let place = first + min(split + i * SLICES, params.splits - 1u) * (D4 + 1u);
        found[i] = parts[place + D4];
        loaded[i] = parts[place + channel];
      }
      var highest = most;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        // Of a part without a token nothing counts: its sums need not be numbers.
        if (split + i * SLICES >= params.splits || found[i].y <= 0.0) {
          found[i] = vec4(LOWEST, 0.0, 0.0, 0.0);
          loaded[i] = vec4<f32>();
        }
        highest = max(highest, found[i].x);
      }
      let shrink = exp(most - highest);
      most = highest;
      weight *= shrink;
      total *= shrink;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let share = exp(found[i].x - highest);
        weight = fma(found[i].y, share, weight);
        total = fma(loaded[i], vec4<f32>(share), total);
      }
    }
    if (channel == 0u) {
      tails[slice] = vec2(most, weight);
    }
    sums[slice][channel] = total;
  }
  workgroupBarrier();
  if (lane < D4) {
    var highest = LOWEST;
    for (var other = 0u; other < SLICES; other++) { // unrolled
      highest = max(highest, tails[other].x);
    }
    weight = 0.0;
    total = vec4<f32>();
    for (var other = 0u; other < SLICES; other++) { // unrolled
      let share = exp(tails[other].x - highest);
      weight = fma(tails[other].y, share, weight);
      total = fma(sums[other][lane], vec4<f32>(share), total);
    }
    let share = params.query_heads / params.heads;
    let pairs = params.step_rows * share;
    let pair = group % pairs;
    let head = (group / pairs) % params.heads;
    let sequence = group / (pairs * params.heads);
    let row = sequence * params.step_rows + pair / share;
    output[(row * params.query_heads + head * share + pair % share) * D4 + lane] = total / weight;
  }
}
