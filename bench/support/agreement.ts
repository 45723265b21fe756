import { createHash } from "node:crypto";
import type { BenchCase, BenchVariant } from "./definition.js";

export interface Agreement {
  readonly maxDifference: number;
  readonly outputHash: string;
}

/**
 * Calls every variant once and compares its output with the first one's. A bench that times a
 * wrong answer is worth nothing, so a difference above the tolerance stops the run.
 */
export async function checkAgreement(
  benchCase: BenchCase,
  variants: readonly BenchVariant[],
): Promise<Agreement[]> {
  const agreements: Agreement[] = [];
  let first: Float64Array | undefined;
  for (const variant of variants) {
    await variant.call();
    const output = Float64Array.from(await variant.output());
    first ??= output;
    const maxDifference = differenceOf(first, output);
    if (!(maxDifference <= benchCase.tolerance)) {
      throw new Error(
        `${benchCase.name}: ${variant.name} differs from ${variants[0]?.name} by ` +
          `${maxDifference}, allowed ${benchCase.tolerance}`,
      );
    }
    const outputHash = createHash("sha256").update(output).digest("hex").slice(0, 12);
    agreements.push({ maxDifference, outputHash });
  }
  return agreements;
}

/** NaN where only one side has NaN or the lengths differ, so that it fails every comparison. */
function differenceOf(left: Float64Array, right: Float64Array): number {
  if (left.length !== right.length) return Number.NaN;
  let largest = 0;
  for (let index = 0; index < left.length; index++) {
    const [a, b] = [left[index] as number, right[index] as number];
    if (Object.is(a, b)) continue;
    const difference = Math.abs(a - b);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}
