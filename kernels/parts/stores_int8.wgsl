// Stores four channels as int8, laid out as parts/keys_int8.wgsl reads them; `pages` and `vectors` are the kernel's, and `first` is where
// the head's channels start in `vectors`.

alias Stored = u32;

fn store(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  var most = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    most = max(most, abs(vectors[first + c]));
  }
  let scale = most / 127.0;
  let divisor = select(1.0, scale, scale > 0.0);
  let whole = vec4<i32>(clamp(floor(four / divisor + 0.5), vec4<f32>(-127.0), vec4<f32>(127.0)));
  let bytes = vec4<u32>(bitcast<vec4<u32>>(whole) & vec4<u32>(255u));
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  let token = slot % params.page_tokens;
  pages[page + token * D4 + c4] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
  if (c4 == 0u) {
    pages[page + params.page_tokens * D4 + token] = bitcast<u32>(scale);
  }
}
