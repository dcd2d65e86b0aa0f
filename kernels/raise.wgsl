// Raises a number to at least another one.
//
// Shapes:   highest atomic u32 [1]
// Dispatch: one workgroup of one thread
// Source:   none; keeps the largest scope of lists that the host knows

struct Params {
  first_group: u32,
  group_count: u32,
  value: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> highest: atomic<u32>;

@compute @workgroup_size(1)
fn main() {
  atomicMax(&highest, params.value);
}
