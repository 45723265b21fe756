/** Rounding to float32 in one direction: on its way into the core nothing grows that must not. */

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Smallest float32 that is not below `value`: a need never shrinks on its way into the core. */
export function ceilToSingle(value: number): number {
  return -floorToSingle(-value);
}

/** Largest float32 that is not above `value`: room never grows on its way into the core. */
export function floorToSingle(value: number): number {
  const nearest = Math.fround(value);
  if (!(nearest > value)) return nearest;
  if (nearest === 0) return -(2 ** -149);
  single[0] = nearest;
  // Towards minus infinity: the bit pattern of a negative number grows with its size.
  bits[0] = (bits[0] ?? 0) + (nearest > 0 ? -1 : 1);
  return single[0];
}
