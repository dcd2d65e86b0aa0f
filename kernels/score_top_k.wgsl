// Scores the middle of the cache against a step's queries and keeps the k best tokens of each block, in one pass:
// the scores themselves are never written.
//
// Shapes:   queries [batch, step_rows, query_heads, head_size] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K], sorted by falling score,
//           then rising token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads.
//           Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one thread per two pairs and block of block_tokens tokens; pairs fastest, so that neighbours read the same keys
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

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

// Short lists are kept sorted. Long ones are heaps: drivers end a thread's loops after 65,535 turns in all (llvmpipe),
// which moving half a list for each token would reach.
const HEAPED = K > 16u;
const WORST = select(K - 1u, 0u, HEAPED);

fn insert(best: ptr<function, Best>, score: f32, token: u32) {
  if (HEAPED) {
    sink(best, score, token, K);
    return;
  }
  var place = K - 1u;
  while (place > 0u) {
    let other = (*best).scores[place - 1u];
    let held = (*best).tokens[place - 1u];
    if (!ranks_before(score, token, other, held)) {
      break;
    }
    (*best).scores[place] = other;
    (*best).tokens[place] = held;
    place--;
  }
  (*best).scores[place] = score;
  (*best).tokens[place] = token;
}

fn load_query(query: ptr<function, array<vec4<f32>, D4>>, first: u32) {
  for (var c4 = 0u; c4 < D4; c4++) {
    var value = vec4<f32>();
    for (var c = 0u; c < 4u; c++) {
      if (4u * c4 + c < params.head_size) {
        value[c] = queries[first + 4u * c4 + c];
      }
    }
    (*query)[c4] = value;
  }
}

fn load_best(best: ptr<function, Best>, first: u32) {
  for (var i = 0u; i < K; i++) {
    // From worst to best a sorted list is a heap.
    let source = first + select(i, K - 1u - i, HEAPED);
    (*best).scores[i] = select(LOWEST, best_scores[source], params.resume == 1u);
    (*best).tokens[i] = select(NONE, best_tokens[source], params.resume == 1u);
  }
}

fn store_best(best: ptr<function, Best>, first: u32) {
  for (var size = K; size > 0u; size--) {
    let source = select(size - 1u, 0u, HEAPED);
    best_scores[first + size - 1u] = (*best).scores[source];
    best_tokens[first + size - 1u] = (*best).tokens[source];
    if (HEAPED) {
      sink(best, (*best).scores[size - 1u], (*best).tokens[size - 1u], size - 1u);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + 1u) / 2u;
  let groups_per_head = (tiles * params.blocks + WORKGROUP - 1u) / WORKGROUP;
  let place = (group % groups_per_head) * WORKGROUP + lane;
  if (group >= params.group_count || place >= tiles * params.blocks) {
    return;
  }
  let head = (group / groups_per_head) % params.heads;
  let sequence = group / (groups_per_head * params.heads);
  let block = place / tiles;
  let pair0 = 2u * (place % tiles);
  let pair1 = min(pair0 + 1u, pairs - 1u);

  var query0: array<vec4<f32>, D4>;
  var query1: array<vec4<f32>, D4>;
  let rows = sequence * params.step_rows;
  load_query(&query0, ((rows + pair0 / share) * params.query_heads + head * share + pair0 % share) * params.head_size);
  load_query(&query1, ((rows + pair1 / share) * params.query_heads + head * share + pair1 % share) * params.head_size);

  let lists = (sequence * params.heads + head) * pairs;
  let list0 = ((lists + pair0) * params.blocks + block) * K;
  let list1 = ((lists + pair1) * params.blocks + block) * K;
  var best0: Best;
  var best1: Best;
  load_best(&best0, list0);
  load_best(&best1, list1);

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
        var s00 = vec4<f32>();
        var s01 = vec4<f32>();
        var s10 = vec4<f32>();
        var s11 = vec4<f32>();
        for (var c = 0u; c < D4; c++) { // unrolled
          let key0 = key_vector(a + c);
          let key1 = key_vector(b + c);
          s00 = fma(query0[c], key0, s00);
          s01 = fma(query0[c], key1, s01);
          s10 = fma(query1[c], key0, s10);
          s11 = fma(query1[c], key1, s11);
        }
        let t = token - middle_start;
        let scale0 = key_scale(slot);
        let scale1 = key_scale(other);
        let score00 = ((s00.x + s00.y) + (s00.z + s00.w)) * scale0;
        let score01 = ((s01.x + s01.y) + (s01.z + s01.w)) * scale1;
        let score10 = ((s10.x + s10.y) + (s10.z + s10.w)) * scale0;
        let score11 = ((s11.x + s11.y) + (s11.z + s11.w)) * scale1;
        if (ranks_before(score00, t, best0.scores[WORST], best0.tokens[WORST])) {
          insert(&best0, score00, t);
        }
        if (second && ranks_before(score01, t + 1u, best0.scores[WORST], best0.tokens[WORST])) {
          insert(&best0, score01, t + 1u);
        }
        if (ranks_before(score10, t, best1.scores[WORST], best1.tokens[WORST])) {
          insert(&best1, score10, t);
        }
        if (second && ranks_before(score11, t + 1u, best1.scores[WORST], best1.tokens[WORST])) {
          insert(&best1, score11, t + 1u);
        }
      }
    }
    start = page_end;
  }
  store_best(&best0, list0);
  if (pair1 != pair0) {
    store_best(&best1, list1);
  }
}
