// Stores four channels of a value as ValueElement, f32 or f16; `value_pages` is the kernel's: [slab_pages, heads, page_tokens, D4] vectors.

alias StoredValue = vec4<ValueElement>;

fn store_value(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  value_pages[slot * D4 + c4] = vec4<ValueElement>(four);
}
