// Fills an array with one 32-bit pattern.
//
// Shapes:   words [count] u32; a pattern of two equal halves fills an array of f16
// Dispatch: one thread per word, linear groups
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  word: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  words[index] = params.word;
}
