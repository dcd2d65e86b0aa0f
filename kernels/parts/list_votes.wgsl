// What follows the best tokens of those who vote together, in one workgroup: counts votes, keeps the candidates with most, and lists what
// the step attends to. THREADS, QUERIES, K, `indices`, `counts`, `scope` and params.span, .clip, .indices_stride are the kernel's,
// which leaves the K best tokens of each query in `voted`, NONE where there is none.
//
// Nothing is sorted: in four sweeps each entry is compared with all others, four at a time. The first finds a token's votes and its first
// entry, which stands for it; the second how many candidates come before it; the third the kept token before it, whose span may reach
// into its own; the fourth how many tokens come before its own. Spans of rising centers end in rising order.

const ENTRIES = QUERIES * K;
// Vectors of four entries that a thread loads before it looks at the first.
const SWEEP = 4u;
const SWEEPS = (ENTRIES + 4u * SWEEP - 1u) / (4u * SWEEP);
const CHUNKS = SWEEPS * SWEEP;
const PADDED = 4u * CHUNKS;
// Threads that write a span's tokens.
const SPAN_THREADS = 8u;

// By entry: its token, NONE once another stands for it or it is not kept; then what a sweep found of it.
var<workgroup> voted: array<u32, PADDED>;
var<workgroup> found: array<u32, PADDED>;
// The same as vectors of four, which all threads read.
var<workgroup> tokens4: array<vec4<u32>, CHUNKS>;
var<workgroup> found4: array<vec4<u32>, CHUNKS>;
var<workgroup> starts: array<u32, ENTRIES>;
var<workgroup> lengths: array<u32, ENTRIES>;

// All threads call it before anything is voted for.
fn clear_votes(lane: u32) {
  for (var entry = ENTRIES + lane; entry < PADDED; entry += THREADS) {
    voted[entry] = NONE;
    found[entry] = NONE;
  }
}

// Lays what threads left in `voted` and `found` out in vectors. All threads call it; barriers are before and behind.
fn lay_out(lane: u32) {
  workgroupBarrier();
  for (var chunk = lane; chunk < CHUNKS; chunk += THREADS) {
    let entry = 4u * chunk;
    tokens4[chunk] = vec4<u32>(voted[entry], voted[entry + 1u], voted[entry + 2u], voted[entry + 3u]);
    found4[chunk] = vec4<u32>(found[entry], found[entry + 1u], found[entry + 2u], found[entry + 3u]);
  }
  workgroupBarrier();
}

fn sum4(v: vec4<u32>) -> u32 {
  return (v.x + v.y) + (v.z + v.w);
}

// Leaves each token in its first entry alone, and in `found` how many votes it lacks to have all.
fn count_votes(lane: u32) {
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let mine = voted[entry];
    var votes = vec4<u32>();
    var earlier = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        let same = vec4<u32>(tokens4[chunk + i] == vec4<u32>(mine));
        votes += same;
        earlier += select(vec4<u32>(), same, vec4<u32>(4u * (chunk + i)) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(entry));
      }
    }
    let stands = mine != NONE && sum4(earlier) == 0u;
    voted[entry] = select(NONE, mine, stands);
    found[entry] = select(NONE, ENTRIES - sum4(votes), stands);
  }
}

// Keeps the candidates that fewer than `clip` come before: those with more votes, or as many and a lower token.
fn keep_most_voted(lane: u32) {
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let mine = voted[entry];
    let missing = found[entry];
    var before_mine = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        let other = found4[chunk + i];
        let lower = vec4<u32>(tokens4[chunk + i] < vec4<u32>(mine));
        before_mine += select(vec4<u32>(other < vec4<u32>(missing)), lower, other == vec4<u32>(missing));
      }
    }
    if (sum4(before_mine) >= params.clip) {
      voted[entry] = NONE;
    }
  }
}

// Leaves each kept token's span in `starts` and `lengths`, without what the spans before it have; its length in `found` too.
fn cut_spans(tokens: u32, lane: u32) {
  let after = (params.span + 1u) / 2u;
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let center = voted[entry];
    // One more than the kept token before it.
    var last = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        let other = tokens4[chunk + i];
        last = max(last, select(vec4<u32>(), other + 1u, other < vec4<u32>(center)));
      }
    }
    let previous = max(max(last.x, last.y), max(last.z, last.w));
    var start = center - min(center, params.span / 2u);
    if (previous > 0u) {
      start = max(start, min(previous - 1u + after, tokens));
    }
    let length = min(center + after, tokens) - start;
    starts[entry] = start;
    lengths[entry] = select(0u, length, center != NONE);
    found[entry] = lengths[entry];
  }
  for (var entry = ENTRIES + lane; entry < PADDED; entry += THREADS) {
    found[entry] = 0u;
  }
}

// Leaves in `found` how many tokens the spans before each entry's have, and returns how many all have.
fn place_spans(lane: u32) -> u32 {
  var all = vec4<u32>();
  for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
    for (var i = 0u; i < SWEEP; i++) { // unrolled
      all += found4[chunk + i];
    }
  }
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let mine = voted[entry];
    var earlier = vec4<u32>();
    for (var chunk = 0u; chunk < CHUNKS; chunk += SWEEP) {
      for (var i = 0u; i < SWEEP; i++) { // unrolled
        earlier += select(vec4<u32>(), found4[chunk + i], tokens4[chunk + i] < vec4<u32>(mine));
      }
    }
    found[entry] = sum4(earlier);
  }
  return sum4(all);
}

// Lists what `voted` leads to. All threads call it.
fn list_tokens(selection: u32, part: vec4<u32>, lane: u32) {
  lay_out(lane);
  count_votes(lane);
  lay_out(lane);
  if (params.clip < ENTRIES) {
    keep_most_voted(lane);
    lay_out(lane);
  }
  cut_spans(part.w, lane);
  lay_out(lane);
  let picked = place_spans(lane);
  workgroupBarrier();
  let leading = part.y;
  let base = selection * params.indices_stride;
  for (var i = lane; i < leading; i += THREADS) {
    indices[base + i] = i;
  }
  for (var item = lane; item < ENTRIES * SPAN_THREADS; item += THREADS) {
    let entry = item / SPAN_THREADS;
    let place = base + leading + found[entry];
    for (var o = item % SPAN_THREADS; o < lengths[entry]; o += SPAN_THREADS) {
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
