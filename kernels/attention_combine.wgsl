// Joins the parts that attention over few rows leaves: each row's sums, brought to one largest score, over their weights. For many
// rows with few parts there is attention_join.wgsl.
//
// Shapes:   parts vec4 [rows of batch and heads, pairs, splits, D4 + 1]; output [batch, step_rows, query_heads, D4] of vec4
// Dispatch: one workgroup of 256 threads per sequence, KV head and pair (row, query head of its group); linear groups
// Source:   Flash-Decoding (Dao et al. 2023); parts without a token weigh 0

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  splits: u32,
}

const THREADS = 256u;
const SLICES = THREADS / D4;
// Parts that a thread loads before it adds the first.
const AHEAD = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

var<workgroup> scratch: array<f32, THREADS>;
var<workgroup> sums: array<vec4<f32>, THREADS>;

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
  var most = -3.0e38f;
  for (var split = lane; split < params.splits; split += THREADS) {
    let part = parts[first + split * (D4 + 1u) + D4];
    most = max(most, select(-3.0e38f, part.x, part.y > 0.0));
  }
  scratch[lane] = most;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      scratch[lane] = max(scratch[lane], scratch[lane + half]);
    }
  }
  workgroupBarrier();
  most = scratch[0];

  let channel = lane % D4;
  let slice = lane / D4;
  var total = vec4<f32>();
  var weight = 0.0;
  if (slice < SLICES) {
    for (var split = slice; split < params.splits; split += AHEAD * SLICES) {
      var tails: array<vec4<f32>, AHEAD>;
      var loaded: array<vec4<f32>, AHEAD>;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let place = first + min(split + i * SLICES, params.splits - 1u) * (D4 + 1u);
        tails[i] = parts[place + D4];
        loaded[i] = parts[place + channel];
      }
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        // Of a part without a token nothing counts: its sums need not be numbers.
        if (split + i * SLICES < params.splits && tails[i].y > 0.0) {
          let factor = exp(tails[i].x - most);
          weight = fma(tails[i].y, factor, weight);
          total = fma(loaded[i], vec4<f32>(factor), total);
        }
      }
    }
  }
  workgroupBarrier();
  scratch[lane] = weight;
  sums[lane] = total;
  workgroupBarrier();
  if (lane < D4) {
    for (var other = 1u; other < SLICES; other++) {
      total += sums[lane + other * D4];
      weight += scratch[lane + other * D4];
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
