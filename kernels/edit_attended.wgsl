// Marks the tokens that a step attends to after an intervention: those listed, with some added and some taken away.
//
// Shapes:   indices u32 [selections, indices_stride], rising; counts u32 [selections], how many of them; lengths vec4<u32>
//           [batch]: tokens cached first; forced, forbidden u32 [words], one bit a token of the context; marks u32
//           [selections, marks_stride], one bit a token before the step's own
// Dispatch: one thread per selection and word, words fastest; linear groups; selections = batch * (1 or KV heads)
// Source:   this project's; what is left out is as if selection had not picked it (ALGORITHM section 6)

struct Params {
  first_group: u32,
  group_count: u32,
  selections: u32,
  selections_per_sequence: u32,
  step_rows: u32,
  indices_stride: u32,
  words: u32,
  marks_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> lengths: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> forced: array<u32>;
@group(0) @binding(5) var<storage, read> forbidden: array<u32>;
@group(0) @binding(6) var<storage, read_write> marks: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.selections * params.marks_stride) {
    return;
  }
  let word = thread % params.marks_stride;
  let selection = thread / params.marks_stride;
  let first = selection * params.indices_stride;
  let count = counts[selection];
  // The first listed token of this word or a later one.
  var low = 0u;
  var high = count;
  while (low < high) {
    let half = (low + high) / 2u;
    if (indices[first + half] < 32u * word) {
      low = half + 1u;
    } else {
      high = half;
    }
  }
  var bits = 0u;
  while (low < count && indices[first + low] / 32u == word) {
    bits |= 1u << (indices[first + low] % 32u);
    low++;
  }
  if (word < params.words) {
    bits = (bits | forced[word]) & ~forbidden[word];
  }
  // The step's own tokens are attended to whatever happens; they follow as the window.
  let before = lengths[selection / params.selections_per_sequence].x - params.step_rows;
  if (32u * word >= before) {
    bits = 0u;
  } else if (before - 32u * word < 32u) {
    bits &= (1u << (before - 32u * word)) - 1u;
  }
  marks[thread] = bits;
}
