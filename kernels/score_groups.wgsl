// Scores the middle of the cache against many queries and leaves the highest score of each group of neighbouring tokens: for GPUs,
// in prefill. A tile of scores lives in registers, where a thread's columns are neighbours, and is never written; what comes after,
// rescore_groups.wgsl, finds the k best tokens in the k best groups.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; group_bests f32 [batch, heads, pairs, groups], the lowest number where a group has no token. A pair
//           is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads. D4 is a multiple of 4;
//           group_tokens of 8.
// Dispatch: one workgroup of SIDE_ROWS x 16 threads per sequence, KV head, 8 * SIDE_ROWS pairs and block of block_tokens tokens (a
//           multiple of 16 * group_tokens) from the middle's first_token on (another one), pairs fastest; linear groups. Where
//           the cache has several slabs (SLABS 2), one call per slab, which ends before the middle's end_token. The first
//           mixed_ranges ranges of 16 * group_tokens may hold tokens of other slabs: there it raises what is there. Blocks
//           that have no page in the slab are passed over.
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3; tiles of scores as in
//           matmul_tiled.wgsl. Every key is summed over rising channels, so equal keys get bitwise equal scores.

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
  first_token: u32,
  end_token: u32,
  mixed_ranges: u32,
}

const LOWEST = -3.4028234663852886e38f;
const SIDE = 16u;
const THREADS = SIDE_ROWS * SIDE;
// Rows and neighbouring tokens of a thread, in fours.
const ROWS4 = 2u;
const COLUMNS4 = 2u;
const ROWS = 4u * ROWS4;
const COLUMNS = 4u * COLUMNS4;
const TILE_ROWS = SIDE_ROWS * ROWS;
const TILE_TOKENS = SIDE * COLUMNS;
// Steps of the head's channels a turn, as vec4s.
const DEPTH4 = 4u;
const TURNS = D4 / DEPTH4;
const LOADS_ROWS = 2u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> group_bests: array<f32>;

