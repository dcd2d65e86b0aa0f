// Picks each query's k best tokens: the k groups of neighbouring tokens with the highest scores hold them, so only those are scored
// again. For GPUs, after score_groups.wgsl and scan_groups.wgsl.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; group_bests f32 [batch, heads, pairs, bests_stride], the highest score of each group
//           first; best_scores f32, best_tokens u32 [batch, heads, pairs, K], sorted by falling score, then rising token. A pair is (row, query head of the
//           KV head's group). Tokens count from the start of the middle; unused places hold NONE.
// Dispatch: one workgroup of THREADS threads, at least K, per query (batch * heads * pairs), linear groups. Where the cache has several
//           slabs, one call per slab: each goes on from the lists of the one before (params.resume).
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
  bests_stride: u32,
  group_tokens: u32,
  resume: u32,
}

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
// Items that threads offer at a time; where more come, they wait for the next join.
const ROOM = 256u;
const COLUMNS = 64u;
// Groups that a thread loads before it looks at the first.
const AHEAD = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> group_bests: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> best_tokens: array<u32>;

var<workgroup> query_row: array<vec4<f32>, D4>;
// Two copies of the list take turns: what was offered is joined with one, by rank, into the other. Items are groups, then tokens.
var<workgroup> list_scores: array<f32, 2u * K>;
var<workgroup> list_items: array<u32, 2u * K>;
var<workgroup> offered_scores: array<f32, ROOM>;
var<workgroup> offered_items: array<u32, ROOM>;
var<workgroup> offered: atomic<u32>;
var<workgroup> refused: atomic<u32>;
var<workgroup> again: u32;
var<workgroup> chosen: array<u32, K>;
// The best item of each thread, then of each column of threads; the K-th of them bounds the K-th best item.
var<workgroup> lane_scores: array<f32, THREADS>;
var<workgroup> lane_items: array<u32, THREADS>;
var<workgroup> bound_score: f32;
var<workgroup> bound_item: u32;

fn query_at(c: u32) -> vec4<f32> {
  return query_row[c];
}

struct Item {
  score: f32,
  item: u32,
}

// True where (score, item) ranks before (other, held): higher score first, then the lower item.
fn ranks_before(score: f32, item: u32, other: f32, held: u32) -> bool {
  return score > other || (score == other && item < held);
}

// Offers an item, which is dropped where the list has K better ones; false where there is no room now.
fn offer(turn: u32, score: f32, item: u32) -> bool {
  let worst = turn * K + K - 1u;
  if (!ranks_before(score, item, list_scores[worst], list_items[worst])) {
    return true;
  }
  let place = atomicAdd(&offered, 1u);
  if (place >= ROOM) {
    atomicStore(&refused, 1u);
    return false;
  }
  offered_scores[place] = score;
  offered_items[place] = item;
  return true;
}

// Joins what all threads offered into the other copy of the list. All threads call it; `again` says whether some had no room.
fn join(turn: u32, lane: u32) {
  workgroupBarrier();
  let count = min(atomicLoad(&offered), ROOM);
  for (var place = lane; place < K + count; place += THREADS) {
    var score = 0.0;
    var item = 0u;
    if (place < K) {
      score = list_scores[turn * K + place];
      item = list_items[turn * K + place];
    } else {
      score = offered_scores[place - K];
      item = offered_items[place - K];
    }
    // Empty places are all alike: among them the earlier ranks before the later.
    var rank = 0u;
    for (var run = 0u; run < K; run += 4u) {
      for (var i = 0u; i < 4u; i++) { // unrolled
        let other = run + i;
        let theirs = list_items[turn * K + other];
        let same = theirs == item && other < place;
        let before = same || ranks_before(list_scores[turn * K + other], theirs, score, item);
        rank += u32(other < K && before);
      }
    }
    for (var run = 0u; run < count; run += 8u) {
      for (var i = 0u; i < 8u; i++) { // unrolled
        rank += u32(run + i < count && ranks_before(offered_scores[run + i], offered_items[run + i], score, item));
      }
    }
    if (rank < K) {
      list_scores[(1u - turn) * K + rank] = score;
      list_items[(1u - turn) * K + rank] = item;
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    atomicStore(&offered, 0u);
    again = atomicExchange(&refused, 0u);
  }
  workgroupBarrier();
}

// The best group of those that a thread looks at; NONE where there is none.
fn best_group(first: u32, groups: u32, lane: u32) -> Item {
  var best = Item(LOWEST, NONE);
  for (var start = lane; start < groups; start += AHEAD * THREADS) {
    var scores: array<f32, AHEAD>;
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      scores[i] = group_bests[first + min(start + i * THREADS, groups - 1u)];
    }
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      if (scores[i] > best.score && start + i * THREADS < groups) {
        best = Item(scores[i], start + i * THREADS);
      }
    }
  }
  return best;
}

