// Marks the tokens of chosen blocks of the middle.
//
// Shapes:   scores f32, blocks u32 [batch, selections, K], best first, numbers of blocks of block_tokens tokens counted from
//           the start of the middle; a score of LOWEST or less chooses nothing; parts [batch, 4] u32: tokens cached, leading
//           tokens, start of the window, middle length; marks atomic u32 [batch, selections, words], zero before; centers u32
//           [batch, selections, K, 2], each block's first token, from the start of the middle, and how far from the end of the
//           list it stands (K for the best); center_counts atomic u32 [batch, selections], zero before
// Dispatch: one thread per selection and place in its list, linear groups
// Source:   the blocks that InfLLM, Quest and LongHeads attend to

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  selections: u32,
  block_tokens: u32,
  words: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> marks: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> centers: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> center_counts: array<atomic<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batch * params.selections * K) {
    return;
  }
  let selection = thread / K;
  let middle = parts[selection / params.selections].w;
  let first = blocks[thread] * params.block_tokens;
  if (!(scores[thread] > LOWEST) || first >= middle) {
    return;
  }
  // The list falls, so those that choose nothing stand at its end.
  centers[thread] = vec2<u32>(first, K - thread % K);
  atomicAdd(&center_counts[selection], 1u);
  for (var token = first; token < min(middle, first + params.block_tokens); token++) {
    atomicOr(&marks[selection * params.words + token / 32u], 1u << (token % 32u));
  }
}
