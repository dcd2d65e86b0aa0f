// What follows the best tokens of those who vote together, in one workgroup: counts votes, keeps the candidates with most, and lists what
// the step attends to. THREADS, QUERIES, K, `indices`, `counts`, `scope` and params.span, .clip, .indices_stride are the kernel's,
// which leaves the K best tokens of each query in `voted`, NONE where there is none.
//
// Entries are sorted by their ranks: all are compared with all, four at a time, by all threads. Sorted spans end in rising order, so each
// adds the tokens between the end of the one before and its own; a token's second entry adds none.

const ENTRIES = QUERIES * K;
const CHUNKS = (ENTRIES + 3u) / 4u;
const PADDED = 4u * CHUNKS;
// Threads that compare one entry with all others, and chunks that each takes at a time.
const COMPARERS = max(1u, THREADS / PADDED);
const RUN = 4u;
// Threads that write a span's tokens.
const SPAN_THREADS = 8u;

// What is ranked or summed, by entry: tokens, then what the steps after leave; and the same by chunks, with room for a run behind them.
var<workgroup> voted: array<u32, PADDED>;
var<workgroup> chunks: array<vec4<u32>, CHUNKS + RUN * COMPARERS>;
// What comes of comparing, by entry.
var<workgroup> ranks: array<atomic<u32>, PADDED>;
// Tokens in rising order, NONE behind them: all entries, then the kept.
var<workgroup> sorted: array<u32, 2u * PADDED>;
var<workgroup> starts: array<u32, PADDED>;
var<workgroup> candidates: atomic<u32>;
var<workgroup> told_candidates: u32;

// All threads call it before anything is voted for.
fn clear_votes(lane: u32) {
  for (var entry = lane; entry < 2u * PADDED; entry += THREADS) {
    sorted[entry] = NONE;
  }
  for (var entry = ENTRIES + lane; entry < PADDED; entry += THREADS) {
    voted[entry] = NONE;
  }
  for (var chunk = CHUNKS + lane; chunk < CHUNKS + RUN * COMPARERS; chunk += THREADS) {
    chunks[chunk] = vec4<u32>(NONE);
  }
  if (lane == 0u) {
    atomicStore(&candidates, 0u);
  }
}

// Lays `voted` out in chunks. All threads call it; barriers are before and behind.
fn pack_voted(lane: u32) {
  workgroupBarrier();
  for (var chunk = lane; chunk < CHUNKS; chunk += THREADS) {
    chunks[chunk] = vec4<u32>(voted[4u * chunk], voted[4u * chunk + 1u], voted[4u * chunk + 2u], voted[4u * chunk + 3u]);
  }
  for (var entry = lane; entry < PADDED; entry += THREADS) {
    atomicStore(&ranks[entry], 0u);
  }
  workgroupBarrier();
}

// Leaves in `ranks` how many entries of `voted` are lower, or equal and before: of all but NONE. All threads call it.
fn rank_voted(lane: u32) {
  pack_voted(lane);
  for (var item = lane; item < PADDED * COMPARERS; item += THREADS) {
    let entry = item % PADDED;
    let mine = voted[entry];
    if (mine == NONE) {
      continue;
    }
    var rank = vec4<u32>();
    for (var run = item / PADDED; run < CHUNKS; run += RUN * COMPARERS) {
      for (var i = 0u; i < RUN; i++) { // unrolled
        let chunk = run + i * COMPARERS;
        let earlier = vec4<u32>(4u * chunk) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(entry);
        rank += vec4<u32>(chunks[chunk] < vec4<u32>(mine) + vec4<u32>(earlier));
      }
    }
    atomicAdd(&ranks[entry], (rank.x + rank.y) + (rank.z + rank.w));
  }
  workgroupBarrier();
}

