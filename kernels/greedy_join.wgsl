// The token of a sequence's highest logit, from the best ones of the vocabulary's blocks: the second half of a greedy choice.
//
// Shapes:   best (order key, token) u32 [batch, blocks, 2] of greedy_blocks.wgsl; next u32 [batch], the tokens that the following step
//           reads; chosen u32 [batch, chosen_stride], all tokens so far, written at column `place`
// Dispatch: one workgroup of 256 threads per sequence, linear groups
// Source:   plain definition; the lowest token among equals

struct Params {
  first_group: u32,
  group_count: u32,
  blocks: u32,
  chosen_stride: u32,
  place: u32,
}

const THREADS = 256u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> next: array<u32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;

// uses parts/best_key.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let sequence = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (sequence >= params.group_count) {
    return;
  }
  var mine = best[sequence * params.blocks + min(lane, params.blocks - 1u)];
  for (var block = lane + THREADS; block < params.blocks; block += THREADS) {
    mine = better(mine, best[sequence * params.blocks + block]);
  }
  let found = best_of_all(mine, lane);
  if (lane == 0u) {
    next[sequence] = found.y;
    chosen[sequence * params.chosen_stride + params.place] = found.y;
  }
}
