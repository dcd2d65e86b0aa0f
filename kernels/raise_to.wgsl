// Raises a number to at least the largest of others and what comes on top of them.
//
// Shapes:   numbers u32 [count]; highest atomic u32 [1]
// Dispatch: one workgroup of one thread
// Source:   none; keeps the largest scope of lists that steps go on with

struct Params {
  first_group: u32,
  group_count: u32,
  count: u32,
  more: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> numbers: array<u32>;
@group(0) @binding(2) var<storage, read_write> highest: atomic<u32>;

@compute @workgroup_size(1)
fn main() {
  var most = 0u;
  for (var i = 0u; i < params.count; i++) {
    most = max(most, numbers[i]);
  }
  atomicMax(&highest, most + params.more);
}
