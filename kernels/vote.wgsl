// Lists what a step attends to by the votes of its queries: counts them, keeps the candidates with most. In one workgroup for those who
// vote together: for GPUs, in decoding, after pick_best.wgsl.
//
// Shapes:   best_tokens u32 [selections, QUERIES, K], NONE where there is none; parts [batch, 4] u32: tokens cached N, leading tokens
//           G, start of the window, middle length m (0: no middle); indices u32 [selections, indices_stride], rising positions in the
//           whole context; counts u32 [selections], how many of them; scope atomic u32 [1], raised to the longest list. selections =
//           batch * (1 or KV heads); QUERIES vote in each
// Dispatch: one workgroup of THREADS threads per selection, linear groups
// Source:   ALGORITHM section 6: at most `clip` candidates, most votes first, ties to the lower token; then clamp(c + o, 0, m - 1)
//           for -floor(span / 2) <= o <= ceil(span / 2) - 1.

struct Params {
  first_group: u32,
  group_count: u32,
  selections_per_sequence: u32,
  indices_stride: u32,
  clip: u32,
  span: u32,
}

// uses parts/list_votes.wgsl

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best_tokens: array<u32>;
@group(0) @binding(2) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> scope: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let selection = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (selection >= params.group_count) {
    return;
  }
  clear_votes(lane);
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    voted[entry] = best_tokens[selection * ENTRIES + entry];
  }
  workgroupBarrier();
  list_tokens(selection, parts[selection / params.selections_per_sequence], lane);
}
