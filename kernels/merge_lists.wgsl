// The same as merge_top_k.wgsl with a workgroup for each query: for GPUs, where few queries have many blocks.
//
// Shapes:   best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K] from a scoring kernel; votes u32
//           [batch, selections, votes_stride], zero before; candidates u32 [batch, selections, candidates_stride], every
//           token with a vote once, in no order; candidate_counts u32 [batch, selections], zero before; top_scores f32,
//           top_tokens u32 [batch, heads, pairs, K], the merged lists, for the trace.
//           selections is 1 where all heads vote together, or the number of KV heads where each votes on its own.
// Dispatch: one workgroup of THREADS threads per query (batch * heads * pairs), linear groups; PAIRS is 1
// Source:   ALGORITHM section 5: votes[j] = number of (head, row) whose k best hold j; ReAttention section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  pairs: u32,
  heads: u32,
  selections: u32,
  blocks: u32,
  votes_stride: u32,
  candidates_stride: u32,
}

// uses parts/shared_list.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_scores: array<f32>;
@group(0) @binding(2) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> votes: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(5) var<storage, read_write> candidate_counts: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> top_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> top_tokens: array<u32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (query >= params.group_count) {
    return;
  }
  for (var item = lane; item < K; item += THREADS) {
    list_scores[item] = LOWEST;
    list_tokens[item] = NONE;
  }
  let count = params.blocks * K;
  var turn = 0u;
  for (var first = 0u; first < count; first += THREADS) {
    workgroupBarrier();
    if (first + lane < count) {
      let entry = query * count + first + lane;
      offer(0u, turn, best_scores[entry], best_tokens[entry]);
    }
    turn = join(turn, lane);
  }
  workgroupBarrier();
  let head = (query / params.pairs) % params.heads;
  let sequence = query / (params.pairs * params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  for (var item = lane; item < K; item += THREADS) {
    let token = list_tokens[turn * K + item];
    top_scores[query * K + item] = list_scores[turn * K + item];
    top_tokens[query * K + item] = token;
    if (token != NONE && atomicAdd(&votes[selection * params.votes_stride + token], 1u) == 0u) {
      let place = atomicAdd(&candidate_counts[selection], 1u);
      candidates[selection * params.candidates_stride + place] = token;
    }
  }
}
