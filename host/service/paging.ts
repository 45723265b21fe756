import type { Page } from "./schemas.js";

/** A page of sorted names. `next` is the last name of the page while there are more. */
export function pageFrom(
  sorted: readonly string[],
  { after, limit }: Page,
): { readonly items: string[]; readonly next: string | null } {
  const from = after === undefined ? 0 : firstAbove(sorted, after);
  const items = sorted.slice(from, from + limit);
  const next = from + limit < sorted.length ? (items.at(-1) ?? null) : null;
  return { items, next };
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
