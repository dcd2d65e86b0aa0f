// Rotates a step's queries by the positions that its attended tokens got.
//
// Shapes:   queries, rotated [batch, step_rows, query_heads, head_size] f32; counts u32 [batch, selections], attended tokens;
//           parts [batch, 4], its first entry is the number of tokens cached; rotation vec2 (cos, sin) [positions, head_size / 2]
// Dispatch: one thread per row, head and pair of channels, linear groups
// Source:   ALGORITHM section 6: Qr = rope(Q, last S entries of pos): M - S + i (compact) or N - S + i (original)

struct Params {
  first_group: u32,
  group_count: u32,
  batch: u32,
  step_rows: u32,
  query_heads: u32,
  heads: u32,
  selections: u32,
  head_size: u32,
  original: u32,
}

override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> rotation: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> rotated: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = params.first_group + workgroup.x + workgroup.y * grid.x;
  let thread = group * WORKGROUP + lane;
  let pairs = params.head_size / 2u;
  if (group >= params.group_count || thread >= params.batch * params.step_rows * params.query_heads * pairs) {
    return;
  }
  let c = thread % pairs;
  let query_head = (thread / pairs) % params.query_heads;
  let row = (thread / (pairs * params.query_heads)) % params.step_rows;
  let sequence = thread / (pairs * params.query_heads * params.step_rows);
  let head = query_head / (params.query_heads / params.heads);
  let selection = sequence * params.selections + select(head, 0u, params.selections == 1u);
  let length = select(counts[selection], parts[sequence].x, params.original == 1u);
  let turn = rotation[(length - params.step_rows + row) * pairs + c];
  let first = (thread / pairs) * params.head_size + c;
  let low = queries[first];
  let high = queries[first + pairs];
  rotated[first] = low * turn.x - high * turn.y;
  rotated[first + pairs] = high * turn.x + low * turn.y;
}
