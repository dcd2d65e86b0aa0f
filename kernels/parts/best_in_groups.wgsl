// Each query's K best tokens by the highest scores of groups of tokens. A team of TEAM neighbouring threads, a power of two, takes a
// query. THREADS, K, COLUMNS, a power of two of at most TEAM, and COLUMN_ROWS = TEAM / COLUMNS are the kernel's; so are `queries`,
// `table`, `bests`, D4, SLABS (2 where the cache has several, of which this is one), score_of's part and the params that are named
// here.
//
// Groups and tokens are items: the higher score ranks first, then the lower item. What K of a team's columns of threads have
// reached bounds the K-th best: few items reach that, and only those are ranked.

const TEAMS = THREADS / TEAM;
// Items that reach the bound wait here; those of stored lists always find room.
const ROOM = K * K * COLUMN_ROWS;
// Items that a thread loads before it looks at the first.
const AHEAD = 8u;

var<workgroup> lane_scores: array<f32, THREADS>;
var<workgroup> lane_items: array<u32, THREADS>;
var<workgroup> bound_scores: array<f32, TEAMS>;
var<workgroup> bound_items: array<u32, TEAMS>;
var<workgroup> offered: array<atomic<u32>, TEAMS>;
var<workgroup> offered_scores: array<f32, TEAMS * ROOM>;
var<workgroup> offered_items: array<u32, TEAMS * ROOM>;
var<workgroup> refused: atomic<u32>;
var<workgroup> again: u32;
// Of each team the K best groups.
var<workgroup> chosen: array<u32, TEAMS * K>;

struct Item {
  score: f32,
  item: u32,
}

// Whose query a thread works for.
struct Asked {
  lane: u32,
  team: u32,
  slice: u32,
  head: u32,
  sequence: u32,
}

var<private> query_first: u32;

fn query_at(c: u32) -> vec4<f32> {
  return queries[query_first + c];
}

fn ask(query: u32, lane: u32) -> Asked {
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let pair = query % pairs;
  let head = (query / pairs) % params.heads;
  let sequence = query / (pairs * params.heads);
  let row = sequence * params.step_rows + pair / share;
  query_first = (row * params.query_heads + head * share + pair % share) * D4;
  let team = lane / TEAM;
  for (var i = lane % TEAM; i < K; i += TEAM) {
    chosen[team * K + i] = NONE;
  }
  return Asked(lane, team, lane % TEAM, head, sequence);
}

// Items that a team looks at, in rows of a thread each.
struct Level {
  // Where their scores start.
  first: u32,
  rows: u32,
  // Items there are in all.
  items: u32,
}

fn all_items(first: u32, items: u32) -> Level {
  return Level(first, (items + TEAM - 1u) / TEAM, items);
}

// A thread's item in a row, or NONE. Rows are turned, each by another number, so that what comes again does not meet one column.
fn item_at(level: Level, row: u32, slice: u32) -> u32 {
  let item = row * TEAM + (slice + ((row * 0x9e3779b9u) >> 24u)) % TEAM;
  return select(NONE, item, item < level.items);
}

struct Seen {
  scores: array<f32, AHEAD>,
  items: array<u32, AHEAD>,
}

fn look_at(level: Level, row: u32, slice: u32) -> Seen {
  var seen: Seen;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    seen.items[i] = item_at(level, row + i, slice);
    seen.scores[i] = bests[level.first + select(0u, seen.items[i], seen.items[i] != NONE)];
  }
  return seen;
}

fn better(best: Item, seen: Seen) -> Item {
  var found = best;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    let counts_here = seen.items[i] != NONE && seen.scores[i] > LOWEST;
    if (counts_here && ranks_before(seen.scores[i], seen.items[i], found.score, found.item)) {
      found = Item(seen.scores[i], seen.items[i]);
    }
  }
  return found;
}

// The best of a thread's items that rank after `last`.
fn best_after(last: Item, level: Level, asked: Asked) -> Item {
  var best = Item(LOWEST, NONE);
  for (var row = 0u; row < level.rows; row += AHEAD) {
    var seen = look_at(level, row, asked.slice);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let follows = last.item == NONE || ranks_before(last.score, last.item, seen.scores[i], seen.items[i]);
      seen.items[i] = select(NONE, seen.items[i], follows);
    }
    best = better(best, seen);
  }
  return best;
}

// Leaves in bound_scores and bound_items what K items of a team reach: the K-th of its columns' bests; the lowest where too few have
// one. All threads call it.
fn find_bound(own: Item, asked: Asked) {
  lane_scores[asked.lane] = own.score;
  lane_items[asked.lane] = own.item;
  if (asked.slice == 0u) {
    bound_scores[asked.team] = LOWEST;
    bound_items[asked.team] = NONE;
    atomicStore(&offered[asked.team], 0u);
  }
  workgroupBarrier();
  var best = own;
  if (TEAM > COLUMNS) {
    if (asked.slice < COLUMNS) {
      for (var row = 0u; row < COLUMN_ROWS; row++) { // unrolled
        let other = asked.lane + row * COLUMNS;
        if (ranks_before(lane_scores[other], lane_items[other], best.score, best.item)) {
          best = Item(lane_scores[other], lane_items[other]);
        }
      }
      lane_scores[asked.lane] = best.score;
      lane_items[asked.lane] = best.item;
    }
    workgroupBarrier();
  }
  if (asked.slice < COLUMNS && best.item != NONE) {
    var rank = 0u;
    for (var other = 0u; other < COLUMNS; other++) { // unrolled
      let place = asked.team * TEAM + other;
      rank += u32(ranks_before(lane_scores[place], lane_items[place], best.score, best.item));
    }
    if (rank == K - 1u) {
      bound_scores[asked.team] = best.score;
      bound_items[asked.team] = best.item;
    }
  }
  workgroupBarrier();
}

