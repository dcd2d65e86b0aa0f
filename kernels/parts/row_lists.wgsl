// The K best scores of each of TILE_ROWS rows, with their tokens, kept sorted by one thread a row; SIDE threads share a row's scores
// and hand over those that beat its list. K, TILE_ROWS and SIDE are the kernel's. Places of a list are TILE_ROWS apart.

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;
// Scores that a row's keeper takes at once; where more come, threads offer them again.
const ROOM = 16u;

var<workgroup> list_scores: array<f32, K * TILE_ROWS>;
var<workgroup> list_tokens: array<u32, K * TILE_ROWS>;
var<workgroup> offered_scores: array<f32, ROOM * TILE_ROWS>;
var<workgroup> offered_tokens: array<u32, ROOM * TILE_ROWS>;
var<workgroup> offered: array<atomic<u32>, TILE_ROWS>;
// The best of each thread's scores of a row, of a first tile: the K-th of them bounds the K-th best score from below.
var<workgroup> thread_bests: array<f32, SIDE * TILE_ROWS>;
var<workgroup> bounds: array<f32, TILE_ROWS>;
var<workgroup> refused: atomic<u32>;
var<workgroup> again: u32;

// True where (score, token) ranks before (other, held): higher score first, then the lower token.
fn ranks_before(score: f32, token: u32, other: f32, held: u32) -> bool {
  return score > other || (score == other && token < held);
}

// Hands a score to its row's keeper; false where the keeper has no room now.
fn offer(row: u32, score: f32, token: u32) -> bool {
  let worst = (K - 1u) * TILE_ROWS + row;
  if (!ranks_before(score, token, list_scores[worst], list_tokens[worst])) {
    return true;
  }
  let place = atomicAdd(&offered[row], 1u);
  if (place >= ROOM) {
    atomicStore(&refused, 1u);
    return false;
  }
  offered_scores[place * TILE_ROWS + row] = score;
  offered_tokens[place * TILE_ROWS + row] = token;
  return true;
}

// Sorts what was offered into a row's list.
fn keep(row: u32) {
  let count = min(atomicLoad(&offered[row]), ROOM);
  for (var i = 0u; i < count; i++) {
    let score = offered_scores[i * TILE_ROWS + row];
    let token = offered_tokens[i * TILE_ROWS + row];
    var place = K;
    while (place > 0u) {
      let before = (place - 1u) * TILE_ROWS + row;
      let held = list_scores[before];
      let holder = list_tokens[before];
      if (!ranks_before(score, token, held, holder)) {
        break;
      }
      if (place < K) {
        list_scores[before + TILE_ROWS] = held;
        list_tokens[before + TILE_ROWS] = holder;
      }
      place--;
    }
    if (place < K) {
      list_scores[place * TILE_ROWS + row] = score;
      list_tokens[place * TILE_ROWS + row] = token;
    }
  }
  atomicStore(&offered[row], 0u);
}

// The K-th highest of a row's threads' bests; the lowest number where there are fewer threads.
fn bound_of(row: u32) -> f32 {
  if (K > SIDE) {
    return LOWEST;
  }
  var bound = LOWEST;
  for (var i = 0u; i < SIDE; i++) {
    let best = thread_bests[i * TILE_ROWS + row];
    var higher = 0u;
    for (var other = 0u; other < SIDE; other++) {
      higher += u32(thread_bests[other * TILE_ROWS + row] >= best);
    }
    // At least K threads reach it.
    if (higher >= K) {
      bound = max(bound, best);
    }
  }
  return bound;
}
