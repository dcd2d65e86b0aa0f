// The sum of the keys of each block's most relevant tokens.
//
// Shapes:   relevance f32 [heads, blocks * block_tokens]; keys f32 [batch, heads, bound, padded], gathered, one sequence's;
//           vectors f32 [.., heads, size], written from block `first_block` on
// Dispatch: one thread per block and KV head, linear groups
// Source:   InfLLM (arXiv 2402.04617), section 3.2: the r tokens of a block with the highest scores represent it, and its
//           relevance to a query is the sum of their products, so the sum of their keys is all that is needed. Of equal tokens
//           the earlier comes first.

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  bound: u32,
  padded: u32,
  blocks: u32,
  block_tokens: u32,
  first_block: u32,
  representatives: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> relevance: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read_write> vectors: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.blocks * params.heads) {
    return;
  }
  let head = thread % params.heads;
  let block = thread / params.heads;
  let first = block * params.block_tokens;
  let scores = head * params.blocks * params.block_tokens + first;
  var sum: array<f32, SIZE>;
  // Each turn finds the best token that is worse than the one before.
  var limit = 3.0e38f;
  var last = 0u;
  for (var turn = 0u; turn < min(params.representatives, params.block_tokens); turn++) {
    var best = LOWEST;
    var chosen = 0u;
    for (var token = 0u; token < params.block_tokens; token++) {
      let score = relevance[scores + token];
      let open = score < limit || (score == limit && token > last && turn > 0u);
      if (open && score > best) {
        best = score;
        chosen = token;
      }
    }
    limit = best;
    last = chosen;
    let key = ((params.sequence * params.heads + head) * params.bound + first + chosen) * params.padded;
    for (var c = 0u; c < SIZE; c++) { // unrolled
      sum[c] += keys[key + c];
    }
  }
  let goal = ((params.first_block + block) * params.heads + head) * SIZE;
  for (var c = 0u; c < SIZE; c++) { // unrolled
    vectors[goal + c] = sum[c];
  }
}
