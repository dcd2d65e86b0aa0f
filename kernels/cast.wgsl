// Converts elements from one type to another.
//
// Shapes:   x [count] of From, y [count] of To
// Dispatch: one thread per element, linear groups
// Source:   WGSL's value conversions; made definite where WGSL leaves a choice: floats become whole numbers by dropping the
//           fraction, clamped to the target's range, NaN gives 0; f32 becomes f16 by rounding to nearest, ties to even.
//           TO_KIND: 0 f32, 1 f16, 2 i32, 3 u32; FROM_FLOAT: 1 where From is f32 or f16.

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<From>;
@group(0) @binding(2) var<storage, read_write> y: array<To>;

// Rounds to a value that f16 holds, so that the driver's own rounding has nothing left to choose.
fn round_to_half(value: f32) -> f32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) {
    return value;
  }
  if (magnitude < 0x38800000u) {
    // Subnormal halves are multiples of 2^-24; WGSL's round goes to even.
    return round(value * 16777216.0) / 16777216.0;
  }
  let rounded = (magnitude + 0xfffu + ((magnitude >> 13u) & 1u)) & 0xffffe000u;
  let limited = select(rounded, 0x7f800000u, rounded >= 0x47800000u);
  return bitcast<f32>(limited | (bits & 0x80000000u));
}

fn is_nan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

// The largest float below 2^31 or 2^32 is 128 or 256 short of the largest whole number: those are picked apart.
fn to_i32(value: f32) -> i32 {
  if (is_nan(value)) {
    return 0;
  }
  return select(i32(clamp(value, -2147483648.0, 2147483520.0)), 2147483647, value >= 2147483648.0);
}

fn to_u32(value: f32) -> u32 {
  if (is_nan(value)) {
    return 0u;
  }
  return select(u32(clamp(value, 0.0, 4294967040.0)), 0xffffffffu, value >= 4294967296.0);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.count) {
    return;
  }
  if (TO_KIND == 1u) {
    y[index] = To(round_to_half(f32(x[index])));
  } else if (TO_KIND == 2u && FROM_FLOAT == 1u) {
    y[index] = To(to_i32(f32(x[index])));
  } else if (TO_KIND == 3u && FROM_FLOAT == 1u) {
    y[index] = To(to_u32(f32(x[index])));
  } else {
    y[index] = To(x[index]);
  }
}
