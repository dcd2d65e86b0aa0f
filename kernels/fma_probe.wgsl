// Probe of the adapter's multiply-add rate: independent chains in each thread, no memory but the last store.
//
// Shapes:   y [group_count * WORKGROUP] f32
// Dispatch: one thread per element, linear groups; CHAINS chains of Value (f32 or vec4<f32>), ROUNDS times STEPS rounds, put
//           before the text as constants. Too few chains wait for their own results, too many spill their registers.
// Source:   none; the limit that `deno task bench` sets speeds against

struct Params {
  first_group: u32,
  group_count: u32,
  seed: f32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let x = f32(lane) * params.seed;
  let factor = Value(x + 0.5);
  let term = Value(x + 0.25);
  var chains: array<Value, CHAINS>;
  for (var chain = 0u; chain < CHAINS; chain++) { // unrolled
    chains[chain] = Value(x + f32(chain));
  }
  for (var step = 0u; step < STEPS; step++) {
    for (var round = 0u; round < ROUNDS; round++) { // unrolled
      for (var chain = 0u; chain < CHAINS; chain++) { // unrolled
        chains[chain] = fma(chains[chain], factor, term);
      }
    }
  }
  var total = Value();
  for (var chain = 0u; chain < CHAINS; chain++) { // unrolled
    total += chains[chain];
  }
  y[group * WORKGROUP + lane] = dot(vec4<f32>(total), vec4<f32>(1.0));
}
