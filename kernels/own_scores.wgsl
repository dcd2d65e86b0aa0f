// Scores of chosen queries with cached tokens by a scorer of one's own: its text, put behind this one, has the function
// score(at: At) -> f32.
//
// Shapes:   vectors f32 [.., head_size], queries among them, before rotation; key_pages, value_pages vec4 [slab_pages, heads,
//           page_tokens, D4] stored as parts/keys_*.wgsl and values_*.wgsl say, one slab of the cache, before rotation, padded with zeros;
//           table [batch, table_stride]; about vec4<u32> [queries, 2]: row of the vectors, KV head, (not read here), first
//           token; number of tokens, sequence, the query's place in the context, its head; scores f32 [queries, stride]
// Dispatch: one thread per query and token, tokens fastest; linear groups; one call per slab of the cache
// Source:   ALGORITHM section 5 with score[h, i, j] as the scorer says

struct Params {
  first_group: u32,
  group_count: u32,
  queries: u32,
  heads: u32,
  page_tokens: u32,
  table_stride: u32,
  slab_first: u32,
  slab_pages: u32,
  head_size: u32,
  stride: u32,
  layer: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
@group(0) @binding(2) var<storage, read> key_pages: array<StoredKeys>;
@group(0) @binding(3) var<storage, read> value_pages: array<StoredValues>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> about: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> scores: array<f32>;

// What a scorer is told: the query's layer, head and place in the context, and the token's place.
struct At {
  layer: u32,
  head: u32,
  query: u32,
  token: u32,
}

var<private> own_vector: u32;
var<private> own_slot: u32;

// Channels 4 c to 4 c + 3 of the query, the token's key and its value; c counts to D4.
fn query(c: u32) -> vec4<f32> {
  var four = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    if (4u * c + i < params.head_size) {
      four[i] = vectors[own_vector + 4u * c + i];
    }
  }
  return four;
}

fn key(c: u32) -> vec4<f32> {
  return key_vector(key_first(own_slot) + c) * key_scale(own_slot);
}

fn value(c: u32) -> vec4<f32> {
  return value_vector(value_first(own_slot) + c) * value_scale(own_slot);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.queries * params.stride) {
    return;
  }
  let place = thread % params.stride;
  let own = about[2u * (thread / params.stride)];
  let more = about[2u * (thread / params.stride) + 1u];
  let token = own.w + place;
  if (place >= more.x) {
    return;
  }
  let page = table[more.y * params.table_stride + token / params.page_tokens];
  if (page < params.slab_first || page >= params.slab_first + params.slab_pages) {
    return;
  }
  let slot = ((page - params.slab_first) * params.heads + own.y) * params.page_tokens + token % params.page_tokens;
  own_vector = own.x * params.head_size;
  own_slot = slot;
  scores[thread] = score(At(params.layer, more.w, more.z, token));
}
