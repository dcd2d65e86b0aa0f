// Lists the tokens that a step attends to, in rising order: leading tokens, marked tokens of the middle, window.
//
// Shapes:   parts [batch, 4] u32: tokens cached N, leading tokens G, start of the window, middle length (0: no middle);
//           marks u32 [selections, marks_stride], one bit a token of the middle; indices u32 [selections, indices_stride],
//           positions in the whole context; counts u32 [selections], how many of them
// Dispatch: one workgroup per selection, linear groups; selections = batch * (1 or KV heads)
// Source:   ALGORITHM section 6: idx = [0..G) ++ (G + sorted picked) ++ [N - L..N)

struct Params {
  first_group: u32,
  group_count: u32,
  selections_per_sequence: u32,
  marks_stride: u32,
  indices_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> marks: array<u32>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;

var<workgroup> sums: array<u32, WORKGROUP>;

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
  let part = parts[selection / params.selections_per_sequence];
  let leading = part.y;
  let words = (part.w + 31u) / 32u;
  let share = (words + WORKGROUP - 1u) / WORKGROUP;
  let first_word = min(words, lane * share);
  let end_word = min(words, first_word + share);
  var mine = 0u;
  for (var word = first_word; word < end_word; word++) {
    mine += countOneBits(marks[selection * params.marks_stride + word]);
  }
  sums[lane] = mine;
  workgroupBarrier();
  var before = 0u;
  var picked = 0u;
  for (var other = 0u; other < WORKGROUP; other++) {
    before += select(0u, sums[other], other < lane);
    picked += sums[other];
  }
  let base = selection * params.indices_stride;
  for (var i = lane; i < leading; i += WORKGROUP) {
    indices[base + i] = i;
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
  for (var token = part.z + lane; token < part.x; token += WORKGROUP) {
    indices[base + leading + picked + token - part.z] = token;
  }
  if (lane == 0u) {
    counts[selection] = leading + picked + part.x - part.z;
  }
}
