// Scores the middle of the cache against many queries and keeps the k best tokens of each block, in one pass: for GPUs, in
// prefill. A tile of scores lives in registers; those that beat a query's list are handed to the thread that keeps it, and the
// scores themselves are never written.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K], sorted by falling score,
//           then rising token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads.
//           Tokens count from the start of the middle; unused places hold NONE. D4 is a multiple of 4.
// Dispatch: one workgroup of 64 threads per sequence, KV head, 32 * ROWS4 pairs (LOADS_ROWS is 2 * ROWS4) and block of block_tokens tokens, pairs
//           fastest; linear groups. Where the cache has several slabs, one call per slab: each goes on from the lists of the
//           one before (params.resume).
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3; tiles as in
//           matmul_tiled.wgsl. Every key is summed in the same order, so equal keys get bitwise equal scores and the lower
//           token wins.

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
  blocks: u32,
  block_tokens: u32,
  resume: u32,
}

// uses parts/row_lists.wgsl

const NOWHERE = 0xffffffffu;
const THREADS = 64u;
const SIDE = 8u;
// Steps of the head's channels a turn, as vec4s.
const DEPTH4 = 4u;
const TURNS = D4 / DEPTH4;
const TILE_ROWS4 = SIDE * ROWS4;
const TILE_ROWS = 4u * TILE_ROWS4;
// Tokens of a tile: eight a thread.
const COLUMNS4 = 2u;
const TILE_TOKENS4 = SIDE * COLUMNS4;
const TILE_TOKENS = 4u * TILE_TOKENS4;
const LOADS_TOKENS = 4u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