// Leaves in bound_score and bound_item what K items reach: the K-th of 64 columns' bests among what each thread has; the lowest
// where too few columns have one. All threads call it.
fn find_bound(own: Item, lane: u32) {
  workgroupBarrier();
  lane_scores[lane] = own.score;
  lane_items[lane] = own.item;
  if (lane == 0u) {
    bound_score = LOWEST;
    bound_item = NONE;
  }
  workgroupBarrier();
  var best = own;
  if (THREADS > COLUMNS) {
    for (var other = lane + COLUMNS; other < THREADS; other += COLUMNS) {
      if (ranks_before(lane_scores[other], lane_items[other], best.score, best.item)) {
        best = Item(lane_scores[other], lane_items[other]);
      }
    }
    workgroupBarrier();
    if (lane < COLUMNS) {
      lane_scores[lane] = best.score;
      lane_items[lane] = best.item;
    }
    workgroupBarrier();
  }
  if (lane < COLUMNS) {
    var rank = 0u;
    for (var run = 0u; run < COLUMNS; run += 16u) {
      for (var i = 0u; i < 16u; i++) { // unrolled
        rank += u32(ranks_before(lane_scores[run + i], lane_items[run + i], best.score, best.item));
      }
    }
    if (rank == K - 1u && best.item != NONE) {
      bound_score = best.score;
      bound_item = best.item;
    }
  }
  workgroupBarrier();
}

// Whether an item is there and reaches the bound.
fn reaches(score: f32, item: u32) -> bool {
  return item != NONE && score > LOWEST && !ranks_before(bound_score, bound_item, score, item);
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
  let row = sequence * params.step_rows + pair / share;
  for (var c4 = lane; c4 < D4; c4 += THREADS) {
    query_row[c4] = queries[(row * params.query_heads + head * share + pair % share) * D4 + c4];
  }
  if (lane < K) {
    list_scores[lane] = LOWEST;
    list_items[lane] = NONE;
  }

  let part = parts[sequence];
  let groups = (part.w + params.group_tokens - 1u) / params.group_tokens;
  let first = query * params.bests_stride;
  var turn = 0u;
  let own = best_group(first, groups, lane);
  find_bound(own, lane);
  // A thread whose best group does not reach the bound has none that does.
  var group = select(groups, lane, reaches(own.score, own.item));
  loop {
    var waits = false;
    while (group < groups && !waits) {
      var scores: array<f32, AHEAD>;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        scores[i] = group_bests[first + min(group + i * THREADS, groups - 1u)];
      }
      let start = group;
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let other = start + i * THREADS;
        if (!waits && other < groups && reaches(scores[i], other)) {
          waits = !offer(turn, scores[i], other);
        }
        group += select(THREADS, 0u, waits);
      }
    }
    join(turn, lane);
    turn = 1u - turn;
    if (workgroupUniformLoad(&again) == 0u) {
      break;
    }
  }
  if (lane < K) {
    chosen[lane] = list_items[turn * K + lane];
    let resumes = params.resume == 1u;
    list_scores[turn * K + lane] = select(LOWEST, best_scores[query * K + lane], resumes);
    list_items[turn * K + lane] = select(NONE, best_tokens[query * K + lane], resumes);
  }
  workgroupBarrier();

  let items = K * params.group_tokens;
  for (var first_item = 0u; first_item < items; first_item += THREADS) {
    let item = first_item + lane;
    var found = Item(LOWEST, NONE);
    if (item < items) {
      let group_of = chosen[item / params.group_tokens];
      let token = group_of * params.group_tokens + item % params.group_tokens;
      if (group_of != NONE && token < part.w) {
        let place = part.y + token;
        let page = table[sequence * params.table_stride + place / params.page_tokens];
        if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
          let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + place % params.page_tokens;
          found = Item(score_of(slot), token);
        }
      }
    }
    // Of at most 4 * 64 threads, no more than ROOM reach the bound; of 64 all may offer.
    if (THREADS > COLUMNS) {
      find_bound(found, lane);
    }
    if (reaches(found.score, found.item) || (THREADS == COLUMNS && found.item != NONE)) {
      _ = offer(turn, found.score, found.item);
    }
    join(turn, lane);
    turn = 1u - turn;
  }
  if (lane < K) {
    best_scores[query * K + lane] = list_scores[turn * K + lane];
    best_tokens[query * K + lane] = list_items[turn * K + lane];
  }
}
