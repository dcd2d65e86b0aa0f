// All that follows scan_groups.wgsl: finds each query's k best tokens, with a workgroup for each query; the last one of those who vote
// together counts votes, keeps the candidates with most, and lists what the step attends to. The same as rescore_groups and
// pick_tokens one after the other: for GPUs, in decoding, where each call waits for the one before.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, the cache's only slab, before rotation; table [batch, table_stride]; parts
//           [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length m (0: no middle); bests f32 [batch,
//           heads, pairs, bests_stride], the highest score of each group first; tally atomic u32 [selections, 1 + QUERIES * K], zeros,
//           which it leaves as zeros; indices u32 [selections, indices_stride], rising positions in the whole context; counts u32
//           [selections], how many of them; scope atomic u32 [1], raised to the longest list. A pair is (row, query head of the KV
//           head's group). selections = batch * (1 or KV heads); QUERIES vote in each
// Dispatch: one workgroup of THREADS threads per query (batch * heads * pairs), linear groups. LANES threads share a token, each takes
//           PER = D4 / VECTORS / LANES stored vectors of VECTORS * 4 channels, of AHEAD tokens at a time. COLUMNS of the threads bound
//           the K-th best, a power of two of at least K; COLUMN_ROWS = THREADS / COLUMNS. SCALED is 1 where keys have scales.
// Source:   ALGORITHM section 5, scores of type qk, and section 6. Groups rank by their best token: higher score first, then the lower
//           group. What K columns of groups reach bounds the K-th best group: the K best tokens reach it too, so only groups and
//           tokens that do count. Sums run as in scan_groups.wgsl, so that scores are bitwise those that the groups were ranked by.
//           What workgroups tell each other goes through atomics alone: WebGPU orders nothing else between them.

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
  bests_stride: u32,
  group_tokens: u32,
  indices_stride: u32,
  clip: u32,
  span: u32,
}

// uses parts/bound_groups.wgsl
// uses parts/list_votes.wgsl

// Tokens that are scored together, and those that wait to be ranked: the best of all before are among them.
const UNITS = THREADS / LANES;
const TOGETHER = UNITS * AHEAD;
const WAITING = TOGETHER + K;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> tally: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> indices: array<u32>;
@group(0) @binding(8) var<storage, read_write> counts: array<u32>;
@group(0) @binding(9) var<storage, read_write> scope: atomic<u32>;

