// Copies the marked entries of a list, in their order.
//
// Shapes:   marks, tokens u32, weights f32 [lists, stride], of which the first `end` are used; kept_tokens u32, kept_weights f32
//           [lists, kept_stride], as many as are marked
// Dispatch: one thread per list and entry, linear groups; each counts the marks before its own
// Source:   eviction, H2O (arXiv 2306.14048, algorithm 1)

struct Params {
  first_group: u32,
  group_count: u32,
  lists: u32,
  stride: u32,
  end: u32,
  kept_stride: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> marks: array<u32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> kept_tokens: array<u32>;
@group(0) @binding(5) var<storage, read_write> kept_weights: array<f32>;

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
  if (entry >= params.end || marks[thread] == 0u) {
    return;
  }
  var before = 0u;
  for (var other = 0u; other < entry; other++) {
    before += marks[thread - entry + other];
  }
  let place = thread / params.stride * params.kept_stride + before;
  kept_tokens[place] = tokens[thread];
  kept_weights[place] = weights[thread];
}
