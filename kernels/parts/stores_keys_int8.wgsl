// Stores four channels of a key as int8, laid out as parts/keys_int8.wgsl reads them; `key_pages` and `keys` are the kernel's, and `first`
// is where the head's channels start in `keys`. Uses parts/int8_bytes.wgsl.

alias StoredKey = u32;

fn store_key(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  var most = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    most = max(most, abs(keys[first + c]));
  }
  let scale = int8_scale(most);
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  let token = slot % params.page_tokens;
  key_pages[page + token * D4 + c4] = int8_bytes(four, scale);
  if (c4 == 0u) {
    key_pages[page + params.page_tokens * D4 + token] = bitcast<u32>(scale);
  }
}
