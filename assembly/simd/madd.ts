/**
 * `a * b + c` for four lanes. Rounds twice in the default binaries, so that every engine gives the
 * same bits; the relaxed binary leaves it to the engine whether it fuses.
 */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}
