// Chooses the next token of each sequence on the GPU, so that no step waits for a read-back.
//
// Shapes:   logits [batch, vocabulary] f32; next u32 [batch], the tokens that the following step reads;
//           chosen u32 [batch, chosen_stride], all tokens so far, written at column `place`
// Dispatch: one workgroup per sequence, linear groups
// Source:   temperature, then top-k, then top-p (Holtzman et al. 2019, arXiv 1904.09751), as in Hugging Face's generate.
//           Both cuts are thresholds found by bisection over the logits' bit patterns: no sort, any vocabulary; tokens tied
//           with the last one kept are kept too. The draw is a Gumbel maximum over what is left, with numbers from a PCG
//           hash of (seed, step, sequence, token) (Jarzynski and Olano 2020). Temperature 0 takes the highest logit,
//           the lowest token among equals.

struct Params {
  first_group: u32,
  group_count: u32,
  vocabulary: u32,
  chosen_stride: u32,
  place: u32,
  seed: u32,
  step: u32,
  top_k: u32,
  top_p: f32,
  temperature: f32,
}

const LOWEST = -3.4028234663852886e38f;
// uses parts/order_key.wgsl

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> next: array<u32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;

var<workgroup> partial: array<f32, WORKGROUP>;
var<workgroup> partial_tokens: array<u32, WORKGROUP>;
var<workgroup> result: f32;

fn hash(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// Gumbel noise from a uniform number strictly between 0 and 1.
fn gumbel(sequence: u32, token: u32) -> f32 {
  let bits = hash(token ^ hash(sequence ^ hash(params.step ^ hash(params.seed))));
  let uniform_number = (f32(bits >> 8u) + 0.5) / 16777216.0;
  return -log(-log(uniform_number));
}

fn sum_all(mine: f32, lane: u32) -> f32 {
  partial[lane] = mine;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < WORKGROUP; i++) {
      total += partial[i];
    }
    result = total;
  }
  return workgroupUniformLoad(&result);
}

// Mass (or, with `mass` 0, number) of the tokens at or above a key.
fn amount_above(first: u32, key: u32, highest: f32, mass: bool, lane: u32) -> f32 {
  var mine = 0.0;
  for (var token = lane; token < params.vocabulary; token += WORKGROUP) {
    let logit = logits[first + token];
    if (order_key(logit) >= key) {
      mine += select(1.0, exp((logit - highest) / params.temperature), mass);
    }
  }
  return sum_all(mine, lane);
}

// Highest key at or above which there is at least `wanted`.
fn threshold(first: u32, wanted: f32, highest: f32, mass: bool, lane: u32) -> u32 {
  var low = 0u;
  var high = order_key(highest);
  while (low < high) {
    let middle = low + (high - low) / 2u + 1u;
    if (amount_above(first, middle, highest, mass, lane) >= wanted) {
      low = middle;
    } else {
      high = middle - 1u;
    }
  }
  return low;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let sequence = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (sequence >= params.group_count) {
    return;
  }
  let first = sequence * params.vocabulary;
  var mine = LOWEST;
  for (var token = lane; token < params.vocabulary; token += WORKGROUP) {
    mine = max(mine, logits[first + token]);
  }
  partial[lane] = mine;
  workgroupBarrier();
  if (lane == 0u) {
    var most = LOWEST;
    for (var i = 0u; i < WORKGROUP; i++) {
      most = max(most, partial[i]);
    }
    result = most;
  }
  let highest = workgroupUniformLoad(&result);

  var least_key = 0u;
  if (params.temperature > 0.0) {
    if (params.top_k > 0u && params.top_k < params.vocabulary) {
      least_key = threshold(first, f32(params.top_k), highest, false, lane);
    }
    if (params.top_p < 1.0) {
      let mass = amount_above(first, least_key, highest, true, lane);
      least_key = max(least_key, threshold(first, params.top_p * mass, highest, true, lane));
    }
  }

  var best = LOWEST;
  var best_token = 0xffffffffu;
  for (var token = lane; token < params.vocabulary; token += WORKGROUP) {
    let logit = logits[first + token];
    if (order_key(logit) < least_key) {
      continue;
    }
    var value = logit;
    if (params.temperature > 0.0) {
      value = (logit - highest) / params.temperature + gumbel(sequence, token);
    }
    if (value > best || best_token == 0xffffffffu) {
      best = value;
      best_token = token;
    }
  }
  partial[lane] = best;
  partial_tokens[lane] = best_token;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < WORKGROUP; i++) {
      let token = partial_tokens[i];
      if (token == 0xffffffffu) {
        continue;
      }
      if (partial[i] > best || (partial[i] == best && token < best_token)) {
        best = partial[i];
        best_token = token;
      }
    }
    next[sequence] = best_token;
    chosen[sequence * params.chosen_stride + params.place] = best_token;
  }
}
