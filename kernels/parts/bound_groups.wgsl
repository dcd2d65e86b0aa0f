// The groups of neighbouring tokens that can hold a query's K best ones, found by a whole workgroup. THREADS, K, COLUMNS and COLUMN_ROWS =
// THREADS / COLUMNS, powers of two, and `bests` are the kernel's.
//
// Groups and tokens are items: the higher score ranks first, then the lower item. What K columns of threads have reached bounds the
// K-th best group: few groups reach that.

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
// Highest scores that a thread loads before it looks at the first.
const ROWS = 8u;
// Groups that reach the bound; where there are more, they are found one after the other.
const ROOM = 128u;

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

// Offers all groups that reach the bound. All threads call it; returns how many they are.
fn find_groups(first: u32, groups: u32, lane: u32) -> u32 {
  // The first rows are kept, others are looked at twice.
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
  return tell_offered(lane);
}
