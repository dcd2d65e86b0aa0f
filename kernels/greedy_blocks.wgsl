// The highest logit of each block of a vocabulary: the first half of a greedy choice, shared by many workgroups. For GPUs.
//
// Shapes:   logits [batch, vocabulary] f32; best (order key, token) u32 [batch, blocks, 2]
// Dispatch: one workgroup of 256 threads per sequence and block of 2048 logits, blocks fastest; linear groups
// Source:   plain definition; the lowest token among equals. Keys are unsigned integers in the order of the floats, NaN the lowest

struct Params {
  first_group: u32,
  group_count: u32,
  vocabulary: u32,
  blocks: u32,
}

const THREADS = 256u;
const LOADS = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2<u32>>;

// uses parts/best_key.wgsl
// uses parts/order_key.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let first = group % params.blocks * (THREADS * LOADS) + lane;
  let row = group / params.blocks * params.vocabulary;
  var held: array<f32, LOADS>;
  for (var i = 0u; i < LOADS; i++) { // unrolled
    held[i] = logits[row + min(first + i * THREADS, params.vocabulary - 1u)];
  }
  var mine = vec2<u32>(0u, first);
  for (var i = 0u; i < LOADS; i++) { // unrolled
    let token = first + i * THREADS;
    if (token < params.vocabulary) {
      mine = better(mine, vec2(order_key(held[i]), token));
    }
  }
  let found = best_of_all(mine, lane);
  if (lane == 0u) {
    best[group] = found;
  }
}
