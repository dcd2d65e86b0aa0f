// Causal attention with grouped heads and an online softmax: the score matrix is never written.
//
// Shapes:   queries, output [batch, step_rows, query_heads, head_size] f32; keys, values f32 as vec4, addressed by strides
//           (in vec4s) for sequence, KV head and token, 4 * D4 channels each, padded with zeros; counts u32
//           [batch, selections], the tokens attended to, of the whole batch; the others may hold sequences from
//           first_sequence on, where a batch is past one binding
// Dispatch: one thread per two pairs (row, query head of a KV head's group), linear groups, batch * heads outermost
//           Where slide is not 0, row i sees the last `slide` of its keys only.
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6); online softmax after Milakov and
//           Gimelshein 2018, tiled as in FlashAttention (Dao et al. 2022). Two pairs by two keys a thread was the best of
//           2x2, 2x3, 2x4, 2x8 on a software adapter; 4x4 is a fifth faster there and twice as long.

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
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

fn load_query(query: ptr<function, array<vec4<f32>, D4>>, first: u32) {
  for (var c4 = 0u; c4 < D4; c4++) {
    var value = vec4<f32>();
    for (var c = 0u; c < 4u; c++) {
      if (4u * c4 + c < params.head_size) {
        value[c] = queries[first + 4u * c4 + c] * params.scale;
      }
    }
    (*query)[c4] = value;
  }
}

fn store_row(sum: ptr<function, array<vec4<f32>, D4>>, weight: f32, first: u32) {
  for (var c = 0u; c < params.head_size; c++) {
    output[first + c] = (*sum)[c / 4u][c % 4u] / weight;
  }
}

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
  let tiles = (pairs + 1u) / 2u;
  let groups_per_head = (tiles + WORKGROUP - 1u) / WORKGROUP;
  let tile = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || tile >= tiles) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let pair0 = 2u * tile;
  let pair1 = min(pair0 + 1u, pairs - 1u);
  let rows = sequence * params.step_rows;
  let query_first0 = ((rows + pair0 / share) * params.query_heads + head * share + pair0 % share) * params.head_size;
  let query_first1 = ((rows + pair1 / share) * params.query_heads + head * share + pair1 % share) * params.head_size;
  var query0: array<vec4<f32>, D4>;
  var query1: array<vec4<f32>, D4>;
  load_query(&query0, query_first0);
  load_query(&query1, query_first1);

  let count = counts[(params.first_sequence + sequence) * params.selections + select(head, 0u, params.selections == 1u)];
  // Row i sees the keys up to count - step_rows + i; the later of the two rows bounds the loop.
  let end0 = count - params.step_rows + pair0 / share + 1u;
  let end1 = count - params.step_rows + pair1 / share + 1u;
  let slides = params.slide > 0u;
  let begin0 = select(0u, end0 - min(end0, params.slide), slides);
  let begin1 = select(0u, end1 - min(end1, params.slide), slides);
  let base = sequence * params.sequence_stride + head * params.head_stride;
  var sum0: array<vec4<f32>, D4>;
  var sum1: array<vec4<f32>, D4>;
  var most0 = LOWEST;
  var most1 = LOWEST;
  var weight0 = 0.0;
  var weight1 = 0.0;
  for (var token = begin0; token < end1; token += 2u) {
    let a = base + token * params.token_stride;
    let b = select(a, a + params.token_stride, token + 1u < end1);
    var s00 = vec4<f32>();
    var s01 = vec4<f32>();
    var s10 = vec4<f32>();
    var s11 = vec4<f32>();
    for (var c = 0u; c < D4; c++) { // unrolled
      let key0 = keys[a + c];
      let key1 = keys[b + c];
      s00 = fma(query0[c], key0, s00);
      s01 = fma(query0[c], key1, s01);
      s10 = fma(query1[c], key0, s10);
      s11 = fma(query1[c], key1, s11);
    }
    let score00 = select(LOWEST, total(s00), token < end0);
    let score01 = select(LOWEST, total(s01), token + 1u < end0);
    let seen10 = token >= begin1;
    let seen11 = token + 1u < end1 && token + 1u >= begin1;
    let score10 = select(LOWEST, total(s10), seen10);
    let score11 = select(LOWEST, total(s11), seen11);
    let next0 = max(most0, max(score00, score01));
    let next1 = max(most1, max(score10, score11));
    let shrink0 = exp(most0 - next0);
    let shrink1 = exp(most1 - next1);
    let p00 = select(0.0, exp(score00 - next0), token < end0);
    let p01 = select(0.0, exp(score01 - next0), token + 1u < end0);
    let p10 = select(0.0, exp(score10 - next1), seen10);
    let p11 = select(0.0, exp(score11 - next1), seen11);
    most0 = next0;
    most1 = next1;
    weight0 = weight0 * shrink0 + (p00 + p01);
    weight1 = weight1 * shrink1 + (p10 + p11);
    for (var c = 0u; c < D4; c++) { // unrolled
      let value0 = values[a + c];
      let value1 = values[b + c];
      sum0[c] = fma(vec4<f32>(p01), value1, fma(vec4<f32>(p00), value0, sum0[c] * shrink0));
      sum1[c] = fma(vec4<f32>(p11), value1, fma(vec4<f32>(p10), value0, sum1[c] * shrink1));
    }
  }
  store_row(&sum0, weight0, query_first0);
  if (pair1 != pair0) {
    store_row(&sum1, weight1, query_first1);
  }
}
