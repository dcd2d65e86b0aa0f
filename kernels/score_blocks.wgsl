// Scores blocks of the cache by what is kept of each: one vector (MODE 0: per KV head, 1: per query head), or bounds of its
// keys (MODE 2), against all rows of a step; rows and the heads that select together are added.
//
// Shapes:   queries f32 [batch, rows, query_heads, SIZE], one sequence's; kept f32 [blocks, heads, SIZE], [blocks, query_heads,
//           SIZE] or [blocks, heads, 2, SIZE]; scores f32 [batch, selections, stride], LOWEST from `blocks` on
// Dispatch: one thread per selection and block, linear groups; one call per sequence
// Source:   products as in InfLLM (arXiv 2402.04617, section 3.2) and LongHeads (arXiv 2402.10685, section 2.2); the upper bound
//           sum of max(q min, q max) of Quest (arXiv 2406.10774, section 3.2)

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  blocks: u32,
  stride: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> kept: array<f32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.selections * params.stride) {
    return;
  }
  let block = thread % params.stride;
  let selection = thread / params.stride;
  let goal = params.sequence * params.selections * params.stride + thread;
  if (block >= params.blocks) {
    scores[goal] = LOWEST;
    return;
  }
  let share = params.query_heads / params.heads;
  let own = params.query_heads / params.selections;
  var total = 0.0;
  for (var pair = 0u; pair < params.rows * own; pair++) {
    let head = selection * own + pair % own;
    let query = ((params.sequence * params.rows + pair / own) * params.query_heads + head) * SIZE;
    var score = 0.0;
    if (MODE == 2u) {
      let at = (block * params.heads + head / share) * 2u * SIZE;
      for (var c = 0u; c < SIZE; c++) { // unrolled
        score += max(queries[query + c] * kept[at + c], queries[query + c] * kept[at + SIZE + c]);
      }
    } else {
      let at = select(block * params.heads + head / share, block * params.query_heads + head, MODE == 1u) * SIZE;
      for (var c = 0u; c < SIZE; c++) { // unrolled
        score = fma(queries[query + c], kept[at + c], score);
      }
    }
    total += score;
  }
  scores[goal] = total;
}
