// Attention of few rows over listed tokens, straight from the cache's pages: each workgroup takes a block of tokens and leaves a
// part, which attention_combine.wgsl joins. For GPUs, in decoding: keys and values are read once, by all threads of the GPU.
//
// Shapes:   queries [batch, step_rows, query_heads, 8 * D8] f32, before rotation (TURNED 1: after it); key_pages, value_pages [slab_pages, heads,
//           PAGE, 8 * D8], stored as parts/keys_*.wgsl and values_*.wgsl say (SCALED is 1 where one of them has scales), one slab of
//           the cache (ONE_SLAB is 1 where there is no other); table [batch, table_stride]; indices u32 [batch, selections,
//           indices_stride], not read where IN_ORDER is 1: a list is 0, 1, 2.. then; counts u32 [batch, selections]; behind each
//           list `newer` tokens from first_newer on; rotation (cos,
//           sin) two a vec4 [positions, 2 * D8], from first_position on (SHIFTED is 1 where that is not 0); parts f32 [batch, heads, PAIRS, splits, 8 * D8 + 4]: sums of values, then
//           their largest score and weight
// Dispatch: one workgroup of THREADS threads per sequence, KV head and block of block_tokens listed tokens, heads fastest; linear
//           groups; one call per slab, or per slab and window of the list: places first_place to end_place, whose parts start at
//           first_split. A block is swept SWEEP tokens at a time. LANES threads
//           share a key, each with CHUNKS stored vectors of its lower half and as many of the upper one, and score KEYS tokens a
//           sweep; a value's stored vectors are read side by side, by SLICES threads VALUES tokens each. Pairs are joined in JOINS
//           turns of JOIN. QUERIES, PLACES and ITEMS: vectors of queries, tokens, and pairs with slices, that a thread sees to.
// Source:   softmax(q k / sqrt(d)) v (ALGORITHM section 6), split over tokens as in Flash-Decoding (Dao et al. 2023); rotation
//           by compact positions (places in the list) or original ones. RELATIVE is 1 where a block's positions are in a row, as
//           compact ones are: queries are turned back by a sweep's first position, and keys by their places in the sweep, so that
//           a thread keeps its angles
// uses parts/split_places.wgsl
// uses parts/split_scores.wgsl
// uses parts/split_join.wgsl

struct Params {
  first_group: u32,
  group_count: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  indices_stride: u32,
  original: u32,
  blocks: u32,
  block_tokens: u32,
  first_place: u32,
  end_place: u32,
  first_position: u32,
  first_split: u32,
  splits: u32,
  newer: u32,
  first_newer: u32,
  scale: f32,
}

const LOWEST = -3.0e38f;
const NOWHERE = 0xffffffffu;
const D4 = 2u * D8;
const POSITIONS = select(SWEEP, 1u, RELATIVE == 1u);
const FACTORS = select(1u, SWEEP, SCALED == 1u);
// Numbers of a part.
const WIDTH = 8u * D8 + 4u;
// Stored vectors of a key's half.
const HALF = D8 / KEY_VECTORS;
// Threads that read a value side by side.
const VALUE_LANES = D4 / VALUE_VECTORS;
// Units of threads that share keys take a sweep's tokens in turns.
const UNITS = THREADS / LANES;
// Padding keeps what neighbours write on different banks.
const ROW = UNITS + 32u / LANES;
// Numbers of a value's stored vector, and all threads' of one.
const NUMBERS = 4u * VALUE_VECTORS;
const JOIN_ROW = THREADS + VALUE_LANES;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> indices: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read> rotation: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> parts: array<f32>;

