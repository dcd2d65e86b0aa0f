// Picks each query's k best tokens as rescore_groups.wgsl does, for short lists: with a team of threads a query, several in a
// workgroup, and few instructions. For GPUs, after score_groups.wgsl and scan_groups.wgsl.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride]; parts
//           [batch, 4]; bests f32 [batch, heads, pairs, bests_stride], the highest score of each group first; best_scores f32,
//           best_tokens u32 [batch, heads, pairs, K], sorted by falling score, then rising token. A pair is (row, query head of the
//           KV head's group). Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one workgroup of THREADS threads per THREADS / TEAM of the `asking` queries (batch * heads * pairs), linear groups; TEAM
//           threads share a query, a power of two of at least K that divides THREADS; COLUMNS of its threads bound the K-th best, a
//           power of two of at most TEAM. Where the cache has several slabs (SLABS 2), one call per slab: each goes on from the
//           lists of the one before (params.resume)
// Source:   ALGORITHM section 5, scores of type qk. Groups rank by their best token: higher score first, then the lower token. A
//           token outside of the k first groups has k better ones, each group's best. Sums run as they did before
//           (parts/score_*.wgsl), so that scores are bitwise those that the groups were ranked by.

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
  asking: u32,
  bests_stride: u32,
  group_tokens: u32,
  resume: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/best_in_groups.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> best_tokens: array<u32>;

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
  let own = group * TEAMS + lane / TEAM;
  let takes = own < params.asking;
  let query = min(own, params.asking - 1u);
  let asked = ask(query, lane);
  let part = parts[asked.sequence];
  choose(all_items(query * params.bests_stride, (part.w + params.group_tokens - 1u) / params.group_tokens), asked);
  var held = Item(LOWEST, NONE);
  if (SLABS > 1u && params.resume == 1u && asked.slice < K) {
    held = Item(best_scores[query * K + asked.slice], best_tokens[query * K + asked.slice]);
  }
  offer_tokens(part, asked, held);
  let count = atomicLoad(&offered[asked.team]);
  for (var place = asked.slice; place < max(count, K); place += TEAM) {
    // Where fewer than K were offered, the places behind them are empty.
    var rank = place;
    var found = Item(LOWEST, NONE);
    if (place < count) {
      rank = rank_of(place, asked.team);
      found = Item(offered_scores[asked.team * ROOM + place], offered_items[asked.team * ROOM + place]);
    }
    if (takes && rank < K) {
      best_scores[query * K + rank] = found.score;
      best_tokens[query * K + rank] = found.item;
    }
  }
}
