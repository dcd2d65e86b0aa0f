// Keeps the candidates with most votes and marks the spans around them.
//
// Shapes:   votes u32 [selections, votes_stride]; candidates u32 [selections, candidates_stride] in any order;
//           candidate_counts u32 [selections]: votes and counts are left as zeros, for the next layer;
//           parts [batch, 4], its last entry is the middle's length; centers u32 [selections, centers_stride, 2], the kept
//           tokens and their votes, in no order; center_counts u32 [selections]; marks u32 [selections, marks_stride], one bit
//           a token. With `dense` 1 votes are looked at token by token, and candidates are not read
// Dispatch: one workgroup of at least 64 threads per selection, linear groups; selections = batch * (1 or KV heads)
// Source:   ALGORITHM section 5: at most `clip` candidates, most votes first, ties to the lower token; then
//           clamp(c + o, 0, m - 1) for -floor(span / 2) <= o <= ceil(span / 2) - 1. The clip's place is found digit by digit,
//           by counting how many candidates have each; candidates are looked at several times.

struct Params {
  first_group: u32,
  group_count: u32,
  selections_per_sequence: u32,
  votes_stride: u32,
  candidates_stride: u32,
  centers_stride: u32,
  marks_stride: u32,
  clip: u32,
  span: u32,
  dense: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> votes: array<u32>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read_write> candidate_counts: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> centers: array<u32>;
@group(0) @binding(6) var<storage, read_write> center_counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> marks: array<atomic<u32>>;

const DIGIT_BITS = 8u;
const DIGITS = 256u;
// Digits are added up by runs; there are as many runs as digits in one.
const RUN = 16u;
// Candidates of a thread that stay in registers, and how many of the others it loads before it looks at the first.
const HELD = 16u;
const AHEAD = 4u;

var<workgroup> kept: atomic<u32>;
var<workgroup> most: atomic<u32>;
var<workgroup> digits: array<atomic<u32>, DIGITS>;
var<workgroup> runs: array<u32, RUN>;
// The digit found, and how many candidates are wanted among those that have it.
var<workgroup> found: vec2<u32>;

// Candidates with at least `least` votes and, among those with exactly `least`, a token of at most `last`.
fn is_kept(candidate: u32, cast_votes: u32, least: u32, last: u32) -> bool {
  return cast_votes > least || (cast_votes == least && candidate <= last);
}

// The first candidates of a thread, HELD of them, and their votes; none where there are fewer.
var<private> held_candidates: array<u32, HELD>;
var<private> held_votes: array<u32, HELD>;

fn hold(selection: u32, count: u32, lane: u32) {
  for (var i = 0u; i < HELD; i++) { // unrolled
    held_candidates[i] = min(lane + i * WORKGROUP, max(count, 1u) - 1u);
  }
  if (params.dense == 0u) {
    for (var i = 0u; i < HELD; i++) { // unrolled
      held_candidates[i] = candidates[selection * params.candidates_stride + held_candidates[i]];
    }
  }
  for (var i = 0u; i < HELD; i++) { // unrolled
    let cast_votes = votes[selection * params.votes_stride + select(0u, held_candidates[i], count > 0u)];
    held_votes[i] = select(0u, cast_votes, lane + i * WORKGROUP < count);
  }
}

struct Loaded {
  candidates: array<u32, AHEAD>,
  votes: array<u32, AHEAD>,
}

// Some of a thread's other candidates; behind the last one there is none, with no votes.
fn load_ahead(selection: u32, first: u32, count: u32) -> Loaded {
  var loaded: Loaded;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    loaded.candidates[i] = min(first + i * WORKGROUP, count - 1u);
  }
  if (params.dense == 0u) {
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      loaded.candidates[i] = candidates[selection * params.candidates_stride + loaded.candidates[i]];
    }
  }
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    let cast_votes = votes[selection * params.votes_stride + loaded.candidates[i]];
    loaded.votes[i] = select(0u, cast_votes, first + i * WORKGROUP < count);
  }
  return loaded;
}

// The most votes of any candidate.
fn most_votes(selection: u32, count: u32, lane: u32) -> u32 {
  var highest = 0u;
  for (var i = 0u; i < HELD; i++) { // unrolled
    highest = max(highest, held_votes[i]);
  }
  for (var first = lane + HELD * WORKGROUP; first < count; first += AHEAD * WORKGROUP) {
    let loaded = load_ahead(selection, first, count);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      highest = max(highest, loaded.votes[i]);
    }
  }
  atomicMax(&most, highest);
  workgroupBarrier();
  if (lane == 0u) {
    found.x = atomicLoad(&most);
  }
  return workgroupUniformLoad(&found).x;
}

// What is counted: keys that begin with a prefix, by the digit that follows. Keys are votes; or, where `least` is not 0, how far tokens
// with exactly `least` votes are from the last token.
struct Counting {
  least: u32,
  tokens: u32,
  shift: u32,
  prefix: u32,
}

// Most keys of a thread have one digit: they are counted together.
var<private> counted_digit: u32;
var<private> amount: u32;

fn add_counted() {
  if (amount > 0u) {
    atomicAdd(&digits[counted_digit], amount);
    amount = 0u;
  }
}

fn count_key(counting: Counting, candidate: u32, cast_votes: u32) {
  let key = select(counting.tokens - 1u - candidate, cast_votes, counting.least == 0u);
  let counts = cast_votes > 0u && (counting.least == 0u || cast_votes == counting.least);
  // Twice, since a shift by all 32 bits is none.
  if (counts && ((key >> counting.shift) >> DIGIT_BITS) == counting.prefix) {
    let digit = (key >> counting.shift) % DIGITS;
    if (digit != counted_digit) {
      add_counted();
      counted_digit = digit;
    }
    amount++;
  }
}

