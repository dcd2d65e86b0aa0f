// All that follows scoring, in one workgroup for those who vote together: merges the blocks' lists of each query, counts votes,
// keeps the candidates with most, and lists what the step attends to. The same as merge_top_k, clip_votes and collect_indices one
// after the other: for GPUs, in decoding, where each call waits for the one before.
//
// Shapes:   best_scores f32, best_tokens u32 [selections, QUERIES, blocks, K] from a scoring kernel, a list's best first; parts
//           [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length m (0: no middle); indices u32
//           [selections, indices_stride], rising positions in the whole context; counts u32 [selections], how many of them; scope
//           atomic u32 [1], raised to the longest list. selections = batch * (1 or KV heads); QUERIES vote in each
// Dispatch: one workgroup of THREADS threads per selection, linear groups; LANES threads share a query, a power of two with
//           QUERIES * LANES <= THREADS
// Source:   ALGORITHM section 5 and 6: at most `clip` candidates, most votes first, ties to the lower token; then clamp(c + o, 0,
//           m - 1) for -floor(span / 2) <= o <= ceil(span / 2) - 1. Sorted spans end in rising order, so each adds the tokens
//           between the end of the one before and its own.

struct Params {
  first_group: u32,
  group_count: u32,
  blocks: u32,
  selections_per_sequence: u32,
  indices_stride: u32,
  clip: u32,
  span: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/list_votes.wgsl

// Entries of a list that a thread loads before it looks at the first.
const AHEAD = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_scores: array<f32>;
@group(0) @binding(2) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> scope: atomic<u32>;

var<workgroup> lane_scores: array<f32, THREADS * K>;
var<workgroup> lane_tokens: array<u32, THREADS * K>;

// The best of a query's lists among those that a thread takes.
fn best_of_share(query: u32, slice: u32) -> Best {
  var best: Best;
  for (var i = 0u; i < K; i++) { // unrolled
    best.scores[i] = LOWEST;
    best.tokens[i] = NONE;
  }
  let count = params.blocks * K;
  for (var first = slice; first < count; first += AHEAD * LANES) {
    var scores: array<f32, AHEAD>;
    var tokens: array<u32, AHEAD>;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let entry = query * count + min(first + i * LANES, count - 1u);
      scores[i] = best_scores[entry];
      tokens[i] = best_tokens[entry];
    }
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let counts_here = first + i * LANES < count && tokens[i] != NONE;
      if (counts_here && ranks_before(scores[i], tokens[i], best.scores[K - 1u], best.tokens[K - 1u])) {
        insert(&best, scores[i], tokens[i]);
      }
    }
  }
  return best;
}

fn store_lane(best: ptr<function, Best>, lane: u32) {
  for (var i = 0u; i < K; i++) { // unrolled
    lane_scores[i * THREADS + lane] = (*best).scores[i];
    lane_tokens[i * THREADS + lane] = (*best).tokens[i];
  }
}

// Leaves the K best of each query in `voted`.
fn merge(selection: u32, lane: u32) {
  let query = lane / LANES;
  let slice = lane % LANES;
  let takes = query < QUERIES;
  var best = best_of_share(selection * QUERIES + min(query, QUERIES - 1u), slice);
  store_lane(&best, lane);
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slice < half) {
      for (var i = 0u; i < K; i++) { // unrolled
        let score = lane_scores[i * THREADS + lane + half];
        let token = lane_tokens[i * THREADS + lane + half];
        if (ranks_before(score, token, best.scores[K - 1u], best.tokens[K - 1u])) {
          insert(&best, score, token);
        }
      }
      store_lane(&best, lane);
    }
  }
  if (takes && slice == 0u) {
    for (var i = 0u; i < K; i++) { // unrolled
      voted[query * K + i] = best.tokens[i];
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let selection = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (selection >= params.group_count) {
    return;
  }
  clear_votes(lane);
  merge(selection, lane);
  workgroupBarrier();
  list_tokens(selection, parts[selection / params.selections_per_sequence], lane);
}
