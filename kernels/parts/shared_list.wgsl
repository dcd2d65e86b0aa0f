// The K best items of PAIRS streams, each a score and its token, kept sorted by a workgroup of THREADS threads; a thread offers
// one item of each stream at a time. K, PAIRS and THREADS are the kernel's; PAIRS is at most THREADS. Two copies of the lists
// take turns: what was offered is joined with one, by rank, into the other.

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;

var<workgroup> list_scores: array<f32, 2u * PAIRS * K>;
var<workgroup> list_tokens: array<u32, 2u * PAIRS * K>;
var<workgroup> offered_scores: array<f32, PAIRS * THREADS>;
var<workgroup> offered_tokens: array<u32, PAIRS * THREADS>;
var<workgroup> offered: array<atomic<u32>, PAIRS>;
var<workgroup> offered_any: atomic<u32>;
var<workgroup> joins: u32;

// True where (score, token) ranks before (other, held): higher score first, then the lower token.
fn ranks_before(score: f32, token: u32, other: f32, held: u32) -> bool {
  return score > other || (score == other && token < held);
}

// Offers an item, which is dropped where the stream's list has K better ones.
fn offer(pair: u32, turn: u32, score: f32, token: u32) {
  let worst = (turn * PAIRS + pair) * K + K - 1u;
  if (ranks_before(score, token, list_scores[worst], list_tokens[worst])) {
    let place = pair * THREADS + atomicAdd(&offered[pair], 1u);
    offered_scores[place] = score;
    offered_tokens[place] = token;
    atomicStore(&offered_any, 1u);
  }
}

// Joins what all threads offered into the lists, and tells which copy of them holds now. All threads call it.
fn join(turn: u32, lane: u32) -> u32 {
  workgroupBarrier();
  note_offers(lane);
  return join_noted(turn, lane);
}

// Takes down whether anything was offered: after a barrier that follows the offers.
fn note_offers(lane: u32) {
  if (lane == 0u) {
    joins = atomicLoad(&offered_any);
  }
}

// Joins what was taken down; it begins with a barrier.
fn join_noted(turn: u32, lane: u32) -> u32 {
  if (workgroupUniformLoad(&joins) == 0u) {
    return turn;
  }
  let share = THREADS / PAIRS;
  let pair = lane / share;
  if (pair < PAIRS) {
    let held = (turn * PAIRS + pair) * K;
    let fresh = pair * THREADS;
    let count = atomicLoad(&offered[pair]);
    for (var item = lane % share; item < K + count; item += share) {
      let old = item < K;
      let at = select(fresh + item - K, held + item, old);
      var score = 0.0;
      var token = 0u;
      if (old) {
        score = list_scores[at];
        token = list_tokens[at];
      } else {
        score = offered_scores[at];
        token = offered_tokens[at];
      }
      // Empty places are all alike: among them the earlier ranks before the later.
      var rank = 0u;
      for (var other = 0u; other < K; other++) {
        let theirs = list_tokens[held + other];
        let same = theirs == token && other < item;
        rank += u32(same || ranks_before(list_scores[held + other], theirs, score, token));
      }
      for (var other = 0u; other < count; other++) {
        rank += u32(ranks_before(offered_scores[fresh + other], offered_tokens[fresh + other], score, token));
      }
      if (rank < K) {
        list_scores[((1u - turn) * PAIRS + pair) * K + rank] = score;
        list_tokens[((1u - turn) * PAIRS + pair) * K + rank] = token;
      }
    }
  }
  workgroupBarrier();
  if (lane < PAIRS) {
    atomicStore(&offered[lane], 0u);
  }
  if (lane == 0u) {
    atomicStore(&offered_any, 0u);
  }
  workgroupBarrier();
  return 1u - turn;
}
