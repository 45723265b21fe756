import { exponential, logarithm } from "../lib/elementary.js";

/**
 * Moves an amount by `offset` in asinh space, without going there:
 * s sinh(asinh(v / s) + a) = v cosh a + sqrt(v^2 + s^2) sinh a. Never below 0; an offset of 0 keeps
 * the bits.
 *
 * @param scale the instance's scale of this resource, above 0
 */
export function shifted(value: number, scale: number, offset: number): number {
  if (offset === 0) return value;
  return shiftedBy(value, scale, exponential(offset));
}

/** The same for an offset that is not 0, given e to its power. */
export function shiftedBy(value: number, scale: number, up: number): number {
  const down = 1 / up;
  const moved = (value * (up + down) + Math.sqrt(value * value + scale * scale) * (up - down)) / 2;
  return Math.max(0, moved);
}

/** asinh(value / scale) - asinh(from / scale): how far apart two amounts are for the network. */
export function distance(value: number, from: number, scale: number): number {
  const square = scale * scale;
  const above = value + Math.sqrt(value * value + square);
  return logarithm(above / (from + Math.sqrt(from * from + square)));
}