// [channel of the turn][..][..]: pair 4 * place + i; token 8 * (place % 16) + 4 * (place / 16) + i. With a channel's number of its
// own, only a thread's places are checked, once for all channels; one place more than is used keeps threads that store neighbouring
// channels on other banks.
var<workgroup> lefts: array<array<vec4<f32>, SIDE_ROWS * ROWS4 + 1u>, 4u * DEPTH4>;
var<workgroup> rights: array<array<vec4<f32>, SIDE * COLUMNS4 + 1u>, 4u * DEPTH4>;
// Whether the tokens of this tile and of the next lie in this slab.
var<workgroup> lie_here: array<u32, 2u * TILE_TOKENS>;
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
  let tiles = (pairs + TILE_ROWS - 1u) / TILE_ROWS;
  let first_pair = group % tiles * TILE_ROWS;
  let block = (group / tiles) % params.blocks;
  let head = (group / (tiles * params.blocks)) % params.heads;
  let sequence = group / (tiles * params.blocks * params.heads);
  let y = lane / SIDE;
  let x = lane % SIDE;
  let middle_start = parts[sequence].y;
  let middle_end = middle_start + parts[sequence].w;
  let block_first = params.first_token + block * params.block_tokens;
  let start = middle_start + block_first;
  let end = max(start, min(min(middle_end, middle_start + params.end_token), start + params.block_tokens));
  // A range is a group for each thread of a row; its tiles take COLUMNS tokens of each group.
  let range_tokens = SIDE * params.group_tokens;
  let range_tiles = params.group_tokens / COLUMNS;
  let ranges = (end - start + range_tokens - 1u) / range_tokens;
  let first_group = block_first / params.group_tokens;
  let first_best = ((sequence * params.heads + head) * pairs + first_pair + 4u * y) * params.groups + first_group;
  var steps = ranges * range_tiles * TURNS;
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
    steps *= workgroupUniformLoad(&goes_on);
  }
  if (steps == 0u) {
    return;
  }

  // A thread loads the same rows in every turn, and of each tile the same places.
  var query_first: array<u32, LOADS_ROWS>;
  for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
    let pair = min(first_pair + (lane + load * THREADS) / DEPTH4, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    query_first[load] = (row * params.query_heads + head * share + pair % share) * D4 + lane % DEPTH4;
  }
  var first_word: array<u32, LOADS_TOKENS>;
  var scales: array<f32, LOADS_TOKENS>;
  var next_left: array<vec4<f32>, LOADS_ROWS>;
  var next_right: array<vec4<f32>, LOADS_TOKENS>;
  var sums: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  var bests: array<f32, 4u * ROWS4>;
  for (var step = 0u; step <= steps; step++) {
    // What was loaded in the step before goes to workgroup memory; the first step only loads.
    if (step > 0u) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
        let row = (lane + load * THREADS) / DEPTH4;
        let k = 4u * (lane % DEPTH4);
        lefts[k + 0u][row / 4u][row % 4u] = next_left[load].x;
        lefts[k + 1u][row / 4u][row % 4u] = next_left[load].y;
        lefts[k + 2u][row / 4u][row % 4u] = next_left[load].z;
        lefts[k + 3u][row / 4u][row % 4u] = next_left[load].w;
      }
      for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
        let token = (lane + load * THREADS) / DEPTH4;
        let place = token / COLUMNS + token % COLUMNS / 4u * SIDE;
        let k = 4u * (lane % DEPTH4);
        rights[k + 0u][place][token % 4u] = next_right[load].x;
        rights[k + 1u][place][token % 4u] = next_right[load].y;
        rights[k + 2u][place][token % 4u] = next_right[load].z;
        rights[k + 3u][place][token % 4u] = next_right[load].w;
      }
      workgroupBarrier();
    }
    if (step < steps) {
      let c4 = step % TURNS * DEPTH4;
      if (c4 == 0u) {
        let tile = step / TURNS;
        let tile_first = start + tile / range_tiles * range_tokens + tile % range_tiles * COLUMNS;
        for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
          let place = (lane + load * THREADS) / DEPTH4;
          let token = tile_first + place / COLUMNS * params.group_tokens + place % COLUMNS;
          let page = table[sequence * params.table_stride + min(token, end - 1u) / params.page_tokens];
          let here = token < end && page >= params.slab_first && page < params.slab_first + params.slab_pages;
          let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
          // Other tokens are read as the slab's first, and dropped: branches would keep loads from running ahead.
          let read = select(0u, slot, here);
          first_word[load] = key_first(read) + lane % DEPTH4;
          scales[load] = key_scale(read);
          if (lane % DEPTH4 == 0u) {
            lie_here[tile % 2u * TILE_TOKENS + place] = u32(here);
          }
        }
      }
      for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
        next_left[load] = queries[query_first[load] + c4];
      }
      for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
        next_right[load] = key_vector(first_word[load] + c4) * scales[load];
      }
    }
    if (step > 0u) {
      for (var k = 0u; k < 16u; k++) { // unrolled
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          let a = lefts[k][y + i * SIDE_ROWS];
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            let b = rights[k][x + j * SIDE];
            sums[(4u * i + 0u) * COLUMNS4 + j] = fma(vec4<f32>(a.x), b, sums[(4u * i + 0u) * COLUMNS4 + j]);
            sums[(4u * i + 1u) * COLUMNS4 + j] = fma(vec4<f32>(a.y), b, sums[(4u * i + 1u) * COLUMNS4 + j]);
            sums[(4u * i + 2u) * COLUMNS4 + j] = fma(vec4<f32>(a.z), b, sums[(4u * i + 2u) * COLUMNS4 + j]);
            sums[(4u * i + 3u) * COLUMNS4 + j] = fma(vec4<f32>(a.w), b, sums[(4u * i + 3u) * COLUMNS4 + j]);
          }
        }
      }
    }
    if (step > 0u && step % TURNS == 0u) {
      let tile = step / TURNS - 1u;
      let range = tile / range_tiles;
      // Only a range at the end, or of several slabs, holds tokens that don't count.
      let mixed = SLABS > 1u && block * params.block_tokens / range_tokens + range < params.mixed_ranges;
      if (mixed || start + (range + 1u) * range_tokens > end) {
        for (var j = 0u; j < COLUMNS4; j++) { // unrolled
          let place = tile % 2u * TILE_TOKENS + x * COLUMNS + 4u * j;
          let here = vec4(lie_here[place], lie_here[place + 1u], lie_here[place + 2u], lie_here[place + 3u]) == vec4(1u);
          for (var i = 0u; i < ROWS4; i++) { // unrolled
            for (var q = 0u; q < 4u; q++) { // unrolled
              sums[(4u * i + q) * COLUMNS4 + j] = select(vec4<f32>(LOWEST), sums[(4u * i + q) * COLUMNS4 + j], here);
            }
          }
        }
      }
      let begins = tile % range_tiles == 0u;
      for (var i = 0u; i < ROWS4; i++) { // unrolled
        for (var q = 0u; q < 4u; q++) { // unrolled
          var best = sums[(4u * i + q) * COLUMNS4];
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            best = max(best, sums[(4u * i + q) * COLUMNS4 + j]);
            sums[(4u * i + q) * COLUMNS4 + j] = vec4<f32>();
          }
          let highest = max(max(best.x, best.y), max(best.z, best.w));
          bests[4u * i + q] = select(max(bests[4u * i + q], highest), highest, begins);
        }
      }
      if ((tile + 1u) % range_tiles == 0u && first_group + range * SIDE + x < params.groups) {
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          for (var q = 0u; q < 4u; q++) { // unrolled
            let row = 4u * i * SIDE_ROWS + q;
            if (first_pair + 4u * y + row < pairs) {
              let place = first_best + row * params.groups + range * SIDE + x;
              if (mixed) {
                bests[4u * i + q] = max(bests[4u * i + q], group_bests[place]);
              }
              group_bests[place] = bests[4u * i + q];
            }
          }
        }
      }
    }
  }
}