// One more than the lanes keeps threads that read neighbouring tokens on different banks.
var<workgroup> sums: array<f32, TOGETHER * (LANES + 1u)>;
var<workgroup> scales: array<f32, TOGETHER>;
// Two lists take turns: the best of one come first in the other.
var<workgroup> waiting: array<Item, 2u * WAITING>;
var<workgroup> waits: array<atomic<u32>, 2>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (query >= params.group_count) {
    return;
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = query % pairs;
  let head = (query / pairs) % params.heads;
  let sequence = query / (pairs * params.heads);
  let row_of_query = sequence * params.step_rows + pair / share;
  let part = parts[sequence];
  let slice = lane % LANES;
  let unit = lane / LANES;
  let query_first = (row_of_query * params.query_heads + head * share + pair % share) * D4 + slice * VECTORS;
  var query_row: array<vec4<f32>, PER * VECTORS>;
  for (var c = 0u; c < PER; c++) { // unrolled
    for (var v = 0u; v < VECTORS; v++) { // unrolled
      query_row[c * VECTORS + v] = queries[query_first + c * LANES * VECTORS + v];
    }
  }
  if (lane < 2u) {
    atomicStore(&waits[lane], 0u);
  }
  if (lane == 2u) {
    atomicStore(&offered, 0u);
    bound = Item(LOWEST, NONE);
  }

  // The groups that reach the bound.
  let groups = (part.w + params.group_tokens - 1u) / params.group_tokens;
  var items = 0u;
  if (groups > 0u) {
    items = find_groups(query * params.bests_stride, groups, lane) * params.group_tokens;
  }

  // Their tokens that do.
  var turn = 0u;
  for (var start = 0u; start < items; start += TOGETHER) {
    var read: array<u32, AHEAD>;
    var keys: array<StoredKeys, AHEAD * PER>;
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      let item = min(start + t * UNITS + unit, items - 1u);
      let token = min(groups_offered[item / params.group_tokens] * params.group_tokens + item % params.group_tokens, part.w - 1u);
      let place = part.y + token;
      let page = table[sequence * params.table_stride + place / params.page_tokens] - params.slab_first;
      read[t] = (page * params.heads + head) * params.page_tokens + place % params.page_tokens;
    }
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      let first_key = key_first(read[t]) + slice;
      for (var c = 0u; c < PER; c++) { // unrolled
        keys[t * PER + c] = key_pages[first_key + c * LANES];
      }
    }
    for (var t = 0u; t < AHEAD; t++) { // unrolled
      var sum = vec4<f32>();
      for (var c = 0u; c < PER; c++) { // unrolled
        for (var v = 0u; v < VECTORS; v++) { // unrolled
          sum = fma(query_row[c * VECTORS + v], key_part(keys[t * PER + c], v), sum);
        }
      }
      sums[(t * UNITS + unit) * (LANES + 1u) + slice] = (sum.x + sum.y) + (sum.z + sum.w);
      if (SCALED == 1u && slice == 0u) {
        scales[t * UNITS + unit] = key_scale(read[t]);
      }
    }
    workgroupBarrier();
    for (var place = lane; place < min(TOGETHER, items - start); place += THREADS) {
      var score = 0.0;
      for (var l = 0u; l < LANES; l++) { // unrolled
        score += sums[place * (LANES + 1u) + l];
      }
      if (SCALED == 1u) {
        score *= scales[place];
      }
      let group = groups_offered[(start + place) / params.group_tokens];
      let token = group * params.group_tokens + (start + place) % params.group_tokens;
      // The bound's group may hold its score in any of its tokens.
      if (token < part.w && score > LOWEST && !before(bound, Item(score, group))) {
        waiting[turn * WAITING + atomicAdd(&waits[turn], 1u)] = Item(score, token);
      }
    }
    workgroupBarrier();
    let count = atomicLoad(&waits[turn]);
    for (var place = lane; place < count; place += THREADS) {
      let item = waiting[turn * WAITING + place];
      var rank = 0u;
      for (var other = 0u; other < count; other++) {
        rank += u32(before(waiting[turn * WAITING + other], item));
      }
      if (rank < K) {
        waiting[(1u - turn) * WAITING + rank] = item;
      }
    }
    workgroupBarrier();
    turn = 1u - turn;
    if (lane == 0u) {
      atomicStore(&waits[turn], min(count, K));
      atomicStore(&waits[1u - turn], 0u);
    }
    workgroupBarrier();
  }
  // Tokens are told as one more: zero is none yet.
  let selection = query / QUERIES;
  let first_tally = selection * (1u + ENTRIES);
  if (lane < K) {
    let found = waiting[turn * WAITING + lane].item + 1u;
    let told_token = select(NONE, found, lane < atomicLoad(&waits[turn]));
    atomicStore(&tally[first_tally + 1u + query % QUERIES * K + lane], told_token);
  }
  clear_votes(lane);
  storageBarrier();
  workgroupBarrier();
  if (lane == 0u) {
    told = atomicAdd(&tally[first_tally], 1u);
  }
  if (workgroupUniformLoad(&told) + 1u < QUERIES) {
    return;
  }
  if (lane == 0u) {
    atomicStore(&tally[first_tally], 0u);
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    // All have told theirs, but nothing says that this comes to be seen in the order in which it was told.
    var token = 0u;
    while (token == 0u) {
      token = atomicExchange(&tally[first_tally + 1u + entry], 0u);
    }
    voted[entry] = select(token - 1u, NONE, token == NONE);
  }
  workgroupBarrier();
  list_tokens(selection, part, lane);
}
