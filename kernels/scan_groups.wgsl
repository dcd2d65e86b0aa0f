// Scores the middle of the cache against few queries and leaves the highest score of each group of neighbouring tokens: for GPUs, in
// decoding. Keys are read once, by all threads of the GPU, straight into registers; the scores themselves are never written. What
// comes after, pick_best.wgsl or rescore_groups.wgsl, finds the k best tokens in the best groups.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; bests f32 [batch, heads, pairs, groups]: the highest score of each group, the lowest number where it has
//           no token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads. group_tokens is a
//           power of two of at least 8; PAGE_TOKENS is page_tokens.
// Dispatch: one workgroup of THREADS threads per sequence, KV head, PAIRS pairs and block of block_tokens tokens (a multiple of BATCH / 8
//           groups), blocks fastest; linear groups. LANES threads, a power of two, share a token, each takes PER = D4 / VECTORS / LANES
//           stored vectors of VECTORS * 4 channels; AHEAD tokens a thread are on their way at a time; PAIRS * BATCH / 8 <= THREADS;
//           ITEMS, the scores that a thread takes, is PAIRS * BATCH / THREADS or the next whole number. SCALED is 1 where keys have
//           scales. Where the cache has several slabs (SLABS 2), one call per slab: each raises what the one before left
//           (params.resume), and passes over blocks that have no page in its slab.
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3. Every key is summed as
//           parts/score_lanes.wgsl does, so equal keys get bitwise equal scores.

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  heads: u32,
  query_heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  groups: u32,
  group_tokens: u32,
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

const LOWEST = -3.4028234663852886e38f;
const UNITS = THREADS / LANES;
// Tokens that are scored together: eight of each of so many groups.
const BATCH = UNITS * AHEAD;
const EIGHTS = BATCH / 8u;
// One more than a token's sums keeps threads that read neighbouring tokens on different banks.
const STRIDE = LANES + 1u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> bests: array<f32>;

