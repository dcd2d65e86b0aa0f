// Four channels as int8, symmetric: the largest magnitude of a token's head is 127.

fn int8_scale(most: f32) -> f32 {
  return most / 127.0;
}

fn int8_bytes(four: vec4<f32>, scale: f32) -> u32 {
  let divisor = select(1.0, scale, scale > 0.0);
  let whole = vec4<i32>(clamp(floor(four / divisor + 0.5), vec4<f32>(-127.0), vec4<f32>(127.0)));
  let bytes = vec4<u32>(bitcast<vec4<u32>>(whole) & vec4<u32>(255u));
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
