// The same as argmax.wgsl for rows of whole vec4s: the index of a row's largest element; the lowest index among equals.
//
// Shapes:   x [rows, size] of vec4<Element> from vec4 x_first on, size at least 1; y u32 [rows]
// Dispatch: one workgroup of 16 to 256 threads per row, linear groups
// Source:   plain definition; NaN ranks lowest; a row of nothing but NaN gives 0

struct Params {
  first_group: u32,
  group_count: u32,
  size: u32,
  x_first: u32,
  y_first: u32,
}

const RUN = 16u;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

var<workgroup> keys: array<u32, WORKGROUP>;
var<workgroup> places: array<u32, WORKGROUP>;

// Unsigned integers in the order of the floats; NaN is the lowest, both zeros are equal.
fn order_keys(value: vec4<f32>) -> vec4<u32> {
  let bits = bitcast<vec4<u32>>(value);
  let magnitude = bits & vec4(0x7fffffffu);
  var key = select(bits | vec4(0x80000000u), ~bits, bits != magnitude);
  key = select(key, vec4(0x80000000u), magnitude == vec4(0u));
  return select(key, vec4(0u), magnitude > vec4(0x7f800000u));
}

// The best of `count` threads from `first` on, `step` apart, to the first of them.
fn best_of(first: u32, count: u32, step: u32) {
  var best = keys[first];
  var place = places[first];
  for (var i = 1u; i < count; i++) {
    let other = first + i * step;
    if (other < WORKGROUP && (keys[other] > best || (keys[other] == best && places[other] < place))) {
      best = keys[other];
      place = places[other];
    }
  }
  keys[first] = best;
  places[first] = place;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (row >= params.group_count) {
    return;
  }
  let first = params.x_first + row * params.size;
  // Each channel on its own: a later element must be greater to take an earlier one's place.
  var best = vec4(0u);
  var from_vector = vec4(0u);
  for (var start = lane; start < params.size; start += 4u * WORKGROUP) {
    // Several are loaded before the first is looked at; the last one stands in past the end, where it is no news.
    var held: array<vec4<f32>, 4>;
    for (var i = 0u; i < 4u; i++) { // unrolled
      held[i] = vec4<f32>(x[first + min(start + i * WORKGROUP, params.size - 1u)]);
    }
    for (var i = 0u; i < 4u; i++) { // unrolled
      let key = order_keys(held[i]);
      let greater = key > best;
      best = select(best, key, greater);
      from_vector = select(from_vector, vec4(min(start + i * WORKGROUP, params.size - 1u)), greater);
    }
  }
  let place = 4u * from_vector + vec4(0u, 1u, 2u, 3u);
  let most = max(max(best.x, best.y), max(best.z, best.w));
  let candidates = select(vec4(0xffffffffu), place, best == vec4(most));
  keys[lane] = most;
  // Where nothing ranked above a NaN the row's first element stands for all.
  places[lane] = select(min(min(candidates.x, candidates.y), min(candidates.z, candidates.w)), 0u, most == 0u);
  workgroupBarrier();
  if (lane % RUN == 0u) {
    best_of(lane, RUN, 1u);
  }
  workgroupBarrier();
  if (lane == 0u) {
    best_of(0u, RUN, RUN);
    y[params.y_first + row] = places[0];
  }
}