fn offer(score: f32, item: u32, bound: Item, team: u32) {
  if (item != NONE && score > LOWEST && !ranks_before(bound.score, bound.item, score, item)) {
    let place = atomicAdd(&offered[team], 1u);
    if (place < ROOM) {
      offered_scores[team * ROOM + place] = score;
      offered_items[team * ROOM + place] = item;
    } else {
      atomicStore(&refused, 1u);
    }
  }
}

fn offer_seen(seen: Seen, bound: Item, team: u32) {
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    offer(seen.scores[i], seen.items[i], bound, team);
  }
}

// The rank of an offered item among all that its team offered.
fn rank_of(place: u32, team: u32) -> u32 {
  let score = offered_scores[team * ROOM + place];
  let item = offered_items[team * ROOM + place];
  let count = atomicLoad(&offered[team]);
  var rank = 0u;
  // A loop's turns cost more than comparing: by runs that are written out.
  for (var run = team * ROOM; run < team * ROOM + count; run += 8u) {
    for (var i = 0u; i < 8u; i++) { // unrolled
      let before = ranks_before(offered_scores[run + i], offered_items[run + i], score, item);
      rank += u32(before && run + i < team * ROOM + count);
    }
  }
  return rank;
}

// Writes the K best items of a level to `chosen`. All threads call it.
fn choose(level: Level, asked: Asked) {
  // The first rows are kept, others are looked at twice.
  let kept_rows = look_at(level, 0u, asked.slice);
  var own = better(Item(LOWEST, NONE), kept_rows);
  for (var row = AHEAD; row < level.rows; row += AHEAD) {
    own = better(own, look_at(level, row, asked.slice));
  }
  find_bound(own, asked);
  let bound = Item(bound_scores[asked.team], bound_items[asked.team]);
  // A thread whose best item does not reach the bound has none that does.
  if (own.item != NONE && !ranks_before(bound.score, bound.item, own.score, own.item)) {
    offer_seen(kept_rows, bound, asked.team);
    for (var row = AHEAD; row < level.rows; row += AHEAD) {
      offer_seen(look_at(level, row, asked.slice), bound, asked.team);
    }
  }
  workgroupBarrier();
  if (asked.lane == 0u) {
    again = atomicExchange(&refused, 0u);
  }
  if (workgroupUniformLoad(&again) == 0u) {
    for (var place = asked.slice; place < atomicLoad(&offered[asked.team]); place += TEAM) {
      let rank = rank_of(place, asked.team);
      if (rank < K) {
        chosen[asked.team * K + rank] = offered_items[asked.team * ROOM + place];
      }
    }
  } else {
    choose_in_turns(level, asked);
  }
  workgroupBarrier();
}

// The same one item after the other, where there was no room for all that reached the bound.
fn choose_in_turns(level: Level, asked: Asked) {
  var last = Item(LOWEST, NONE);
  for (var turn = 0u; turn < K; turn++) {
    let own = best_after(last, level, asked);
    lane_scores[asked.lane] = own.score;
    lane_items[asked.lane] = own.item;
    workgroupBarrier();
    var best = Item(LOWEST, NONE);
    for (var other = asked.team * TEAM; other < (asked.team + 1u) * TEAM; other++) {
      if (ranks_before(lane_scores[other], lane_items[other], best.score, best.item)) {
        best = Item(lane_scores[other], lane_items[other]);
      }
    }
    if (turn == 0u || last.item != NONE) {
      last = best;
      if (asked.slice == 0u) {
        chosen[asked.team * K + turn] = best.item;
      }
    }
    workgroupBarrier();
  }
}

// Scores the tokens of the chosen groups again, those in this slab, and offers what can be among the K best of them and of `held`, one
// item of each thread. All threads call it.
fn offer_tokens(part: vec4<u32>, asked: Asked, held: Item) {
  var best: Best;
  for (var i = 0u; i < K; i++) { // unrolled
    best.scores[i] = LOWEST;
    best.tokens[i] = NONE;
  }
  insert(&best, held.score, held.item);
  for (var item = asked.slice; item < K * params.group_tokens; item += TEAM) {
    let group = chosen[asked.team * K + item / params.group_tokens];
    let token = group * params.group_tokens + item % params.group_tokens;
    if (group != NONE && token < part.w) {
      let place = part.y + token;
      let page = table[asked.sequence * params.table_stride + place / params.page_tokens] - params.slab_first;
      if (SLABS == 1u || page < params.slab_pages) {
        let score = score_of((page * params.heads + asked.head) * params.page_tokens + place % params.page_tokens);
        insert(&best, score, token);
      }
    }
  }
  find_bound(Item(best.scores[0], best.tokens[0]), asked);
  let bound = Item(bound_scores[asked.team], bound_items[asked.team]);
  for (var i = 0u; i < K; i++) { // unrolled
    offer(best.scores[i], best.tokens[i], bound, asked.team);
  }
  workgroupBarrier();
}