// The wanted-th largest key of at most `bound`, and how many are wanted among those equal to it.
fn largest(selection: u32, count: u32, least: u32, tokens: u32, bound: u32, first_wanted: u32, lane: u32) -> vec2<u32> {
  var prefix = 0u;
  var wanted = first_wanted;
  for (var left = (firstLeadingBit(bound) / DIGIT_BITS + 1u) * DIGIT_BITS; left > 0u; left -= DIGIT_BITS) {
    for (var digit = lane; digit < DIGITS; digit += WORKGROUP) {
      atomicStore(&digits[digit], 0u);
    }
    workgroupBarrier();
    let counting = Counting(least, tokens, left - DIGIT_BITS, prefix);
    counted_digit = 0u;
    amount = 0u;
    for (var i = 0u; i < HELD; i++) { // unrolled
      count_key(counting, held_candidates[i], held_votes[i]);
    }
    for (var first = lane + HELD * WORKGROUP; first < count; first += AHEAD * WORKGROUP) {
      let loaded = load_ahead(selection, first, count);
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        count_key(counting, loaded.candidates[i], loaded.votes[i]);
      }
    }
    add_counted();
    workgroupBarrier();
    // What higher digits have comes from whole runs of digits, and from the digit's own run.
    for (var run = lane; run < DIGITS / RUN; run += WORKGROUP) {
      var sum = 0u;
      for (var i = 0u; i < RUN; i++) { // unrolled
        sum += atomicLoad(&digits[run * RUN + i]);
      }
      runs[run] = sum;
    }
    workgroupBarrier();
    for (var digit = lane; digit < DIGITS; digit += WORKGROUP) {
      let own = atomicLoad(&digits[digit]);
      if (own > 0u || digit == 0u) {
        let own_run = digit / RUN;
        var above = 0u;
        for (var i = 0u; i < RUN; i++) { // unrolled
          above += select(0u, runs[i], i > own_run);
          above += select(0u, atomicLoad(&digits[own_run * RUN + i]), i > digit % RUN);
        }
        if (above < wanted && (wanted <= above + own || digit == 0u)) {
          found = vec2(digit, wanted - above);
        }
      }
    }
    workgroupBarrier();
    let next = workgroupUniformLoad(&found);
    prefix = prefix * DIGITS + next.x;
    wanted = next.y;
  }
  return vec2(prefix, wanted);
}

// Clears a candidate's votes; keeps it where it is among those with most.
fn take(selection: u32, candidate: u32, cast_votes: u32, least: u32, last: u32, tokens: u32) {
  if (cast_votes == 0u) {
    return;
  }
  votes[selection * params.votes_stride + candidate] = 0u;
  if (is_kept(candidate, cast_votes, least, last)) {
    let place = 2u * (selection * params.centers_stride + atomicAdd(&kept, 1u));
    centers[place] = candidate;
    centers[place + 1u] = cast_votes;
    mark_span(selection, candidate, tokens);
  }
}

fn mark_span(selection: u32, center: u32, tokens: u32) {
  let before = min(center, params.span / 2u);
  let first = center - before;
  let last = min(center + (params.span + 1u) / 2u - 1u, tokens - 1u);
  // A span of 1 has no token before its center; an empty one (first > last) can't occur.
  for (var word = first / 32u; word <= last / 32u; word++) {
    let low = select(0u, first % 32u, word == first / 32u);
    let high = select(31u, last % 32u, word == last / 32u);
    let bits = (0xffffffffu << low) & (0xffffffffu >> (31u - high));
    atomicOr(&marks[selection * params.marks_stride + word], bits);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let selection = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (selection >= params.group_count) {
    return;
  }
  for (var word = lane; word < params.marks_stride; word += WORKGROUP) {
    atomicStore(&marks[selection * params.marks_stride + word], 0u);
  }
  if (lane == 0u) {
    atomicStore(&kept, 0u);
  }
  storageBarrier();
  if (lane == 0u) {
    found.x = candidate_counts[selection];
  }
  let cast_for = workgroupUniformLoad(&found).x;
  let tokens = parts[selection / params.selections_per_sequence].w;
  // What is looked at: with `dense` all tokens, of which those without votes count for nothing.
  let count = select(cast_for, tokens, params.dense == 1u);
  hold(selection, count, lane);
  var least = 0u;
  var last = 0xffffffffu;
  if (params.clip == 0u) {
    least = 0xffffffffu;
  } else if (cast_for > params.clip) {
    let by_votes = largest(selection, count, 0u, tokens, most_votes(selection, count, lane), params.clip, lane);
    least = by_votes.x;
    last = tokens - 1u - largest(selection, count, least, tokens, tokens, by_votes.y, lane).x;
  }
  for (var i = 0u; i < HELD; i++) { // unrolled
    take(selection, held_candidates[i], held_votes[i], least, last, tokens);
  }
  for (var first = lane + HELD * WORKGROUP; first < count; first += AHEAD * WORKGROUP) {
    let loaded = load_ahead(selection, first, count);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      take(selection, loaded.candidates[i], loaded.votes[i], least, last, tokens);
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    center_counts[selection] = atomicLoad(&kept);
    candidate_counts[selection] = 0u;
  }
}
