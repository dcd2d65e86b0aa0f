// Picks a query's k best tokens, with a workgroup for each query: few ask in decoding, and a step waits for them. For GPUs, after
// scan_groups.wgsl; the same tokens as rescore_groups.wgsl.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, the cache's only slab, before rotation; table [batch, table_stride]; parts
//           [batch, 4]; bests f32 [batch, heads, pairs, bests_stride], the highest score of each group first; best_tokens u32
//           [batch, heads, pairs, K], in no order that counts. A pair is (row, query head of the KV head's group). Tokens count from
//           the start of the middle; unused places hold NONE.
// Dispatch: one workgroup of THREADS threads per query (batch * heads * pairs), linear groups. LANES threads share a token, PER = D4 /
//           LANES; each has AHEAD of them on their way at a time. COLUMNS of the threads bound the K-th best, a power of two of at
//           least K; COLUMN_ROWS = THREADS / COLUMNS.
// Source:   ALGORITHM section 5, scores of type qk. Groups rank by their best token: higher score first, then the lower group. What K
//           columns of groups reach bounds the K-th best group: the K best tokens reach it too, so only groups and tokens that do
//           count. Sums run as in scan_groups.wgsl, so that scores are bitwise those that the groups were ranked by.

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
}

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
// Highest scores that a thread loads before it looks at the first.
const ROWS = 8u;
// Groups that reach the bound; where there are more, they are found one after the other.
const ROOM = 128u;
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
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

// A score and its item: a group or a token.
struct Item {
  score: f32,
  item: u32,
}

var<workgroup> lane_bests: array<Item, THREADS>;
var<workgroup> bound: Item;
var<workgroup> offered: atomic<u32>;
var<workgroup> told: u32;
var<workgroup> groups_offered: array<u32, ROOM>;
// One more than the lanes keeps threads that read neighbouring tokens on different banks.
var<workgroup> sums: array<f32, TOGETHER * (LANES + 1u)>;
var<workgroup> scales: array<f32, TOGETHER>;
// Two lists take turns: the best of one come first in the other.
var<workgroup> waiting: array<Item, 2u * WAITING>;
var<workgroup> waits: array<atomic<u32>, 2>;

// True where an item ranks before another: higher score first, then the lower item.
fn before(item: Item, other: Item) -> bool {
  return item.score > other.score || (item.score == other.score && item.item < other.item);
}

// A thread's group in a row. Rows are turned, each by another number, so that what comes again does not meet one column.
fn group_at(row: u32, lane: u32) -> u32 {
  return row * THREADS + (lane + ((row * 0x9e3779b9u) >> 24u)) % THREADS;
}

fn look_at(first: u32, groups: u32, row: u32, lane: u32) -> array<Item, ROWS> {
  var seen: array<Item, ROWS>;
  for (var i = 0u; i < ROWS; i++) { // unrolled
    let group = group_at(row + i, lane);
    let score = bests[first + min(group, groups - 1u)];
    seen[i] = Item(score, select(NONE, group, group < groups && score > LOWEST));
  }
  return seen;
}

fn best_of(best: Item, seen: array<Item, ROWS>) -> Item {
  var found = best;
  for (var i = 0u; i < ROWS; i++) { // unrolled
    if (seen[i].item != NONE && before(seen[i], found)) {
      found = seen[i];
    }
  }
  return found;
}

fn offer_group(item: Item) {
  if (item.item != NONE && !before(bound, item)) {
    let place = atomicAdd(&offered, 1u);
    if (place < ROOM) {
      groups_offered[place] = item.item;
    }
  }
}

// How many groups were offered. All threads call it.
fn tell_offered(lane: u32) -> u32 {
  workgroupBarrier();
  if (lane == 0u) {
    told = atomicLoad(&offered);
  }
  return workgroupUniformLoad(&told);
}

