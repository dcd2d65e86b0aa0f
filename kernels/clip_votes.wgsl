// Keeps the candidates with most votes and marks the spans around them.
//
// Shapes:   votes u32 [selections, votes_stride]; candidates u32 [selections, candidates_stride] in any order;
//           candidate_counts u32 [selections]: votes and counts are left as zeros, for the next layer;
//           parts [batch, 4], its last entry is the middle's length; centers u32 [selections, centers_stride, 2], the kept
//           tokens and their votes, in no order; center_counts u32 [selections]; marks u32 [selections, marks_stride], one bit
//           a token
// Dispatch: one workgroup of at least 64 threads per selection, linear groups; selections = batch * (1 or KV heads)
// Source:   ALGORITHM section 5: at most `clip` candidates, most votes first, ties to the lower token; then
//           clamp(c + o, 0, m - 1) for -floor(span / 2) <= o <= ceil(span / 2) - 1. The clip's place is found digit by digit,
//           by counting how many candidates have each.

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
// Candidates that a thread loads before it looks at the first.
const AHEAD = 8u;

var<workgroup> kept: atomic<u32>;
var<workgroup> most: atomic<u32>;
var<workgroup> digits: array<atomic<u32>, DIGITS>;
// The digit found, and how many candidates are wanted among those that have it.
var<workgroup> found: vec2<u32>;

// Candidates with at least `least` votes and, among those with exactly `least`, a token of at most `last`.
fn is_kept(candidate: u32, cast_votes: u32, least: u32, last: u32) -> bool {
  return cast_votes > least || (cast_votes == least && candidate <= last);
}

struct Loaded {
  candidates: array<u32, AHEAD>,
  votes: array<u32, AHEAD>,
}

// A thread's next candidates; behind the last one it comes again, and must not count.
fn load_ahead(selection: u32, first: u32, count: u32) -> Loaded {
  var loaded: Loaded;
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    loaded.candidates[i] = candidates[selection * params.candidates_stride + min(first + i * WORKGROUP, count - 1u)];
  }
  for (var i = 0u; i < AHEAD; i++) { // unrolled
    loaded.votes[i] = votes[selection * params.votes_stride + loaded.candidates[i]];
  }
  return loaded;
}

// The most votes of any candidate.
fn most_votes(selection: u32, count: u32, lane: u32) -> u32 {
  var highest = 0u;
  for (var first = lane; first < count; first += AHEAD * WORKGROUP) {
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

// The wanted-th largest key of at most `bound`, and how many are wanted among those equal to it. Keys are votes; or, where `least`
// is not 0, how far tokens with exactly `least` votes are from the last token.
fn largest(selection: u32, count: u32, least: u32, tokens: u32, bound: u32, first_wanted: u32, lane: u32) -> vec2<u32> {
  var prefix = 0u;
  var wanted = first_wanted;
  for (var left = (firstLeadingBit(bound) / DIGIT_BITS + 1u) * DIGIT_BITS; left > 0u; left -= DIGIT_BITS) {
    let shift = left - DIGIT_BITS;
    for (var digit = lane; digit < DIGITS; digit += WORKGROUP) {
      atomicStore(&digits[digit], 0u);
    }
    workgroupBarrier();
    // Most keys of a thread have one digit: they are counted together.
    var held = 0u;
    var amount = 0u;
    for (var first = lane; first < count; first += AHEAD * WORKGROUP) {
      let loaded = load_ahead(selection, first, count);
      for (var i = 0u; i < AHEAD; i++) { // unrolled
        let key = select(tokens - 1u - loaded.candidates[i], loaded.votes[i], least == 0u);
        let counts = first + i * WORKGROUP < count && (least == 0u || loaded.votes[i] == least);
        // Twice, since a shift by all 32 bits is none.
        if (counts && ((key >> shift) >> DIGIT_BITS) == prefix) {
          let digit = (key >> shift) % DIGITS;
          if (digit != held) {
            atomicAdd(&digits[held], amount);
            held = digit;
            amount = 0u;
          }
          amount++;
        }
      }
    }
    atomicAdd(&digits[held], amount);
    workgroupBarrier();
    for (var digit = lane; digit < DIGITS; digit += WORKGROUP) {
      let own = atomicLoad(&digits[digit]);
      if (own > 0u || digit == 0u) {
        var above = 0u;
        for (var run = 0u; run < DIGITS; run += 16u) {
          for (var i = 0u; i < 16u; i++) { // unrolled
            above += select(0u, atomicLoad(&digits[run + i]), run + i > digit);
          }
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
  let count = workgroupUniformLoad(&found).x;
  let tokens = parts[selection / params.selections_per_sequence].w;
  var least = 0u;
  var last = 0xffffffffu;
  if (params.clip == 0u) {
    least = 0xffffffffu;
  } else if (count > params.clip) {
    let by_votes = largest(selection, count, 0u, tokens, most_votes(selection, count, lane), params.clip, lane);
    least = by_votes.x;
    last = tokens - 1u - largest(selection, count, least, tokens, tokens, by_votes.y, lane).x;
  }
  for (var first = lane; first < count; first += AHEAD * WORKGROUP) {
    let loaded = load_ahead(selection, first, count);
    for (var i = 0u; i < AHEAD; i++) { // unrolled
      let candidate = loaded.candidates[i];
      if (first + i * WORKGROUP < count) {
        votes[selection * params.votes_stride + candidate] = 0u;
        if (is_kept(candidate, loaded.votes[i], least, last)) {
          let place = 2u * (selection * params.centers_stride + atomicAdd(&kept, 1u));
          centers[place] = candidate;
          centers[place + 1u] = loaded.votes[i];
          mark_span(selection, candidate, tokens);
        }
      }
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    center_counts[selection] = atomicLoad(&kept);
    candidate_counts[selection] = 0u;
  }
}