// With a channel's number of its own, only the place of a thread's rows and tokens is checked, once for all channels; one place
// more than is used keeps threads that store neighbouring channels on other banks.
var<workgroup> lefts: array<array<vec4<f32>, TILE_ROWS4 + 1u>, 4u * DEPTH4>;
var<workgroup> rights: array<array<vec4<f32>, TILE_TOKENS4 + 1u>, 4u * DEPTH4>;
// Where the tokens of this tile and of the next lie.
var<workgroup> slots: array<u32, 2u * TILE_TOKENS>;

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
  let list = (((sequence * params.heads + head) * pairs + first_pair + lane) * params.blocks + block) * K;
  let keeps = lane < TILE_ROWS && first_pair + lane < pairs;
  if (lane < TILE_ROWS) {
    for (var i = 0u; i < K; i++) {
      let resumes = keeps && params.resume == 1u;
      let source = select(0u, list + i, resumes);
      list_scores[i * TILE_ROWS + lane] = select(LOWEST, best_scores[source], resumes);
      list_tokens[i * TILE_ROWS + lane] = select(NONE, best_tokens[source], resumes);
    }
  }
  let y = lane / SIDE;
  let x = lane % SIDE;
  let middle_start = parts[sequence].y;
  let start = middle_start + block * params.block_tokens;
  let end = max(start, min(middle_start + parts[sequence].w, start + params.block_tokens));
  let steps = (end - start + TILE_TOKENS - 1u) / TILE_TOKENS * TURNS;

  // A thread loads the same rows and, of each tile, the same tokens in every turn.
  var query_first: array<u32, LOADS_ROWS>;
  for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
    let pair = min(first_pair + (lane + load * THREADS) / DEPTH4, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    query_first[load] = (row * params.query_heads + head * share + pair % share) * D4;
  }
  var first_word: array<u32, LOADS_TOKENS>;
  var scales: array<f32, LOADS_TOKENS>;
  var next_left: array<vec4<f32>, LOADS_ROWS>;
  var next_right: array<vec4<f32>, LOADS_TOKENS>;
  var sums: array<vec4<f32>, 4u * ROWS4 * COLUMNS4>;
  for (var step = 0u; step <= steps; step++) {
    // What was loaded in the step before goes to workgroup memory; the first step only loads.
    if (step > 0u) {
      workgroupBarrier();
      for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
        let item = lane + load * THREADS;
        let row = item / DEPTH4;
        let k = 4u * (item % DEPTH4);
        lefts[k + 0u][row / 4u][row % 4u] = next_left[load].x;
        lefts[k + 1u][row / 4u][row % 4u] = next_left[load].y;
        lefts[k + 2u][row / 4u][row % 4u] = next_left[load].z;
        lefts[k + 3u][row / 4u][row % 4u] = next_left[load].w;
      }
      for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
        let item = lane + load * THREADS;
        let token = item / DEPTH4;
        let k = 4u * (item % DEPTH4);
        rights[k + 0u][token / 4u][token % 4u] = next_right[load].x;
        rights[k + 1u][token / 4u][token % 4u] = next_right[load].y;
        rights[k + 2u][token / 4u][token % 4u] = next_right[load].z;
        rights[k + 3u][token / 4u][token % 4u] = next_right[load].w;
      }
      workgroupBarrier();
    }
    if (step < steps) {
      let c4 = step % TURNS * DEPTH4;
      if (c4 == 0u) {
        for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
          let place = (lane + load * THREADS) / DEPTH4;
          let token = start + step / TURNS * TILE_TOKENS + place;
          let page = table[sequence * params.table_stride + min(token, end - 1u) / params.page_tokens];
          let here = token < end && page >= params.slab_first && page < params.slab_first + params.slab_pages;
          let slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
          // Tokens of other slabs are read as the slab's first, and dropped: branches would keep loads from running ahead.
          let read = select(0u, slot, here);
          first_word[load] = key_first(read);
          scales[load] = key_scale(read);
          if (lane % DEPTH4 == 0u) {
            slots[(step / TURNS) % 2u * TILE_TOKENS + place] = select(NOWHERE, slot, here);
          }
        }
      }
      for (var load = 0u; load < LOADS_ROWS; load++) { // unrolled
        next_left[load] = queries[query_first[load] + c4 + lane % DEPTH4];
      }
      for (var load = 0u; load < LOADS_TOKENS; load++) { // unrolled
        next_right[load] = key_vector(first_word[load] + c4 + lane % DEPTH4) * scales[load];
      }
    }
    if (step > 0u) {
      for (var k = 0u; k < 16u; k++) { // unrolled
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          let a = lefts[k][y + i * SIDE];
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
      // The tile is whole: bit by bit its scores are dropped or taken by their rows' keepers.
      let tile = step / TURNS - 1u;
      if (tile == 0u) {
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          for (var q = 0u; q < 4u; q++) { // unrolled
            var best = vec4<f32>(LOWEST);
            for (var j = 0u; j < COLUMNS4; j++) { // unrolled
              let places = 4u * (x + j * SIDE) + vec4(0u, 1u, 2u, 3u);
              let here = vec4(slots[places.x], slots[places.y], slots[places.z], slots[places.w]) != vec4(NOWHERE);
              best = max(best, select(vec4<f32>(LOWEST), sums[(4u * i + q) * COLUMNS4 + j], here));
            }
            thread_bests[x * TILE_ROWS + 4u * (y + i * SIDE) + q] = max(max(best.x, best.y), max(best.z, best.w));
          }
        }
        workgroupBarrier();
        if (lane < TILE_ROWS) {
          bounds[lane] = bound_of(lane);
        }
        workgroupBarrier();
      }
      var settled: array<u32, 4u * ROWS4>;
      for (var i = 0u; i < ROWS4; i++) { // unrolled
        for (var q = 0u; q < 4u; q++) { // unrolled
          settled[4u * i + q] = 0u;
        }
      }
      loop {
        for (var i = 0u; i < ROWS4; i++) { // unrolled
          for (var q = 0u; q < 4u; q++) { // unrolled
            let row = 4u * (y + i * SIDE) + q;
            // What the first tile's bound drops, later tiles' lists drop too.
            let worst = vec4<f32>(max(bounds[row], list_scores[(K - 1u) * TILE_ROWS + row]));
            for (var j = 0u; j < COLUMNS4; j++) { // unrolled
              if (any(sums[(4u * i + q) * COLUMNS4 + j] >= worst)) {
                for (var e = 0u; e < 4u; e++) { // unrolled
                  let column = 4u * (x + j * SIDE) + e;
                  let bit = 1u << (4u * j + e);
                  let here = slots[tile % 2u * TILE_TOKENS + column] != NOWHERE;
                  if (here && sums[(4u * i + q) * COLUMNS4 + j][e] >= worst.x && (settled[4u * i + q] & bit) == 0u) {
                    let token = start - middle_start + tile * TILE_TOKENS + column;
                    if (offer(row, sums[(4u * i + q) * COLUMNS4 + j][e], token)) {
                      settled[4u * i + q] |= bit;
                    }
                  }
                }
              }
            }
          }
        }
        workgroupBarrier();
        if (lane < TILE_ROWS) {
          keep(lane);
        }
        if (lane == 0u) {
          again = atomicExchange(&refused, 0u);
        }
        if (workgroupUniformLoad(&again) == 0u) {
          break;
        }
      }
      for (var i = 0u; i < ROWS4; i++) { // unrolled
        for (var q = 0u; q < 4u; q++) { // unrolled
          for (var j = 0u; j < COLUMNS4; j++) { // unrolled
            sums[(4u * i + q) * COLUMNS4 + j] = vec4<f32>();
          }
        }
      }
    }
  }
  workgroupBarrier();
  if (keeps) {
    for (var i = 0u; i < K; i++) {
      best_scores[list + i] = list_scores[i * TILE_ROWS + lane];
      best_tokens[list + i] = list_tokens[i * TILE_ROWS + lane];
    }
  }
}
