// The smallest and the largest value of each channel over the keys of each block.
//
// Shapes:   keys f32 [batch, heads, bound, padded], gathered, of which one sequence's first blocks * block_tokens tokens are
//           read; bounds f32 [.., heads, 2, size], written from block `first_block` on
// Dispatch: one thread per block, KV head and channel, linear groups
// Source:   Quest (arXiv 2406.10774), section 3.2: a page's metadata

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  size: u32,
  bound: u32,
  padded: u32,
  blocks: u32,
  block_tokens: u32,
  first_block: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> bounds: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.blocks * params.heads * params.size) {
    return;
  }
  let c = thread % params.size;
  let head = (thread / params.size) % params.heads;
  let block = thread / (params.size * params.heads);
  let first = ((params.sequence * params.heads + head) * params.bound + block * params.block_tokens) * params.padded + c;
  var lowest = keys[first];
  var highest = lowest;
  for (var token = 1u; token < params.block_tokens; token++) {
    let value = keys[first + token * params.padded];
    lowest = min(lowest, value);
    highest = max(highest, value);
  }
  let goal = ((params.first_block + block) * params.heads + head) * 2u * params.size + c;
  bounds[goal] = lowest;
  bounds[goal + params.size] = highest;
}
