// Merges the blocks' lists of a query into its k best tokens, and casts one vote for each of them.
//
// Shapes:   best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K] from score_top_k; votes u32
//           [batch, selections, votes_stride], zero before; candidates u32 [batch, selections, candidates_stride], every
//           token with a vote once, in no order; candidate_counts u32 [batch, selections], zero before; top_scores f32,
//           top_tokens u32 [batch, heads, pairs, K], the merged lists, for the trace.
//           selections is 1 where all heads vote together, or the number of KV heads where each votes on its own.
// Dispatch: one thread per query (batch * heads * pairs), linear groups
// Source:   ALGORITHM section 5: votes[j] = number of (head, row) whose k best hold j; ReAttention section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  queries: u32,
  pairs: u32,
  heads: u32,
  selections: u32,
  blocks: u32,
  votes_stride: u32,
  candidates_stride: u32,
}

// uses parts/best_list.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_scores: array<f32>;
@group(0) @binding(2) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> votes: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(5) var<storage, read_write> candidate_counts: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> top_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> top_tokens: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let query = group * WORKGROUP + lane;
  if (group >= params.group_count || query >= params.queries) {
    return;
  }
  var best: Best;
  for (var i = 0u; i < K; i++) {
    best.scores[i] = LOWEST;
    best.tokens[i] = NONE;
  }
  for (var block = 0u; block < params.blocks; block++) {
    let first = (query * params.blocks + block) * K;
    for (var entry = first; entry < first + K; entry++) {
      let score = best_scores[entry];
      let token = best_tokens[entry];
      // Lists fall: behind an entry that is not among the best there is none that is.
      if (token == NONE || !ranks_before(score, token, best.scores[0], best.tokens[0])) {
        break;
      }
      sink(&best, score, token, K);
    }
  }
  let head = (query / params.pairs) % params.heads;
  let sequence = query / (params.pairs * params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  for (var size = K; size > 0u; size--) {
    let score = best.scores[0];
    let token = best.tokens[0];
    sink(&best, best.scores[size - 1u], best.tokens[size - 1u], size - 1u);
    top_scores[query * K + size - 1u] = score;
    top_tokens[query * K + size - 1u] = token;
    if (token == NONE) {
      continue;
    }
    if (atomicAdd(&votes[selection * params.votes_stride + token], 1u) == 0u) {
      let place = atomicAdd(&candidate_counts[selection], 1u);
      candidates[selection * params.candidates_stride + place] = token;
    }
  }
}
