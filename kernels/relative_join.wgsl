// Joins what attention with relative positions leaves of each split of the list: each row's sums, brought to one highest score, over
// their weights.
//
// Shapes:   parts f32 [rows of batch and query heads, splits, SIZE + 2] as relative_attention.wgsl leaves them; output f32 [rows of
//           batch and query heads, SIZE]; sums f32 [rows of batch and query heads], the logarithm of the sum of exponentials
// Dispatch: one thread per element of the output, linear groups
// Source:   Flash-Decoding (Dao et al. 2023); a split without a token weighs 0

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  splits: u32,
  elements: u32,
}

const LOWEST = -3.0e38f;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let element = group * WORKGROUP + lane;
  if (group >= params.group_count || element >= params.elements) {
    return;
  }
  let row = element / params.size;
  let channel = element % params.size;
  let width = params.size + 2u;
  let first = row * params.splits * width;
  var most = LOWEST;
  for (var split = 0u; split < params.splits; split++) {
    most = max(most, parts[first + split * width + params.size]);
  }
  var weight = 0.0;
  var total = 0.0;
  for (var split = 0u; split < params.splits; split++) {
    let part = first + split * width;
    let shrink = exp(parts[part + params.size] - most);
    weight = fma(parts[part + params.size + 1u], shrink, weight);
    total = fma(parts[part + channel], shrink, total);
  }
  output[element] = total / weight;
  if (channel == 0u) {
    sums[row] = most + log(weight);
  }
}
