// Lists the tokens that a step attends to, in rising order: leading tokens, marked tokens of the middle, window.
//
// Shapes:   parts [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length (0: no middle);
//           marks u32 [selections, marks_stride], one bit a token of the middle; indices u32 [selections, indices_stride],
//           positions in the whole context; counts u32 [selections], how many of them
//           scope atomic u32 [1], raised to the longest list; no marks are read where `marked` is 0
// Dispatch: `pieces` workgroups of 32 to 1,024 threads per selection, linear groups; selections = batch * (1 or KV heads). They share
//           the leading tokens and the window; the first one lists the marked tokens and counts
// Source:   ALGORITHM section 6: idx = [0..G) ++ (G + sorted picked) ++ [N - L..N)

struct Params {
  first_group: u32,
  group_count: u32,
  selections_per_sequence: u32,
  marks_stride: u32,
  indices_stride: u32,
  pieces: u32,
  marked: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> scope: atomic<u32>;

// Threads of a run: what comes before a thread is the sum of whole runs and of its own run's threads.
const RUN = 32u;
const RUNS = 32u;

var<workgroup> sums: array<u32, WORKGROUP>;
var<workgroup> runs: array<u32, RUNS>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let selection = group / params.pieces;
  let piece = group % params.pieces;
  // Of all threads of the pieces.
  let thread = piece * WORKGROUP + lane;
  let threads = params.pieces * WORKGROUP;
  let part = parts[selection / params.selections_per_sequence];
  let leading = part.y;
  let words = select(0u, (part.w + 31u) / 32u, params.marked == 1u);
  let share = (words + WORKGROUP - 1u) / WORKGROUP;
  let first_word = min(words, lane * share);
  let end_word = min(words, first_word + share);
  var before = 0u;
  var picked = 0u;
  if (params.marked == 1u) {
    var mine = 0u;
    for (var word = first_word; word < end_word; word++) {
      mine += countOneBits(marks[selection * params.marks_stride + word]);
    }
    sums[lane] = mine;
    workgroupBarrier();
    if (lane < RUNS) {
      var run = 0u;
      for (var i = 0u; i < RUN; i++) { // unrolled
        run += select(0u, sums[min(lane * RUN + i, WORKGROUP - 1u)], lane * RUN + i < WORKGROUP);
      }
      runs[lane] = run;
    }
    workgroupBarrier();
    for (var run = 0u; run < RUNS; run++) { // unrolled
      before += select(0u, runs[run], run < lane / RUN);
      picked += runs[run];
    }
    for (var i = 0u; i < RUN; i++) { // unrolled
      let other = lane / RUN * RUN + i;
      before += select(0u, sums[min(other, WORKGROUP - 1u)], other < lane);
    }
  }
  let base = selection * params.indices_stride;
  for (var i = thread; i < leading; i += threads) {
    indices[base + i] = i;
  }
  for (var token = part.z + thread; token < part.x; token += threads) {
    indices[base + leading + picked + token - part.z] = token;
  }
  if (piece > 0u) {
    return;
  }
  var place = base + leading + before;
  for (var word = first_word; word < end_word; word++) {
    var bits = marks[selection * params.marks_stride + word];
    while (bits != 0u) {
      indices[place] = leading + 32u * word + firstTrailingBit(bits);
      place++;
      bits &= bits - 1u;
    }
  }
  if (lane == 0u) {
    let count = leading + picked + part.x - part.z;
    counts[selection] = count;
    atomicMax(&scope, count);
  }
}
