// Causal attention with grouped heads and an online softmax: the score matrix is never written.
//
// Shapes:   queries, output [batch, step_rows, query_heads, head_size] f32; keys, values f32 as vec4, addressed by strides
//           (in vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros; counts u32
//           [batch, selections], the tokens attended to, of the whole batch, of which the first `tokens` keys are here (all of
//           them without selections: counts is not read); the others may hold sequences from first_sequence on, where a batch is
//           past one binding. SPLIT: output is what
//           attention_combine.wgsl joins, [batch, heads, pairs, parts, 4 * D4 + 4], this call's part being first_part: sums, and
//           behind them the highest score and the weights' sum
// Dispatch: one thread per PAIRS pairs (row, query head of a KV head's group), linear groups, batch * heads outermost.
//           Where slide is not 0, row i sees the last `slide` of its keys only.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6); online softmax after Milakov and
//           Gimelshein 2018, tiled as in FlashAttention (Dao et al. 2022). Software adapters take most of their time to load
//           keys and values: what is loaded for eight pairs costs them little more than for two.
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  sequence_stride: u32,
  head_stride: u32,
  token_stride: u32,
  scale: f32,
  slide: u32,
  tokens: u32,
  parts: u32,
  first_part: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

fn total(x: vec4<f32>) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles + WORKGROUP - 1u) / WORKGROUP;
  let tile = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || tile >= tiles) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let count = count_of(sequence, head);

  // Row i sees the keys up to count - step_rows + i; the last of the rows bounds the loop.
  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var firsts: array<u32, PAIRS>;
  var begins: array<u32, PAIRS>;
  var ends: array<u32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(tile * PAIRS + p, pairs - 1u);
    let row = pair / share;
    firsts[p] = ((sequence * params.step_rows + row) * params.query_heads + head * share + pair % share) * params.head_size;
    ends[p] = end_of(count, row);
    begins[p] = select(0u, ends[p] - min(ends[p], params.slide), params.slide > 0u);
    for (var c4 = 0u; c4 < D4; c4++) { // unrolled
      for (var c = 0u; c < 4u; c++) { // unrolled
        if (4u * c4 + c < params.head_size) {
          queries_of[p][c4][c] = queries[firsts[p] + 4u * c4 + c] * params.scale;
        }
      }
    }
  }
  let base = sequence * params.sequence_stride + head * params.head_stride;
  let last = ends[PAIRS - 1u];
  var sums: array<array<vec4<f32>, D4>, PAIRS>;
  var most: array<f32, PAIRS>;
  var weights: array<f32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    most[p] = LOWEST;
  }
  for (var token = begins[0]; token < last; token += 2u) {
    let a = base + token * params.token_stride;
    let b = select(a, a + params.token_stride, token + 1u < last);
    var scores0 = array<vec4<f32>, PAIRS>();
    var scores1 = array<vec4<f32>, PAIRS>();
    for (var c = 0u; c < D4; c++) { // unrolled
      let key0 = keys[a + c];
      let key1 = keys[b + c];
      for (var p = 0u; p < PAIRS; p++) { // unrolled
        scores0[p] = fma(queries_of[p][c], key0, scores0[p]);
        scores1[p] = fma(queries_of[p][c], key1, scores1[p]);
      }
    }
    var weights0: array<f32, PAIRS>;
    var weights1: array<f32, PAIRS>;
    var shrinks: array<f32, PAIRS>;
    for (var p = 0u; p < PAIRS; p++) { // unrolled
      let seen0 = token < ends[p] && token >= begins[p];
      let seen1 = token + 1u < ends[p] && token + 1u >= begins[p];
      let score0 = select(LOWEST, total(scores0[p]), seen0);
      let score1 = select(LOWEST, total(scores1[p]), seen1);
      let next = max(most[p], max(score0, score1));
      shrinks[p] = exp(most[p] - next);
      weights0[p] = select(0.0, exp(score0 - next), seen0);
      weights1[p] = select(0.0, exp(score1 - next), seen1);
      most[p] = next;
      weights[p] = weights[p] * shrinks[p] + (weights0[p] + weights1[p]);
    }
    for (var c = 0u; c < D4; c++) { // unrolled
      let value0 = values[a + c];
      let value1 = values[b + c];
      for (var p = 0u; p < PAIRS; p++) { // unrolled
        sums[p][c] = fma(vec4<f32>(weights1[p]), value1, fma(vec4<f32>(weights0[p]), value0, sums[p][c] * shrinks[p]));
      }
    }
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (tile * PAIRS + p < pairs) {
      var place = firsts[p];
      var divisor = weights[p];
      if (SPLIT == 1u) {
        place = 4u * part_first(tile * PAIRS + p, pairs, head, sequence, 0u);
        divisor = 1.0;
        output[place + 4u * D4] = most[p];
        output[place + 4u * D4 + 1u] = weights[p];
      }
      for (var c4 = 0u; c4 < D4; c4++) { // unrolled
        for (var c = 0u; c < 4u; c++) { // unrolled
          if (SPLIT == 1u || 4u * c4 + c < params.head_size) {
            output[place + 4u * c4 + c] = sums[p][c4][c] / divisor;
          }
        }
      }
    }
  }
}
