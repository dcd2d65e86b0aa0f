// Probe of the adapter's multiply-add rate: eight independent chains per thread, no memory but the last store.
//
// Shapes:   y [group_count * 64] f32
// Dispatch: one thread per element, 64 threads a workgroup, linear groups; STEPS rounds, put before the text as a constant
// Source:   none; the limit that `deno task bench` sets speeds against

struct Params {
  first_group: u32,
  group_count: u32,
  seed: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
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
  var a = x;
  var b = x + 1.0;
  var c = x + 2.0;
  var d = x + 3.0;
  var e = x + 4.0;
  var f = x + 5.0;
  var g = x + 6.0;
  var h = x + 7.0;
  for (var step = 0u; step < STEPS; step++) {
    a = fma(a, x, x);
    b = fma(b, x, x);
    c = fma(c, x, x);
    d = fma(d, x, x);
    e = fma(e, x, x);
    f = fma(f, x, x);
    g = fma(g, x, x);
    h = fma(h, x, x);
  }
  y[group * 64u + lane] = ((a + b) + (c + d)) + ((e + f) + (g + h));
}
