import type { Page } from "./schemas.js";

/** A page of what has these names, in their order; `next` is its last name while there are more. */
export function pageFrom<T>(
  names: Iterable<string>,
  { after, limit }: Page,
  describe: (names: readonly string[]) => T[],
): { readonly items: T[]; readonly next: string | null } {
  const sorted = [...names].sort();
  const from = after === undefined ? 0 : firstAbove(sorted, after);
  const found = sorted.slice(from, from + limit);
  const next = from + limit < sorted.length ? (found.at(-1) ?? null) : null;
  return { items: describe(found), next };
}

function firstAbove(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") > name) high = middle;
    else low = middle + 1;
  }
  return low;
}
