// Causal attention with grouped heads in which each pair of query and key has a relative position of its own.
//
// Shapes:   queries, output [batch, rows, query_heads, head_size] f32; keys, values f32 [batch, heads, bound, padded], gathered
//           and not turned; indices u32 [batch, selections, bound], the tokens' positions in the context, rising; counts u32
//           [batch, selections]; angles vec2 (cos, sin) [relative positions, HALF]; sums f32 [batch, rows, query_heads], the
//           logarithm of each row's sum of exponentials. SPLIT: output is what relative_join.wgsl joins, f32 [batch, rows,
//           query_heads, splits, SIZE + 2]: sums, and behind them the highest score and the weights' sum
// Dispatch: one thread per row, SHARE query heads of a KV head's group and split_keys places of the list; linear groups, those
//           of a split in a row. The list ends with the rows' own tokens (causal 1), or all rows see all of it (causal 0). Where
//           slide is not 0, a row sees the first `leading` tokens, the last `slide` ones up to its own, and all that lie before
//           the first row's `slide` tokens.
// Source:   softmax(q R(relative) k / sqrt(d)) v; relative positions by parts/relative_position.wgsl. `compact` takes places in
//           the list for positions.
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
  slide: u32,
  leading: u32,
  compact: u32,
  near: u32,
  fine: u32,
  slope: u32,
  group: u32,
  most: u32,
  scale: f32,
  row_groups: u32,
  splits: u32,
  split_keys: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> output: array<f32>;
@group(0) @binding(8) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let workgroup_number = params.first_group + workgroup.x + workgroup.y * grid.x;
  let split = workgroup_number / params.row_groups;
  let thread = workgroup_number % params.row_groups * WORKGROUP + lane;
  let tiles = params.query_heads / SHARE;
  if (workgroup_number >= params.group_count || thread >= params.batch * params.rows * tiles) {
    return;
  }
  let first_head = (thread % tiles) * SHARE;
  let row = (thread / tiles) % params.rows;
  let sequence = thread / (tiles * params.rows);
  let head = first_head / (params.query_heads / params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  let count = counts[selection];
  let listed = selection * params.bound;

  // A list that holds less than the rows' own tokens has none of them: then rows see all of it and nothing is near.
  var end = count;
  var m = 0u;
  var window = 0u;
  if (params.causal == 1u) {
    end = count - params.rows + row + 1u;
    m = select(indices[listed + end - 1u], end - 1u, params.compact == 1u);
    let first = select(indices[listed + count - params.rows], count - params.rows, params.compact == 1u);
    window = first + 1u - min(first + 1u, params.slide);
  }

  var queries_of: array<array<f32, SIZE>, SHARE>;
  var sums_of: array<array<f32, SIZE>, SHARE>;
  var most: array<f32, SHARE>;
  var weights: array<f32, SHARE>;
  let place_of_row = (sequence * params.rows + row) * params.query_heads + first_head;
  for (var h = 0u; h < SHARE; h++) { // unrolled
    most[h] = LOWEST;
    for (var c = 0u; c < SIZE; c++) { // unrolled
      queries_of[h][c] = queries[(place_of_row + h) * SIZE + c] * params.scale;
    }
  }
  let base = (sequence * params.heads + head) * params.bound * params.padded;
  let begin = split * params.split_keys;
  end = min(end, begin + params.split_keys);
  for (var place = begin; place < end; place++) {
    let n = select(indices[listed + place], place, params.compact == 1u);
    let hidden = params.causal == 1u && params.slide > 0u && n >= max(window, params.leading) && m - n >= params.slide;
    var angle = 0u;
    if (params.causal == 1u) {
      angle = relative_row(m, n) * HALF;
    }
    let at = base + place * params.padded;
    var scores = array<f32, SHARE>();
    for (var c = 0u; c < HALF; c++) { // unrolled
      let turn = angles[angle + c];
      let low = keys[at + c];
      let high = keys[at + c + HALF];
      let turned_low = low * turn.x + high * turn.y;
      let turned_high = high * turn.x - low * turn.y;
      for (var h = 0u; h < SHARE; h++) { // unrolled
        scores[h] = fma(queries_of[h][c], turned_low, fma(queries_of[h][c + HALF], turned_high, scores[h]));
      }
    }
    var shrinks: array<f32, SHARE>;
    var gains: array<f32, SHARE>;
    for (var h = 0u; h < SHARE; h++) { // unrolled
      let next = select(max(most[h], scores[h]), most[h], hidden);
      shrinks[h] = exp(most[h] - next);
      gains[h] = select(exp(scores[h] - next), 0.0, hidden);
      most[h] = next;
      weights[h] = weights[h] * shrinks[h] + gains[h];
    }
    for (var c = 0u; c < SIZE; c++) { // unrolled
      let value = values[at + c];
      for (var h = 0u; h < SHARE; h++) { // unrolled
        sums_of[h][c] = fma(gains[h], value, sums_of[h][c] * shrinks[h]);
      }
    }
  }
  if (SPLIT == 1u) {
    for (var h = 0u; h < SHARE; h++) { // unrolled
      let part = ((place_of_row + h) * params.splits + split) * (SIZE + 2u);
      for (var c = 0u; c < SIZE; c++) { // unrolled
        output[part + c] = sums_of[h][c];
      }
      output[part + SIZE] = most[h];
      output[part + SIZE + 1u] = weights[h];
    }
    return;
  }
  for (var h = 0u; h < SHARE; h++) { // unrolled
    sums[place_of_row + h] = most[h] + log(weights[h]);
    for (var c = 0u; c < SIZE; c++) { // unrolled
      output[(place_of_row + h) * SIZE + c] = sums_of[h][c] / weights[h];
    }
  }
}