var<workgroup> rotated: array<array<vec4<f32>, D4>, PAIRS>;
// The lanes' sums of each pair and token; at the end the slices' sums of values. One for both, so that workgroup memory stays small.
var<workgroup> products: array<f32, max(KEYS * PAIRS * LANES * ROW, JOIN * NUMBERS * JOIN_ROW)>;
var<workgroup> weights: array<array<f32, PAIRS>, SWEEP>;
// Of this sweep's tokens and the next one's: where they lie; and their positions, where those are not told by the place.
var<workgroup> slots: array<array<u32, SWEEP>, 2>;
var<workgroup> positions: array<array<u32, POSITIONS>, 2>;
// Scales of keys and values.
var<workgroup> factors: array<vec2<f32>, FACTORS>;
// Of each pair and slice: what a sweep shrinks earlier sums by; at the end its largest score and its weight.
var<workgroup> shrinks: array<array<f32, SLICES>, PAIRS>;
var<workgroup> highs_of: array<array<f32, SLICES>, PAIRS>;
var<workgroup> sums: array<array<f32, SLICES>, PAIRS>;

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
  var work: Work;
  work.head = group % params.heads;
  let block = group / params.heads % params.blocks;
  work.sequence = group / (params.blocks * params.heads);
  work.selection = work.sequence * params.selections + select(work.head, 0u, params.selections == 1u);
  let begin = params.first_place + block * params.block_tokens;
  // Read without waiting for how many there are: what lies past them is no token.
  var tokens: array<u32, PLACES>;
  for (var i = 0u; i < PLACES; i++) { // unrolled
    tokens[i] = listed_at(begin + lane + i * THREADS, work);
  }
  work.listed = counts[work.selection];
  work.count = work.listed + params.newer;
  let share = params.query_heads / params.heads;
  let end = min(min(begin + params.block_tokens, params.end_place), work.count);
  let first_part = ((work.sequence * params.heads + work.head) * PAIRS * params.splits + params.first_split + block) * WIDTH;
  let part_stride = params.splits * WIDTH;
  if (begin >= work.count) {
    for (var pair = lane; pair < PAIRS; pair += THREADS) {
      parts[first_part + pair * part_stride + WIDTH - 4u] = LOWEST;
      parts[first_part + pair * part_stride + WIDTH - 3u] = 0.0;
    }
    return;
  }
  for (var i = 0u; i < PLACES; i++) { // unrolled
    let item = lane + i * THREADS;
    locate_listed(0u, item, begin + item, tokens[i], end, work);
  }
  // Queries, turned by the positions of the newest tokens: the last ones of the list.
  var lows: array<vec4<f32>, QUERIES>;
  var highs: array<vec4<f32>, QUERIES>;
  for (var i = 0u; i < QUERIES; i++) { // unrolled
    let item = min(lane + i * THREADS, PAIRS * D8 - 1u);
    let pair = item / D8;
    let c = item % D8;
    let row = pair / share;
    var position = work.count - params.step_rows + row;
    if (params.original == 1u) {
      position = token_at(position, work);
    }
    let first = ((work.sequence * params.step_rows + row) * params.query_heads + work.head * share + pair % share) * D4;
    let low = queries[first + c] * params.scale;
    let high = queries[first + c + D8] * params.scale;
    lows[i] = low;
    highs[i] = high;
    if (TURNED == 0u) {
      let a = rotation[(position * D8 + c) * 2u];
      let b = rotation[(position * D8 + c) * 2u + 1u];
      lows[i] = turn_low(low, high, a, b);
      highs[i] = turn_high(low, high, a, b);
    }
    if (RELATIVE == 1u) {
      let back = ((begin - params.first_position) * D8 + c) * 2u;
      turn_back(lane + i * THREADS, lows[i], highs[i], rotation[back], rotation[back + 1u]);
    } else {
      keep_query(lane + i * THREADS, lows[i], highs[i]);
    }
  }
  let angles = own_angles(lane);

  let channel = lane % VALUE_LANES;
  let slice = lane / VALUE_LANES;
  var most: array<f32, ITEMS>;
  var weight: array<f32, ITEMS>;
  for (var i = 0u; i < ITEMS; i++) { // unrolled
    most[i] = LOWEST;
  }
  var totals: array<vec4<f32>, PAIRS * VALUE_VECTORS>;
  var turn = 0u;
  workgroupBarrier();
  for (var sweep = begin; sweep < end; sweep += SWEEP) {
    let next = sweep + SWEEP;
    var loaded: array<StoredValues, VALUES>;
    if (EARLY == 1u) {
      for (var t = 0u; t < VALUES; t++) { // unrolled
        loaded[t] = load_value(turn, slice + t * SLICES, channel);
      }
    }
    var factor: array<vec2<f32>, PLACES>;
    if (SCALED == 1u) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        let slot = slot_of(turn, min(lane + i * THREADS, SWEEP - 1u));
        factor[i] = vec2(key_scale(slot), value_scale(slot));
      }
    }
    // What the next sweep needs is read ahead.
    var back: array<vec4<f32>, 2u * QUERIES>;
    if (next < end) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        tokens[i] = token_at(min(next + lane + i * THREADS, end - 1u), work);
      }
      if (RELATIVE == 1u) {
        for (var i = 0u; i < QUERIES; i++) { // unrolled
          let first = ((next - params.first_position) * D8 + (lane + i * THREADS) % D8) * 2u;
          back[2u * i] = rotation[first];
          back[2u * i + 1u] = rotation[first + 1u];
        }
      }
    }
    multiply(lane, turn, angles);
    if (SCALED == 1u) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        if (lane + i * THREADS < SWEEP) {
          factors[min(lane + i * THREADS, FACTORS - 1u)] = factor[i];
        }
      }
    }
    workgroupBarrier();
    if (EARLY == 0u) {
      for (var t = 0u; t < VALUES; t++) { // unrolled
        loaded[t] = load_value(turn, slice + t * SLICES, channel);
      }
    }
    if (next < end) {
      for (var i = 0u; i < PLACES; i++) { // unrolled
        locate(1u - turn, lane + i * THREADS, next + lane + i * THREADS, tokens[i], work);
      }
      if (RELATIVE == 1u) {
        for (var i = 0u; i < QUERIES; i++) { // unrolled
          turn_back(lane + i * THREADS, lows[i], highs[i], back[2u * i], back[2u * i + 1u]);
        }
      }
    }
    // Each thread a pair and slice: its weights, by the largest of its own scores so far.
    for (var i = 0u; i < ITEMS; i++) { // unrolled
      let pair = (lane + i * THREADS) / SLICES;
      let own = (lane + i * THREADS) % SLICES;
      if (pair < PAIRS) {
        // Row i of the step sees the tokens up to its own.
        let seen = min(end, work.count - params.step_rows + pair / share + 1u);
        var scores: array<f32, VALUES>;
        var highest = most[i];
        for (var t = 0u; t < VALUES; t++) { // unrolled
          let token = min(own + t * SLICES, SWEEP - 1u);
          var counts_here = own + t * SLICES < SWEEP && sweep + token < seen;
          if (ONE_SLAB == 0u) {
            counts_here = counts_here && slots[turn][token] != NOWHERE;
          }
          scores[t] = select(LOWEST, product(pair, token), counts_here);
          highest = max(highest, scores[t]);
        }
        let shrink = exp(most[i] - highest);
        most[i] = highest;
        weight[i] *= shrink;
        shrinks[pair][own] = shrink;
        for (var t = 0u; t < VALUES; t++) { // unrolled
          let token = own + t * SLICES;
          var part = select(exp(scores[t] - highest), 0.0, scores[t] == LOWEST);
          weight[i] += part;
          if (SCALED == 1u) {
            part *= factors[min(token, FACTORS - 1u)].y;
          }
          if (token < SWEEP) {
            weights[token][pair] = part;
          }
        }
      }
    }
    workgroupBarrier();
    // Values: neighbours read neighbouring channels; slices are added at the end.
    if (slice < SLICES) {
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        let shrink = shrinks[pair][slice];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          totals[pair * VALUE_VECTORS + v] *= shrink;
        }
      }
      for (var t = 0u; t < VALUES; t++) { // unrolled
        let token = min(slice + t * SLICES, SWEEP - 1u);
        let counts_here = slice + t * SLICES < SWEEP && (ONE_SLAB == 1u || slots[turn][token] != NOWHERE);
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          var value = value_part(loaded[t], v);
          // What lies at a slab's first place need not be a number.
          if (ONE_SLAB == 0u || SWEEP % SLICES != 0u) {
            value = select(vec4<f32>(), value, counts_here);
          }
          for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
            let sum = totals[pair * VALUE_VECTORS + v];
            totals[pair * VALUE_VECTORS + v] = fma(vec4<f32>(weights[token][pair]), value, sum);
          }
        }
      }
    }
    turn = 1u - turn;
  }
  leave_part(lane, most, weight, totals, first_part, part_stride);
}
