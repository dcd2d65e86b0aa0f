// The same as causal_attention_image.wgsl straight from the cache's pages, whose keys are turned as they are read: for decoding on
// software adapters, where each key is read by a few rows only and is not worth being gathered first.
//
// Shapes:   queries [batch, step_rows, query_heads, D4] of vec4<f32>, rotated; key_pages, value_pages [slab_pages, heads, page_tokens,
//           8 * D8], stored as parts/keys_*.wgsl and values_*.wgsl say, the only slab that has tokens of the list; table [batch,
//           table_stride]; indices u32 [batch, selections, indices_stride], not read where IN_ORDER is 1: a list is 0, 1, 2.. then;
//           counts u32 [batch, selections]; rotation (cos, sin) two a vec4 [positions, 2 * D8]; output [batch, step_rows, query_heads,
//           D4] of vec4<f32>; SPLIT: what attention_combine.wgsl joins, vec4 [batch, heads, pairs, parts, D4 + 1]: sums, and behind
//           them the highest score and the weights' sum
// Dispatch: one thread per PAIRS pairs (row, query head of a KV head's group) and split of the keys, TOKENS of them at a time; pairs
//           fastest; linear groups, batch * heads outermost
// Source:   softmax(q k / sqrt(d)) v over j <= M - S + i (ALGORITHM section 6), each number as gather_vectors.wgsl and
//           causal_attention_image.wgsl compute it
// uses parts/attended_rows.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  first_sequence: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  indices_stride: u32,
  original: u32,
  scale: f32,
  tokens: u32,
  splits: u32,
  parts: u32,
  first_part: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> indices: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> output: array<vec4<f32>>;

fn product(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
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
  let groups_per_head = (tiles * params.splits + WORKGROUP - 1u) / WORKGROUP;
  let own = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || own >= tiles * params.splits) {
    return;
  }
  let tile = own % tiles;
  let split = own / tiles;
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let count = count_of(sequence, head);
  let list = (sequence * params.selections + select(head, 0u, params.selections == 1u)) * params.indices_stride;

  // Row i sees the keys up to count - step_rows + i; the last of the rows bounds the loop.
  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var firsts: array<u32, PAIRS>;
  var ends: array<u32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(tile * PAIRS + p, pairs - 1u);
    firsts[p] = query_first(pair, share, head, sequence);
    ends[p] = end_of(count, pair / share);
    for (var c = 0u; c < D4; c++) { // unrolled
      queries_of[p][c] = queries[firsts[p] + c] * params.scale;
    }
  }
  let all = ends[PAIRS - 1u];
  let split_keys = (all + params.splits - 1u) / params.splits;
  let first = min(split * split_keys, all);
  let last = min((split + 1u) * split_keys, all);
  var sums: array<array<vec4<f32>, D4>, PAIRS>;
  var most: array<f32, PAIRS>;
  var weights: array<f32, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    most[p] = LOWEST;
  }
  for (var place = first; place < last; place += TOKENS) {
    var scores: array<array<f32, TOKENS>, PAIRS>;
    var value_rows: array<u32, TOKENS>;
    var value_scales: array<f32, TOKENS>;
    // Loops over tokens are not written out: loads are most of the lines, and of the time that those take to compile.
    for (var n = 0u; n < TOKENS; n++) {
      let listed = min(place + n, last - 1u);
      var token = listed;
      if (IN_ORDER == 0u) {
        token = indices[list + listed];
      }
      let page = table[sequence * params.table_stride + token / params.page_tokens] - params.slab_first;
      let slot = (page * params.heads + head) * params.page_tokens + token % params.page_tokens;
      let key_row = key_first(slot);
      let key_factor = key_scale(slot);
      let angles = select(listed, token, params.original == 1u) * D4;
      // Lower halves first, as they lie in a gathered key: sums run in the same order.
      var score = array<f32, PAIRS>();
      var uppers: array<vec4<f32>, D8>;
      for (var load = 0u; load < KEY_LOADS; load++) { // unrolled
        let lows = key_pages[key_row + load];
        let highs = key_pages[key_row + load + KEY_LOADS];
        for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
          let low = key_part(lows, v) * key_factor;
          let high = key_part(highs, v) * key_factor;
          let c = load * KEY_VECTORS + v;
          let a = rotation[angles + 2u * c];
          let b = rotation[angles + 2u * c + 1u];
          let cosines = vec4(a.x, a.z, b.x, b.z);
          let sines = vec4(a.y, a.w, b.y, b.w);
          uppers[c] = high * cosines + low * sines;
          let lower = low * cosines - high * sines;
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            score[p] = product(queries_of[p][c], lower, score[p]);
          }
        }
      }
      for (var c = 0u; c < D8; c++) { // unrolled
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          score[p] = product(queries_of[p][c + D8], uppers[c], score[p]);
        }
      }
      let value_row = value_first(slot);
      let value_factor = value_scale(slot);
      for (var m = 0u; m < TOKENS; m++) { // unrolled
        if (n == m) {
          value_rows[m] = value_row;
          value_scales[m] = value_factor;
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            scores[p][m] = select(LOWEST, score[p], place + m < min(ends[p], last));
          }
        }
      }
    }
    for (var p = 0u; p < PAIRS; p++) { // unrolled
      var next = most[p];
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        next = max(next, scores[p][n]);
      }
      let shrink = exp(most[p] - next);
      most[p] = next;
      weights[p] *= shrink;
      for (var n = 0u; n < TOKENS; n++) { // unrolled
        scores[p][n] = select(exp(scores[p][n] - next), 0.0, scores[p][n] == LOWEST);
        weights[p] += scores[p][n];
      }
      for (var c = 0u; c < D4; c++) { // unrolled
        sums[p][c] *= shrink;
      }
    }
    for (var n = 0u; n < TOKENS; n++) {
      var value_row = 0u;
      var value_factor = 1.0;
      var weight: array<f32, PAIRS>;
      for (var m = 0u; m < TOKENS; m++) { // unrolled
        if (n == m) {
          value_row = value_rows[m];
          value_factor = value_scales[m];
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            weight[p] = scores[p][m];
          }
        }
      }
      for (var load = 0u; load < VALUE_LOADS; load++) { // unrolled
        let loaded = value_pages[value_row + load];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          let c = load * VALUE_VECTORS + v;
          let value = value_part(loaded, v) * value_factor;
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            sums[p][c] = fma(vec4<f32>(weight[p]), value, sums[p][c]);
          }
        }
      }
    }
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (tile * PAIRS + p < pairs) {
      var target_first = firsts[p];
      var factor = 1.0 / weights[p];
      if (SPLIT == 1u) {
        target_first = part_first(tile * PAIRS + p, pairs, head, sequence, split);
        factor = 1.0;
        output[target_first + D4] = vec4(most[p], weights[p], 0.0, 0.0);
      }
      for (var c = 0u; c < D4; c++) { // unrolled
        output[target_first + c] = sums[p][c] * factor;
      }
    }
  }
}