// Leaves in `ranks` the sum of the entries of `voted` before each. All threads call it.
fn sum_voted(lane: u32) {
  pack_voted(lane);
  for (var item = lane; item < PADDED * COMPARERS; item += THREADS) {
    let entry = item % PADDED;
    var sum = vec4<u32>();
    for (var run = item / PADDED; run <= entry / 4u; run += RUN * COMPARERS) {
      for (var i = 0u; i < RUN; i++) { // unrolled
        let chunk = run + i * COMPARERS;
        let earlier = vec4<u32>(4u * chunk) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(entry);
        sum += select(vec4<u32>(), chunks[chunk], earlier);
      }
    }
    atomicAdd(&ranks[entry], (sum.x + sum.y) + (sum.z + sum.w));
  }
  workgroupBarrier();
}

// Sorts `voted` into `sorted`, from a place on. All threads call it.
fn sort_voted(first: u32, lane: u32) {
  rank_voted(lane);
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    if (voted[entry] != NONE) {
      sorted[first + atomicLoad(&ranks[entry])] = voted[entry];
    }
  }
  workgroupBarrier();
}

// Whether a place of all sorted entries is its token's first.
fn is_first(entry: u32) -> bool {
  return sorted[entry] != NONE && (entry == 0u || sorted[max(entry, 1u) - 1u] != sorted[entry]);
}

// More than `clip` candidates. All threads call it.
fn are_clipped(lane: u32) -> bool {
  if (params.clip >= ENTRIES) {
    return false;
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    if (is_first(entry)) {
      atomicAdd(&candidates, 1u);
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    told_candidates = atomicLoad(&candidates);
  }
  return workgroupUniformLoad(&told_candidates) > params.clip;
}

// Leaves in `voted` the candidates that are kept: those that fewer than `clip` have more votes than, or as many and a lower token. All
// threads call it.
fn keep_most_voted(lane: u32) {
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    var missing = NONE;
    if (is_first(entry)) {
      var votes = 1u;
      while (entry + votes < ENTRIES && sorted[min(entry + votes, ENTRIES - 1u)] == sorted[entry]) {
        votes++;
      }
      missing = ENTRIES - votes;
    }
    voted[entry] = missing;
  }
  rank_voted(lane);
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let keeps = voted[entry] != NONE && atomicLoad(&ranks[entry]) < params.clip;
    voted[entry] = select(NONE, sorted[entry], keeps);
  }
}

// Lists what `voted` leads to. All threads call it.
fn list_tokens(selection: u32, part: vec4<u32>, lane: u32) {
  var first = 0u;
  sort_voted(first, lane);
  if (are_clipped(lane)) {
    keep_most_voted(lane);
    first = PADDED;
    sort_voted(first, lane);
  }
  let after = (params.span + 1u) / 2u;
  for (var entry = lane; entry < PADDED; entry += THREADS) {
    let center = sorted[first + entry];
    var start = 0u;
    var end = 0u;
    if (center != NONE) {
      end = min(center + after, part.w);
      start = center - min(center, params.span / 2u);
      if (entry > 0u) {
        start = max(start, min(sorted[first + max(entry, 1u) - 1u] + after, part.w));
      }
    }
    starts[entry] = start;
    voted[entry] = end - start;
  }
  sum_voted(lane);
  let leading = part.y;
  let base = selection * params.indices_stride;
  let picked = atomicLoad(&ranks[PADDED - 1u]) + voted[PADDED - 1u];
  for (var i = lane; i < leading; i += THREADS) {
    indices[base + i] = i;
  }
  for (var item = lane; item < ENTRIES * SPAN_THREADS; item += THREADS) {
    let entry = item / SPAN_THREADS;
    let place = base + leading + atomicLoad(&ranks[entry]);
    for (var o = item % SPAN_THREADS; o < voted[entry]; o += SPAN_THREADS) {
      indices[place + o] = leading + starts[entry] + o;
    }
  }
  for (var token = part.z + lane; token < part.x; token += THREADS) {
    indices[base + leading + picked + token - part.z] = token;
  }
  if (lane == 0u) {
    let count = leading + picked + part.x - part.z;
    counts[selection] = count;
    atomicMax(&scope, count);
  }
}
