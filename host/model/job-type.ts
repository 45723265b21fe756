import { nameHash } from "../lib/name-hash.js";
import { Prng } from "../lib/prng.js";

/** Rows of a job type's place among the summary features. */
const ROWS = 4;
/** Codes within this, steps of 3/64: values within -2 to 2. */
const CODE_MAX = 42;

export const NO_JOB_TYPE: readonly number[] = new Array<number>(ROWS).fill(0);

/**
 * Where a job type stands in the space of the net: four fixed numbers drawn by its name, so that
 * any name has a place without a table of names, the same in training and in production. A net
 * learns what lies there. Without a type it is the origin.
 *
 * @returns codes for `PAST_JOB_TYPE`
 */
export function jobTypeCodes(jobType: string | undefined): readonly number[] {
  if (jobType === undefined) return NO_JOB_TYPE;
  const prng = new Prng(nameHash(jobType));
  return NO_JOB_TYPE.map(() => prng.below(2 * CODE_MAX + 1) - CODE_MAX);
}
