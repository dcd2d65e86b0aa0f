// The k highest elements of blocks of rows, best first. Called again on its own results until one block is left.
//
// Shapes:   x [rows, size] of Element, cut into blocks of block_size (the last may be shorter), of which `blocks` blocks from
//           first_block on are done here: x_first is the place of the first one. Where params.renumber is 1, source u32 like x
//           gives the elements' true indices; otherwise an element's index is its place in the row.
//           values f32, indices u32 [rows, total_blocks, k], y_first the place of the first block's;
//           a block of fewer than k elements leaves its last places with NaN and NONE
// Dispatch: one thread per row and block, linear groups
// Source:   a binary heap of the k best so far, its worst on top, then heap sort. Higher value first, then the lower index;
//           NaN ranks below every number. CAPACITY, at least k, sizes the heap. No barriers: they are slow on llvmpipe.

struct Params {
  first_group: u32,
  group_count: u32,
  rows: u32,
  size: u32,
  k: u32,
  blocks: u32,
  block_size: u32,
  first_block: u32,
  total_blocks: u32,
  x_first: u32,
  source_first: u32,
  y_first: u32,
  renumber: u32,
}

const NONE = 0xffffffffu;
// uses parts/order_key.wgsl

override WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> source: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;

struct Heap {
  keys: array<u32, CAPACITY>,
  places: array<u32, CAPACITY>,
}

// The float of a key; ~0 is a NaN.
fn key_value(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}

// True where the first ranks after the second: a lower key, or the same key at a higher index.
fn ranks_after(key: u32, place: u32, other_key: u32, other_place: u32) -> bool {
  return key < other_key || (key == other_key && place > other_place);
}

// Puts an element at the top of a heap of `count` elements and lets it sink to its place.
fn sink(heap: ptr<function, Heap>, count: u32, key: u32, place: u32) {
  var at = 0u;
  while (2u * at + 1u < count) {
    var child = 2u * at + 1u;
    if (child + 1u < count && ranks_after(
      (*heap).keys[child + 1u], (*heap).places[child + 1u], (*heap).keys[child], (*heap).places[child])) {
      child++;
    }
    if (!ranks_after((*heap).keys[child], (*heap).places[child], key, place)) {
      break;
    }
    (*heap).keys[at] = (*heap).keys[child];
    (*heap).places[at] = (*heap).places[child];
    at = child;
  }
  (*heap).keys[at] = key;
  (*heap).places[at] = place;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let index = group * WORKGROUP + lane;
  if (group >= params.group_count || index >= params.rows * params.blocks) {
    return;
  }
  let row = index / params.blocks;
  let nth = index % params.blocks;
  let block = params.first_block + nth;
  let start = block * params.block_size;
  let end = min(start + params.block_size, params.size);
  var heap: Heap;
  for (var i = 0u; i < params.k; i++) {
    heap.keys[i] = 0u;
    heap.places[i] = NONE;
  }
  for (var i = start; i < end; i++) {
    let from_first = row * params.size + i - params.first_block * params.block_size;
    let key = order_key(f32(x[params.x_first + from_first]));
    var place = i;
    if (params.renumber == 1u) {
      place = source[params.source_first + from_first];
    }
    if (ranks_after(heap.keys[0], heap.places[0], key, place)) {
      sink(&heap, params.k, key, place);
    }
  }
  let first = params.y_first + (row * params.total_blocks + nth) * params.k;
  for (var left = params.k; left > 0u; left--) {
    values[first + left - 1u] = key_value(heap.keys[0]);
    indices[first + left - 1u] = heap.places[0];
    sink(&heap, left - 1u, heap.keys[left - 1u], heap.places[left - 1u]);
  }
}
