// How much the queries that follow a token ask for it: the mean of their products with its key, heads of a group added.
//
// Shapes:   queries f32 [1, rows, query_heads, size], of which row `first_row` follows the first token; keys f32 [batch, heads,
//           bound, padded], gathered, of which one sequence's first `tokens` are read; relevance f32 [heads, tokens]
// Dispatch: one thread per KV head and token, linear groups
// Source:   InfLLM (arXiv 2402.04617), section 3.2: a token's representative score, the mean over the next `follow` queries

struct Params {
  first_group: u32,
  group_count: u32,
  sequence: u32,
  heads: u32,
  query_heads: u32,
  size: u32,
  bound: u32,
  padded: u32,
  tokens: u32,
  first_row: u32,
  follow: u32,
}

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read_write> relevance: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.heads * params.tokens) {
    return;
  }
  let token = thread % params.tokens;
  let head = thread / params.tokens;
  let share = params.query_heads / params.heads;
  let key = ((params.sequence * params.heads + head) * params.bound + token) * params.padded;
  var total = 0.0;
  for (var pair = 0u; pair < params.follow * share; pair++) {
    let row = params.first_row + token + pair / share;
    let query = (row * params.query_heads + head * share + pair % share) * SIZE;
    var product = 0.0;
    for (var c = 0u; c < SIZE; c++) { // unrolled
      product = fma(queries[query + c], keys[key + c], product);
    }
    total += product;
  }
  relevance[thread] = total / f32(params.follow);
}
