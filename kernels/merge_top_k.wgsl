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

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
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
  var scores: array<f32, K>;
  var tokens: array<u32, K>;
  for (var i = 0u; i < K; i++) {
    scores[i] = LOWEST;
    tokens[i] = NONE;
  }
  let first = query * params.blocks * K;
  for (var entry = first; entry < first + params.blocks * K; entry++) {
    let score = best_scores[entry];
    let token = best_tokens[entry];
    // Blocks rise by token and lists fall by score, so among equal scores the lower token came first and stays.
    if (token == NONE || !(score > scores[K - 1u] || tokens[K - 1u] == NONE)) {
      continue;
    }
    var place = K - 1u;
    while (place > 0u && (tokens[place - 1u] == NONE || score > scores[place - 1u])) {
      scores[place] = scores[place - 1u];
      tokens[place] = tokens[place - 1u];
      place--;
    }
    scores[place] = score;
    tokens[place] = token;
  }
  let head = (query / params.pairs) % params.heads;
  let sequence = query / (params.pairs * params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  for (var i = 0u; i < K; i++) {
    top_scores[query * K + i] = scores[i];
    top_tokens[query * K + i] = tokens[i];
    if (tokens[i] == NONE) {
      continue;
    }
    if (atomicAdd(&votes[selection * params.votes_stride + tokens[i]], 1u) == 0u) {
      let place = atomicAdd(&candidate_counts[selection], 1u);
      candidates[selection * params.candidates_stride + place] = tokens[i];
    }
  }
}
