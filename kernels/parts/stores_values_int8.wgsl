// Stores four channels of a value as int8, laid out as parts/values_int8.wgsl reads them; `value_pages` and `values` are the kernel's, and `first`
// is where the head's channels start in `values`. Uses parts/int8_bytes.wgsl.

alias StoredValue = u32;

fn store_value(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  var most = 0.0;
  for (var c = 0u; c < params.head_size; c++) {
    most = max(most, abs(values[first + c]));
  }
  let scale = int8_scale(most);
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  let token = slot % params.page_tokens;
  value_pages[page + token * D4 + c4] = int8_bytes(four, scale);
  if (c4 == 0u) {
    value_pages[page + params.page_tokens * D4 + token] = bitcast<u32>(scale);
  }
}
