// All that follows scan_groups.wgsl, in one workgroup for those who vote together: finds the k best tokens of each query in the k best
// groups of the k best blocks, counts votes, keeps the candidates with most, and lists what the step attends to. The same as
// rescore_groups and pick_tokens one after the other: for GPUs, in decoding, where each call waits for the one before.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, the cache's only slab, before rotation; table [batch, table_stride]; parts
//           [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length m (0: no middle); bests f32
//           [batch, heads, pairs, groups + blocks], the highest score of each group of group_tokens tokens, then of each block of
//           block_groups groups; indices u32 [selections, indices_stride], rising positions in the whole context; counts u32
//           [selections], how many of them; scope atomic u32 [1], raised to the longest list. selections = batch * (1 or KV
//           heads); QUERIES vote in each
// Dispatch: one workgroup of THREADS threads per selection, linear groups; TEAM threads share a query, a power of two with
//           QUERIES * TEAM <= THREADS; COLUMNS of its threads bound the K-th best, a power of two of at most TEAM
// Source:   ALGORITHM section 5 and 6. Blocks and groups rank by their best token: higher score first, then the lower token. A token
//           outside of the k first blocks has k better ones, each block's best; and so with groups. Sums run as they did before
//           (parts/score_lanes.wgsl), so that scores are bitwise those that groups and blocks are ranked by.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  groups: u32,
  group_tokens: u32,
  blocks: u32,
  block_groups: u32,
  selections_per_sequence: u32,
  indices_stride: u32,
  clip: u32,
  span: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/best_in_groups.wgsl
// uses parts/list_votes.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> indices: array<u32>;
@group(0) @binding(7) var<storage, read_write> counts: array<u32>;
@group(0) @binding(8) var<storage, read_write> scope: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let selection = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (selection >= params.group_count) {
    return;
  }
  clear_votes(lane);
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    voted[entry] = NONE;
  }
  let takes = lane / TEAM < QUERIES;
  let query = selection * QUERIES + min(lane / TEAM, QUERIES - 1u);
  let asked = ask(query, lane);
  let part = parts[asked.sequence];
  let first = query * (params.groups + params.blocks);
  // Of a sequence without a middle nothing was written.
  let groups = select(0u, (part.w + params.group_tokens - 1u) / params.group_tokens, takes);
  let blocks = (groups + params.block_groups - 1u) / params.block_groups;
  // In a loop, for short code: what runs once has to be fetched.
  for (var depth = 0u; depth < 2u; depth++) {
    var level = all_items(first + params.groups, blocks);
    if (depth > 0u) {
      level = items_of_blocks(first, groups, params.block_groups);
    }
    choose(level, asked, depth * TEAMS * K);
  }
  offer_tokens(part, asked, Item(LOWEST, NONE));
  for (var place = asked.slice; place < atomicLoad(&offered[asked.team]); place += TEAM) {
    let rank = rank_of(place, asked.team);
    if (takes && rank < K) {
      voted[asked.team * K + rank] = offered_items[asked.team * ROOM + place];
    }
  }
  workgroupBarrier();
  list_tokens(selection, parts[selection / params.selections_per_sequence], lane);
}
