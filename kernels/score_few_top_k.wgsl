// Scores the middle of the cache against few queries and keeps the k best tokens of each block, in one pass: for GPUs, in
// decoding. Keys are read once, by all threads of the GPU, through workgroup memory; the scores themselves are never written.
//
// Shapes:   queries [batch, step_rows, query_heads, 4 * D4] f32, before rotation; key_pages [slab_pages, heads, page_tokens,
//           4 * D4], stored as parts/keys_*.wgsl say, one slab of the cache, before rotation; table [batch, table_stride];
//           parts [batch, 4]; best_scores f32, best_tokens u32 [batch, heads, pairs, blocks, K], sorted by falling score,
//           then rising token. A pair is (row, query head of the KV head's group): pairs = step_rows * query_heads / heads.
//           Tokens count from the start of the middle; unused places hold NONE. CHUNK4 divides D4.
// Dispatch: one workgroup of 128 threads per sequence, KV head, PAIRS pairs and block of block_tokens tokens, blocks fastest;
//           linear groups. Where the cache has several slabs, one call per slab: each goes on from the lists of the one
//           before (params.resume), and with SLABS 2 passes over blocks that have no page in its slab.
// Source:   ALGORITHM section 5, scores of type qk: plain dot products, no scaling; ReAttention equation 3.
//           Every key is summed in the same order, so equal keys get bitwise equal scores and the lower token wins.

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

// uses parts/shared_list.wgsl

const THREADS = 128u;
const CHUNKS = D4 / CHUNK4;
// Groups of threads whose best scores bound the K-th best of a first batch from below; K groups where that many say something.
const GROUPS = min(K, 32u);
// One vec4 more than a row holds keeps threads that read neighbouring rows on different banks.
const STRIDE4 = CHUNK4 + 1u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> best_scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> best_tokens: array<u32>;

var<workgroup> query_rows: array<vec4<f32>, PAIRS * D4>;
var<workgroup> keys: array<vec4<f32>, THREADS * STRIDE4>;
var<workgroup> slots: array<u32, THREADS>;
var<workgroup> touched: atomic<u32>;
var<workgroup> group_bests: array<atomic<u32>, PAIRS * GROUPS>;

// Unsigned integers in the order of the floats, none of them 0; NaN, which is never picked, is the lowest.
fn order_key(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return 1u;
  }
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}

