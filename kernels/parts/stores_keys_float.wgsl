// Stores four channels of a key as KeyElement, f32 or f16; `key_pages` is the kernel's: [slab_pages, heads, page_tokens, D4] vectors.

alias StoredKey = vec4<KeyElement>;

fn store_key(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  key_pages[slot * D4 + c4] = vec4<KeyElement>(four);
}
