// What follows the best tokens of those who vote together, in one workgroup: counts votes, keeps the candidates with most, and lists what
// the step attends to. THREADS, QUERIES, K, `indices`, `counts`, `scope` and params.span, .clip, .indices_stride are the kernel's,
// which leaves the K best tokens of each query in `voted`, NONE where there is none.
//
// Sorted spans end in rising order, so each adds the tokens between the end of the one before and its own.

const ENTRIES = QUERIES * K;
// Loops over all entries go by runs that are written out; the last run's rest holds nothing.
const RUN = 8u;
const PADDED = (ENTRIES + RUN - 1u) / RUN * RUN;
// Threads that write a span's tokens.
const SPAN_THREADS = 8u;

var<workgroup> voted: array<u32, PADDED>;
var<workgroup> votes: array<u32, PADDED>;
var<workgroup> kept: array<u32, PADDED>;
// Of the kept in rising order: the token; then the first of those that its span adds, how many, and their place in the list.
var<workgroup> centers: array<u32, PADDED>;
var<workgroup> starts: array<u32, PADDED>;
var<workgroup> lengths: array<u32, PADDED>;
var<workgroup> places: array<u32, PADDED>;
var<workgroup> totals: array<atomic<u32>, 2>;

// Votes of a token, counted where it first stands; 0 at its other places and where there is none.
fn count_votes(entry: u32) -> u32 {
  let token = voted[entry];
  var count = 0u;
  var before = 0u;
  for (var first = 0u; first < PADDED; first += RUN) {
    for (var i = 0u; i < RUN; i++) { // unrolled
      let same = u32(voted[first + i] == token);
      count += same;
      before += select(0u, same, first + i < entry);
    }
  }
  return select(0u, count, token != NONE && before == 0u);
}

// Whether fewer than `clip` candidates have more votes, or as many and a lower token.
fn is_kept(entry: u32) -> bool {
  let mine = votes[entry];
  let token = voted[entry];
  var rank = 0u;
  for (var first = 0u; first < PADDED; first += RUN) {
    for (var i = 0u; i < RUN; i++) { // unrolled
      let theirs = votes[first + i];
      rank += u32(theirs > mine || (theirs == mine && voted[first + i] < token));
    }
  }
  return mine > 0u && rank < params.clip;
}

// All threads call it before anything is voted for.
fn clear_votes(lane: u32) {
  if (lane < 2u) {
    atomicStore(&totals[lane], 0u);
  }
  for (var entry = ENTRIES + lane; entry < PADDED; entry += THREADS) {
    voted[entry] = NONE;
    votes[entry] = 0u;
    kept[entry] = NONE;
  }
}

// Lists what `voted` leads to. All threads call it, after a barrier.
fn list_tokens(selection: u32, part: vec4<u32>, lane: u32) {
  let leading = part.y;
  let base = selection * params.indices_stride;
  for (var i = lane; i < leading; i += THREADS) {
    indices[base + i] = i;
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    votes[entry] = count_votes(entry);
    kept[entry] = select(NONE, voted[entry], votes[entry] > 0u);
  }
  workgroupBarrier();
  if (params.clip < ENTRIES) {
    for (var entry = lane; entry < ENTRIES; entry += THREADS) {
      kept[entry] = select(NONE, voted[entry], is_kept(entry));
    }
    workgroupBarrier();
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let token = kept[entry];
    var place = 0u;
    for (var first = 0u; first < PADDED; first += RUN) {
      for (var i = 0u; i < RUN; i++) { // unrolled
        place += u32(kept[first + i] < token);
      }
    }
    if (token != NONE) {
      centers[place] = token;
      atomicAdd(&totals[0], 1u);
    }
  }
  workgroupBarrier();
  let spans = atomicLoad(&totals[0]);
  let after = (params.span + 1u) / 2u;
  for (var i = lane; i < spans; i += THREADS) {
    let center = centers[i];
    let end = min(center + after, part.w);
    var start = center - min(center, params.span / 2u);
    if (i > 0u) {
      start = max(start, min(centers[i - 1u] + after, part.w));
    }
    starts[i] = start;
    lengths[i] = end - start;
    atomicAdd(&totals[1], end - start);
  }
  workgroupBarrier();
  let picked = atomicLoad(&totals[1]);
  for (var i = lane; i < spans; i += THREADS) {
    var place = base + leading;
    for (var first = 0u; first < spans; first += RUN) {
      for (var o = 0u; o < RUN; o++) { // unrolled
        place += select(0u, lengths[first + o], first + o < i);
      }
    }
    places[i] = place;
  }
  workgroupBarrier();
  for (var item = lane; item < spans * SPAN_THREADS; item += THREADS) {
    let i = item / SPAN_THREADS;
    for (var o = item % SPAN_THREADS; o < lengths[i]; o += SPAN_THREADS) {
      indices[places[i] + o] = leading + starts[i] + o;
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
