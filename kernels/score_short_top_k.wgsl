// The same as score_top_k.wgsl for short lists (K up to 16) that stay in registers, sorted, and any number of pairs a thread:
// the scores themselves are never written.
//
// Shapes:   queries [batch, step_rows, query_heads, head_size] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, LOADS of what is stored together a key, one slab of the cache, before
//           rotation; table [batch, table_stride]; parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs,
//           blocks, K], sorted by falling score, then rising token. A pair is (row, query head of the KV head's group):
//           pairs = step_rows * query_heads / heads. Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one thread per PAIRS pairs and block of block_tokens tokens; pairs fastest, so that neighbours read the same keys
//           in prefill and different blocks in decoding; linear groups, batch * heads outermost. Where the cache has several
//           slabs, one call per slab: each goes on from the lists of the one before (params.resume).
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3.
//           Every key is summed in the same order, so equal keys get bitwise equal scores and the lower token wins.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  head_size: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

// uses parts/best_list.wgsl
// uses parts/insert.wgsl
// uses parts/short_lists.wgsl

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let groups_per_head = (tiles * params.blocks + WORKGROUP - 1u) / WORKGROUP;
  let place = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || place >= tiles * params.blocks) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let block = place / tiles;
  let first_pair = place % tiles * PAIRS;
  let lists = (sequence * params.heads + head) * pairs;

  var queries_of: array<array<vec4<f32>, D4>, PAIRS>;
  var best: array<Best, PAIRS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    let pair = min(first_pair + p, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    let query = (row * params.query_heads + head * share + pair % share) * params.head_size;
    for (var c4 = 0u; c4 < D4; c4++) { // unrolled
      for (var c = 0u; c < 4u; c++) { // unrolled
        if (4u * c4 + c < params.head_size) {
          queries_of[p][c4][c] = queries[query + 4u * c4 + c];
        }
      }
    }
    var list = Best();
    load_best(&list, ((lists + pair) * params.blocks + block) * K);
    best[p] = list;
  }

  let middle_start = parts[sequence].y;
  let middle_end = middle_start + parts[sequence].w;
  let end = min(middle_end, middle_start + (block + 1u) * params.block_tokens);
  var start = middle_start + block * params.block_tokens;
  while (start < end) {
    let page = table[sequence * params.table_stride + start / params.page_tokens];
    let page_end = min(end, (start / params.page_tokens + 1u) * params.page_tokens);
    if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
      let first = ((page - params.slab_first) * params.heads + head) * params.page_tokens;
      for (var token = start; token < page_end; token += 2u) {
        let second = token + 1u < page_end;
        let slot = first + token % params.page_tokens;
        let other = select(slot, slot + 1u, second);
        let a = key_first(slot);
        let b = key_first(other);
        var scores0 = array<vec4<f32>, PAIRS>();
        var scores1 = array<vec4<f32>, PAIRS>();
        for (var load = 0u; load < LOADS; load++) { // unrolled
          let stored0 = key_pages[a + load];
          let stored1 = key_pages[b + load];
          for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
            let key0 = key_part(stored0, v);
            let key1 = key_part(stored1, v);
            for (var p = 0u; p < PAIRS; p++) { // unrolled
              scores0[p] = fma(queries_of[p][load * KEY_VECTORS + v], key0, scores0[p]);
              scores1[p] = fma(queries_of[p][load * KEY_VECTORS + v], key1, scores1[p]);
            }
          }
        }
        let t = token - middle_start;
        let scale0 = key_scale(slot);
        let scale1 = key_scale(other);
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          let score0 = ((scores0[p].x + scores0[p].y) + (scores0[p].z + scores0[p].w)) * scale0;
          let score1 = ((scores1[p].x + scores1[p].y) + (scores1[p].z + scores1[p].w)) * scale1;
          var list = best[p];
          insert(&list, score0, t);
          insert(&list, select(LOWEST, score1, second), select(NONE, t + 1u, second));
          best[p] = list;
        }
      }
    }
    start = page_end;
  }
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    if (first_pair + p < pairs) {
      var list = best[p];
      store_best(&list, ((lists + first_pair + p) * params.blocks + block) * K);
    }
  }
}
