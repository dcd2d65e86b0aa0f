// Keeps the candidates with most votes and marks the spans around them.
//
// Shapes:   votes u32 [selections, votes_stride]; candidates u32 [selections, candidates_stride] in any order;
//           candidate_counts u32 [selections]; parts [batch, 4], its last entry is the middle's length;
//           centers u32 [selections, centers_stride, 2], the kept tokens and their votes, in no order;
//           center_counts u32 [selections], zero before; marks u32 [selections, marks_stride], one bit a token, zero before
// Dispatch: one workgroup per selection, linear groups; selections = batch * (1 or KV heads)
// Source:   ALGORITHM section 5: at most `clip` candidates, most votes first, ties to the lower token; then
//           clamp(c + o, 0, m - 1) for -floor(span / 2) <= o <= ceil(span / 2) - 1

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
  most_votes: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> votes: array<u32>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read> candidate_counts: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> centers: array<u32>;
@group(0) @binding(6) var<storage, read_write> center_counts: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> marks: array<atomic<u32>>;

var<workgroup> counter: atomic<u32>;
var<workgroup> counted: u32;

// Candidates with at least `least` votes and, among those with exactly `least`, a token of at most `last`.
fn is_kept(candidate: u32, cast_votes: u32, least: u32, last: u32) -> bool {
  return cast_votes > least || (cast_votes == least && candidate <= last);
}

fn count_kept(selection: u32, count: u32, least: u32, last: u32, lane: u32) -> u32 {
  if (lane == 0u) {
    atomicStore(&counter, 0u);
  }
  workgroupBarrier();
  var mine = 0u;
  for (var i = lane; i < count; i += WORKGROUP) {
    let candidate = candidates[selection * params.candidates_stride + i];
    if (is_kept(candidate, votes[selection * params.votes_stride + candidate], least, last)) {
      mine++;
    }
  }
  atomicAdd(&counter, mine);
  workgroupBarrier();
  if (lane == 0u) {
    counted = atomicLoad(&counter);
  }
  return workgroupUniformLoad(&counted);
}

// Largest number of votes that at least `clip` candidates reach.
fn least_votes(selection: u32, count: u32, lane: u32) -> u32 {
  var low = 1u;
  var high = params.most_votes;
  while (low < high) {
    let middle = (low + high + 1u) / 2u;
    if (count_kept(selection, count, middle, 0xffffffffu, lane) >= params.clip) {
      low = middle;
    } else {
      high = middle - 1u;
    }
  }
  return low;
}

// Lowest token up to which candidates with exactly `least` votes fill the clip.
fn last_token(selection: u32, count: u32, least: u32, tokens: u32, lane: u32) -> u32 {
  var low = 0u;
  var high = tokens - 1u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (count_kept(selection, count, least, middle, lane) >= params.clip) {
      high = middle;
    } else {
      low = middle + 1u;
    }
  }
  return low;
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
  let count = candidate_counts[selection];
  let tokens = parts[selection / params.selections_per_sequence].w;
  if (count == 0u || tokens == 0u || params.clip == 0u) {
    return;
  }
  var least = 0u;
  var last = 0xffffffffu;
  if (count > params.clip) {
    least = least_votes(selection, count, lane);
    last = last_token(selection, count, least, tokens, lane);
  }
  for (var i = lane; i < count; i += WORKGROUP) {
    let candidate = candidates[selection * params.candidates_stride + i];
    let cast_votes = votes[selection * params.votes_stride + candidate];
    if (!is_kept(candidate, cast_votes, least, last)) {
      continue;
    }
    let place = 2u * (selection * params.centers_stride + atomicAdd(&center_counts[selection], 1u));
    centers[place] = candidate;
    centers[place + 1u] = cast_votes;
    mark_span(selection, candidate, tokens);
  }
}