// Leaves in `bound` what K groups reach: the K-th of the columns' bests; the lowest where too few have one. All threads call it.
fn find_bound(own: Item, lane: u32) {
  lane_bests[lane] = own;
  workgroupBarrier();
  var best = own;
  if (lane < COLUMNS) {
    for (var row = 0u; row < COLUMN_ROWS; row++) { // unrolled
      let other = lane_bests[lane + row * COLUMNS];
      if (before(other, best)) {
        best = other;
      }
    }
    lane_bests[lane] = best;
  }
  workgroupBarrier();
  if (lane < COLUMNS && best.item != NONE) {
    var rank = 0u;
    for (var other = 0u; other < COLUMNS; other++) { // unrolled
      rank += u32(before(lane_bests[other], best));
    }
    if (rank == K - 1u) {
      bound = best;
    }
  }
  workgroupBarrier();
}

// Offers the K best groups, one after the other: where more reached the bound than there is room for. All threads call it.
fn offer_in_turns(first: u32, groups: u32, lane: u32) {
  workgroupBarrier();
  if (lane == 0u) {
    atomicStore(&offered, 0u);
  }
  var last = Item(3.4028234663852886e38f, 0u);
  for (var turn = 0u; turn < K; turn++) {
    var own = Item(LOWEST, NONE);
    for (var row = 0u; row * THREADS < groups; row += ROWS) {
      var seen = look_at(first, groups, row, lane);
      for (var i = 0u; i < ROWS; i++) { // unrolled
        seen[i].item = select(NONE, seen[i].item, turn == 0u || before(last, seen[i]));
      }
      own = best_of(own, seen);
    }
    workgroupBarrier();
    lane_bests[lane] = own;
    workgroupBarrier();
    var best = Item(LOWEST, NONE);
    for (var other = 0u; other < THREADS; other++) {
      if (before(lane_bests[other], best)) {
        best = lane_bests[other];
      }
    }
    // More than K groups have a best token.
    last = best;
    if (lane == 0u) {
      groups_offered[turn] = best.item;
      atomicStore(&offered, turn + 1u);
      bound = best;
    }
  }
  workgroupBarrier();
}

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
  let query_first = (row_of_query * params.query_heads + head * share + pair % share) * D4 + slice;
  var query_row: array<vec4<f32>, PER>;
  for (var c = 0u; c < PER; c++) { // unrolled
    query_row[c] = queries[query_first + c * LANES];
  }
  if (lane < 2u) {
    atomicStore(&waits[lane], 0u);
  }
  if (lane == 2u) {
    atomicStore(&offered, 0u);
    bound = Item(LOWEST, NONE);
  }

  // The groups that reach the bound. The first rows are kept, others are looked at twice.
  let first = query * params.bests_stride;
  let groups = (part.w + params.group_tokens - 1u) / params.group_tokens;
  if (groups > 0u) {
    let kept_rows = look_at(first, groups, 0u, lane);
    var own = best_of(Item(LOWEST, NONE), kept_rows);
    for (var row = ROWS; row * THREADS < groups; row += ROWS) {
      own = best_of(own, look_at(first, groups, row, lane));
    }
    find_bound(own, lane);
    // A thread whose best group does not reach the bound has none that does.
    if (own.item != NONE && !before(bound, own)) {
      for (var i = 0u; i < ROWS; i++) { // unrolled
        offer_group(kept_rows[i]);
      }
      for (var row = ROWS; row * THREADS < groups; row += ROWS) {
        let seen = look_at(first, groups, row, lane);
        for (var i = 0u; i < ROWS; i++) { // unrolled
          offer_group(seen[i]);
        }
      }
    }
    if (tell_offered(lane) > ROOM) {
      offer_in_turns(first, groups, lane);
    }
  }

  // Their tokens that do.
  let items = tell_offered(lane) * params.group_tokens;
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
        sum = fma(query_row[c], key_loaded(keys[t * PER + c]), sum);
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
  if (lane < K) {
    let found = waiting[turn * WAITING + lane].item;
    best_tokens[query * K + lane] = select(NONE, found, lane < atomicLoad(&waits[turn]));
  }
}