// The lowest of the groups' best keys: where lists are empty, nothing below it can be among the K best.
fn lowest_group_best(pair: u32) -> u32 {
  var lowest = 0xffffffffu;
  for (var other = 0u; other < GROUPS; other++) {
    lowest = min(lowest, atomicLoad(&group_bests[pair * GROUPS + other]));
  }
  return lowest;
}

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
  let lists = (sequence * params.heads + head) * pairs;

  for (var item = lane; item < PAIRS * D4; item += THREADS) {
    let pair = min(first_pair + item / D4, pairs - 1u);
    let row = sequence * params.step_rows + pair / share;
    query_rows[item] = queries[(row * params.query_heads + head * share + pair % share) * D4 + item % D4];
  }
  for (var item = lane; item < PAIRS * K; item += THREADS) {
    let source = ((lists + min(first_pair + item / K, pairs - 1u)) * params.blocks + block) * K + item % K;
    list_scores[item] = select(LOWEST, best_scores[source], params.resume == 1u);
    list_tokens[item] = select(NONE, best_tokens[source], params.resume == 1u);
  }

  let middle_start = parts[sequence].y;
  let start = middle_start + block * params.block_tokens;
  let end = min(middle_start + parts[sequence].w, start + params.block_tokens);
  for (var item = lane; item < PAIRS * GROUPS; item += THREADS) {
    atomicStore(&group_bests[item], 0u);
  }
  var steps = (max(start, end) - start + THREADS - 1u) / THREADS * CHUNKS;
  if (SLABS > 1u) {
    let first_page = start / params.page_tokens;
    for (var item = first_page + lane; item * params.page_tokens < end; item += THREADS) {
      let page = table[sequence * params.table_stride + item];
      if (page >= params.slab_first && page < params.slab_first + params.slab_pages) {
        atomicStore(&touched, 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      joins = atomicLoad(&touched);
    }
    steps *= workgroupUniformLoad(&joins);
  }
  var turn = 0u;
  // What is needed next is asked for early: pages a batch ahead, keys a step.
  var next_page = table[sequence * params.table_stride + min(start + lane, end - 1u) / params.page_tokens];
  var next_here = false;
  var here = false;
  var next_scale = 1.0;
  var scale = 1.0;
  var fresh: array<vec4<f32>, CHUNK4>;
  var sums: array<vec4<f32>, PAIRS>;
  for (var step = 0u; step <= steps; step++) {
    let chunk = step % CHUNKS * CHUNK4;
    let first = start + step / CHUNKS * THREADS;
    if (chunk == 0u && step < steps) {
      let token = first + lane;
      next_here = token < end && next_page >= params.slab_first && next_page < params.slab_first + params.slab_pages;
      let slot = ((next_page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
      // Tokens of other slabs are read as the slab's first, and dropped: branches would keep loads from running ahead.
      let read = select(0u, slot, next_here);
      slots[lane] = key_first(read);
      next_scale = key_scale(read);
      next_page = table[sequence * params.table_stride + min(token + THREADS, end - 1u) / params.page_tokens];
    }
    workgroupBarrier();
    if (step > 0u) {
      for (var load = 0u; load < CHUNK4; load++) { // unrolled
        let item = lane + load * THREADS;
        keys[item / CHUNK4 * STRIDE4 + item % CHUNK4] = fresh[load];
      }
    }
    if (step < steps) {
      for (var load = 0u; load < CHUNK4; load++) { // unrolled
        let item = lane + load * THREADS;
        fresh[load] = key_vector(slots[item / CHUNK4] + chunk + item % CHUNK4);
      }
    }
    // What the last batch offered is joined before the next one offers; the barriers between are those that keys need.
    if (step > CHUNKS && (step - 1u) % CHUNKS == 0u) {
      note_offers(lane);
      turn = join_noted(turn, lane);
    } else {
      workgroupBarrier();
    }
    if (step > 0u) {
      let done = (step - 1u) % CHUNKS * CHUNK4;
      for (var c = 0u; c < CHUNK4; c++) { // unrolled
        let key = keys[lane * STRIDE4 + c];
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          sums[p] = fma(query_rows[p * D4 + done + c], key, sums[p]);
        }
      }
      if (step % CHUNKS == 0u) {
        let token = first - THREADS + lane - middle_start;
        let is_first = step == CHUNKS;
        if (is_first) {
          for (var p = 0u; p < PAIRS; p++) { // unrolled
            let score = ((sums[p].x + sums[p].y) + (sums[p].z + sums[p].w)) * scale;
            if (here) {
              atomicMax(&group_bests[p * GROUPS + lane % GROUPS], order_key(score));
            }
          }
        }
        // All threads: whether it is the first batch is the same for all.
        if (is_first) {
          workgroupBarrier();
        }
        for (var p = 0u; p < PAIRS; p++) { // unrolled
          let score = ((sums[p].x + sums[p].y) + (sums[p].z + sums[p].w)) * scale;
          var least = 0u;
          if (is_first && GROUPS == K) {
            least = lowest_group_best(p);
          }
          if (here && order_key(score) >= least) {
            offer(p, turn, score, token);
          }
          sums[p] = vec4<f32>();
        }
      }
    }
    if (chunk == 0u) {
      here = next_here;
      scale = next_scale;
    }
  }
  turn = join(turn, lane);
  workgroupBarrier();
  for (var item = lane; item < PAIRS * K; item += THREADS) {
    let pair = first_pair + item / K;
    if (pair < pairs) {
      best_scores[((lists + pair) * params.blocks + block) * K + item % K] = list_scores[turn * PAIRS * K + item];
      best_tokens[((lists + pair) * params.blocks + block) * K + item % K] = list_tokens[turn * PAIRS * K + item];
    }
  }
}
