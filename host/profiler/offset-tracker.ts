/** Bound of every offset and of every sum of offsets, in asinh space. */
export const OFFSET_ABS_MAX = 2;
/** Truths after which a narrower tracker weighs half. */
const SHRINKAGE = 20;

/**
 * One step of quantile tracking: an offset rises by eta x level when the truth was above the
 * quantile and falls by eta x (1 - level) when it was not, so misses come to a share of 1 - level.
 */
export function trackOnce(offset: number, miss: boolean, level: number, eta: number): number {
  return clampOffset(offset + eta * ((miss ? 1 : 0) - (1 - level)));
}

export function clampOffset(offset: number): number {
  return Math.min(OFFSET_ABS_MAX, Math.max(-OFFSET_ABS_MAX, offset));
}

/** Weight of a type's or an instance's own offset after `count` truths: 0 before the first. */
export function ownWeight(count: number): number {
  return count / (count + SHRINKAGE);
}
