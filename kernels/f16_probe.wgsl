// Half-float probe: y = f32(f16(x) * 0.5 + 1).
//
// Shapes:   x [count] f32, y [count] f32
// Dispatch: one workgroup of 64 threads for at most 64 values
// Source:   none; a driver check. Some drivers announce f16 and compute garbage.

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  if (lane >= params.count) {
    return;
  }
  let half = Half(x[lane]);
  y[lane] = f32(half * Half(0.5) + Half(1.0));
}
