import { Prng } from "../../host/lib/prng.js";

/** Uniform floats in [min, max), the same on every machine for a seed. */
export function seededFloats(
  seed: number,
  count: number,
  range: { readonly min: number; readonly max: number } = { min: -1, max: 1 },
): Float32Array<ArrayBuffer> {
  const prng = new Prng(seed);
  const floats = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    floats[index] = range.min + (range.max - range.min) * prng.uniform();
  }
  return floats;
}
