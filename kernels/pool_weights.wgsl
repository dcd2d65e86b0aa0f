// The largest weight among a token and its neighbours in its list, up to `half` on each side.
//
// Shapes:   weights, pooled f32 [lists, stride], of which the first `count` are used
// Dispatch: one thread per list and place, linear groups
// Source:   the pooling of SnapKV (arXiv 2404.14469, section 4.2), by maximum and with stride 1, so that neighbours stay together

struct Params {
  first_group: u32,
  group_count: u32,
  lists: u32,
  stride: u32,
  count: u32,
  half: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> pooled: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  let place = thread % params.stride;
  if (group >= params.group_count || thread >= params.lists * params.stride || place >= params.count) {
    return;
  }
  let first = thread - place;
  var highest = weights[thread];
  for (var other = place - min(place, params.half); other < min(params.count, place + params.half + 1u); other++) {
    highest = max(highest, weights[first + other]);
  }
  pooled[thread] = highest;
}
