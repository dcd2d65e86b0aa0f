// Copies elements between two arrays of any strides: slices, transposes and concatenations.
//
// Shapes:   a block of up to six axes (size0 slowest; unused leading axes have size 1), numbered row-major from `start` on;
//           x and y of Element. Places count from the tensors' first elements: those of the block start at x_offset and
//           y_offset; bound are the elements from x_window (y_window) on, x_count (y_count) of them, at x_first (y_first) of
//           the binding
// Dispatch: one thread per element of the block, linear groups; arrays larger than one binding take one call per pair of
//           windows, and each call copies what both hold
// Source:   plain definition

struct Params {
  first_group: u32,
  group_count: u32,
  start: u32,
  count: u32,
  size0: u32,
  size1: u32,
  size2: u32,
  size3: u32,
  size4: u32,
  size5: u32,
  x_stride0: u32,
  x_stride1: u32,
  x_stride2: u32,
  x_stride3: u32,
  x_stride4: u32,
  x_stride5: u32,
  y_stride0: u32,
  y_stride1: u32,
  y_stride2: u32,
  y_stride3: u32,
  y_stride4: u32,
  y_stride5: u32,
  x_offset: u32,
  x_window: u32,
  x_count: u32,
  x_first: u32,
  y_offset: u32,
  y_window: u32,
  y_count: u32,
  y_first: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

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
  var rest = params.start + index;
  let i5 = rest % params.size5;
  rest /= params.size5;
  let i4 = rest % params.size4;
  rest /= params.size4;
  let i3 = rest % params.size3;
  rest /= params.size3;
  let i2 = rest % params.size2;
  rest /= params.size2;
  let i1 = rest % params.size1;
  let i0 = rest / params.size1;
  let x_place = params.x_offset + i0 * params.x_stride0 + i1 * params.x_stride1 + i2 * params.x_stride2
    + i3 * params.x_stride3 + i4 * params.x_stride4 + i5 * params.x_stride5 - params.x_window;
  let y_place = params.y_offset + i0 * params.y_stride0 + i1 * params.y_stride1 + i2 * params.y_stride2
    + i3 * params.y_stride3 + i4 * params.y_stride4 + i5 * params.y_stride5 - params.y_window;
  // Places before a window wrap around to numbers past every window.
  if (x_place < params.x_count && y_place < params.y_count) {
    y[params.y_first + y_place] = x[params.x_first + x_place];
  }
}
