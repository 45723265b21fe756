/** Checks of what callers hand to the allocator. */
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { Book, NodeState } from "./book.js";

/** @throws ERR_ARGUMENT */
export function checkId(id: string, field: string): void {
  if (typeof id === "string" && id.length > 0 && Buffer.byteLength(id) <= LIMITS.idBytesMax) return;
  throw new RepriseError("ERR_ARGUMENT", "not an id", {
    field,
    got: id,
    expected: `text of 1 to ${LIMITS.idBytesMax} bytes`,
  });
}

/** Whole milliseconds. @throws ERR_ARGUMENT */
export function wholeMs(timeMs: number, field: string): number {
  if (Number.isFinite(timeMs) && timeMs >= 0 && timeMs <= Number.MAX_SAFE_INTEGER) {
    return Math.round(timeMs);
  }
  throw new RepriseError("ERR_ARGUMENT", "not a time", {
    field,
    got: timeMs,
    expected: "milliseconds, 0 or more",
  });
}

/** @throws ERR_UNKNOWN_ID */
export function requireNode(book: Book, nodeId: string): NodeState {
  const node = book.nodes.get(nodeId);
  if (node !== undefined) return node;
  throw new RepriseError("ERR_UNKNOWN_ID", "no such node", { field: "nodeId", got: nodeId });
}

/** @throws ERR_LIMIT when one more would be too many */
export function checkLimit(count: number, max: number, what: string): void {
  if (count < max) return;
  throw new RepriseError("ERR_LIMIT", `too many ${what}`, {
    got: count + 1,
    expected: `at most ${max}`,
  });
}