var<workgroup> query_rows: array<vec4<f32>, PAIRS * D4>;
// Of each pair and token: the lanes' sums.
var<workgroup> sums: array<f32, PAIRS * BATCH * STRIDE>;
// The highest of each pair's tokens that have the same place in their group's eights.
var<workgroup> highs: array<f32, PAIRS * BATCH>;
var<workgroup> scales: array<f32, BATCH>;
var<workgroup> touched: atomic<u32>;
var<workgroup> goes_on: u32;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  if (group >= params.group_count) {
    return;
  }
  let share = params.query_heads / params.heads;
  let pairs = params.step_rows * share;
  let tiles = (pairs + PAIRS - 1u) / PAIRS;
  let block = group % params.blocks;
  let first_pair = (group / params.blocks) % tiles * PAIRS;
  let head = (group / (params.blocks * tiles)) % params.heads;
  let sequence = group / (params.blocks * tiles * params.heads);
  let middle_start = parts[sequence].y;
  let start = middle_start + block * params.block_tokens;
  let end = max(start, min(middle_start + parts[sequence].w, start + params.block_tokens));
  // A range is a group for each eight of a batch; its batches take eight tokens of each group.
  let range_tokens = EIGHTS * params.group_tokens;
  let range_batches = params.group_tokens / 8u;
  let batch_bits = firstTrailingBit(range_batches);
  let ranges = (end - start + range_tokens - 1u) / range_tokens;
  var batches = ranges * range_batches;

  // What a thread keeps: the best of a pair's group.
  let pair = first_pair + lane / EIGHTS;
  let eight = lane % EIGHTS;
  let keeps = lane < PAIRS * EIGHTS && pair < pairs;
  let first_of_block = block * params.block_tokens / params.group_tokens + eight;
  let first_query = (sequence * params.heads + head) * pairs;
  let first_best = (first_query + pair) * params.groups + first_of_block;
  if (SLABS > 1u) {
    for (var item = start / params.page_tokens + lane; item * params.page_tokens < end; item += THREADS) {
      let page = table[sequence * params.table_stride + item];
      if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
        atomicStore(&touched, 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      goes_on = atomicLoad(&touched);
    }
    batches *= workgroupUniformLoad(&goes_on);
    if (batches == 0u) {
      // What other slabs hold is compared with the lowest number.
      for (var range = 0u; range < ranges; range++) {
        if (keeps && params.resume == 0u && first_of_block + range * EIGHTS < params.groups) {
          bests[first_best + range * EIGHTS] = LOWEST;
        }
      }
      return;
    }
  }
  if (batches == 0u) {
    return;
  }

  let slice = lane % LANES;
  let unit = lane / LANES;
  // What is needed next is asked for early: pages two batches ahead, keys one.
  var next_token: array<u32, AHEAD>;
  var next_page: array<u32, AHEAD>;
  var here: array<bool, AHEAD>;
  var keys: array<StoredKeys, AHEAD * PER>;
  var scale: array<f32, AHEAD>;
  for (var t = 0u; t < AHEAD; t++) { // unrolled
    let place = t * UNITS + unit;
    next_token[t] = start + place / 8u * params.group_tokens + place % 8u;
    next_page[t] = table[sequence * params.table_stride + min(next_token[t], end - 1u) / PAGE_TOKENS];
  }

  for (var item = lane; item < PAIRS * D4; item += THREADS) {
    let asked = min(first_pair + item / D4, pairs - 1u);
    let row = sequence * params.step_rows + asked / share;
    query_rows[item] = queries[(row * params.query_heads + head * share + asked % share) * D4 + item % D4];
  }
  workgroupBarrier();
  var query: array<vec4<f32>, PAIRS * PER * VECTORS>;
  for (var p = 0u; p < PAIRS; p++) { // unrolled
    for (var c = 0u; c < PER; c++) { // unrolled
      for (var v = 0u; v < VECTORS; v++) { // unrolled
        query[(p * PER + c) * VECTORS + v] = query_rows[p * D4 + (slice + c * LANES) * VECTORS + v];
      }
    }
  }

  var highest: array<f32, ITEMS>;
  for (var batch = 0u; batch <= batches; batch++) {
    if (batch > 0u) {
      for (var t = 0u; t < AHEAD; t++) { // unrolled
        let place = t * UNITS + unit;
        let first = place * STRIDE + slice;
        let dropped = select(0.0, LOWEST, slice == 0u);
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          var sum = vec4<f32>();
          for (var c = 0u; c < PER; c++) { // unrolled
            for (var v = 0u; v < VECTORS; v++) { // unrolled
              sum = fma(query[(p * PER + c) * VECTORS + v], key_part(keys[t * PER + c], v), sum);
            }
          }
          sums[p * BATCH * STRIDE + first] = select(dropped, (sum.x + sum.y) + (sum.z + sum.w), here[t]);
        }
        if (SCALED == 1u && slice == 0u) {
          scales[place] = scale[t];
        }
      }
    }
    if (batch < batches) {
      let following = min(batch + 1u, batches - 1u);
      let following_first = start + (following >> batch_bits) * range_tokens + (following & (range_batches - 1u)) * 8u;
      for (var t = 0u; t < AHEAD; t++) { // unrolled
        let token = next_token[t];
        let page = next_page[t];
        here[t] = token < end && page >= params.slab_first && page < params.slab_first + params.slab_pages;
        let slot = ((page - params.slab_first) * params.heads + head) * PAGE_TOKENS + token % PAGE_TOKENS;
        // Other tokens are read as the slab's first, and dropped: branches would keep loads from running ahead.
        let read = select(0u, slot, here[t]);
        let first = key_first(read) + slice;
        for (var c = 0u; c < PER; c++) { // unrolled
          keys[t * PER + c] = key_pages[first + c * LANES];
        }
        scale[t] = select(1.0, key_scale(read), here[t]);
        let place = t * UNITS + unit;
        next_token[t] = following_first + place / 8u * params.group_tokens + place % 8u;
        next_page[t] = table[sequence * params.table_stride + min(next_token[t], end - 1u) / PAGE_TOKENS];
      }
    }
    if (batch > 0u) {
      workgroupBarrier();
      let range = (batch - 1u) >> batch_bits;
      let turn = (batch - 1u) & (range_batches - 1u);
      let ends = turn + 1u == range_batches;
      for (var i = 0u; i < ITEMS; i++) { // unrolled
        // Where threads are more than scores, some take one that others take.
        let item = min(lane + i * THREADS, PAIRS * BATCH - 1u);
        var score = 0.0;
        for (var l = 0u; l < LANES; l++) { // unrolled
          score += sums[item * STRIDE + l];
        }
        if (SCALED == 1u) {
          score *= scales[item % BATCH];
        }
        highest[i] = select(max(highest[i], score), score, turn == 0u);
        if (ends && lane + i * THREADS < PAIRS * BATCH) {
          highs[item] = highest[i];
        }
      }
      workgroupBarrier();
      if (ends && keeps && first_of_block + range * EIGHTS < params.groups) {
        let place = first_best + range * EIGHTS;
        var best = LOWEST;
        for (var token = 0u; token < 8u; token++) { // unrolled
          best = max(best, highs[lane * 8u + token]);
        }
        if (SLABS > 1u && params.resume == 1u) {
          best = max(best, bests[place]);
        }
        bests[place] = best;
      }
    }
  }
}
