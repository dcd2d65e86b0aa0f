// Casts one vote for each token that a query's list holds: where lists are whole, and nothing is left to merge.
//
// Shapes:   best_tokens u32 [selections, entries], the lists of all queries that vote together, NONE where there is no token; votes
//           u32 [selections, votes_stride], zero before; candidates u32 [selections, candidates_stride], every token with a vote
//           once, in no order; candidate_counts u32 [selections], zero before
// Dispatch: one workgroup of WORKGROUP threads per selection and WORKGROUP entries, entries fastest; linear groups
// Source:   ALGORITHM section 5: votes[j] = number of (head, row) whose k best hold j; ReAttention section 3.2

struct Params {
  first_group: u32,
  group_count: u32,
  entries: u32,
  votes_stride: u32,
  candidates_stride: u32,
}

override WORKGROUP: u32 = 64u;

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> votes: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(4) var<storage, read_write> candidate_counts: array<atomic<u32>>;

// New candidates of this workgroup, and where they go: one wait for the common count instead of one each.
var<workgroup> fresh: atomic<u32>;
var<workgroup> first_place: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let parts = (params.entries + WORKGROUP - 1u) / WORKGROUP;
  let selection = group / parts;
  let entry = group % parts * WORKGROUP + lane;
  var token = NONE;
  if (entry < params.entries) {
    token = best_tokens[selection * params.entries + entry];
  }
  var place = NONE;
  if (token != NONE && atomicAdd(&votes[selection * params.votes_stride + token], 1u) == 0u) {
    place = atomicAdd(&fresh, 1u);
  }
  workgroupBarrier();
  if (lane == 0u) {
    first_place = atomicAdd(&candidate_counts[selection], atomicLoad(&fresh));
  }
  let first = workgroupUniformLoad(&first_place);
  if (place != NONE) {
    candidates[selection * params.candidates_stride + first + place] = token;
  }
}
