// Marks the heaviest entries of a list: those with fewer than `most` heavier ones among the first `count`. Of equal ones the
// earlier is heavier. Entries from `count` to `end` are marked too.
//
// Shapes:   weights f32 [lists, stride]; marks u32 [lists, stride], 1 or 0
// Dispatch: one thread per list and entry, linear groups; each compares its entry with all others, so no thread waits
// Source:   the heavy hitters of H2O (arXiv 2306.14048, algorithm 1) and what SnapKV keeps (arXiv 2404.14469, listing 1)

struct Params {
  first_group: u32,
  group_count: u32,
  lists: u32,
  stride: u32,
  count: u32,
  end: u32,
  most: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> marks: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.lists * params.stride) {
    return;
  }
  let entry = thread % params.stride;
  if (entry >= params.count) {
    marks[thread] = u32(entry < params.end);
    return;
  }
  let weight = weights[thread];
  var heavier = 0u;
  for (var other = 0u; other < params.count; other++) {
    let theirs = weights[thread - entry + other];
    heavier += u32(theirs > weight || (theirs == weight && other < entry));
  }
  marks[thread] = u32(heavier < params.most);
}
