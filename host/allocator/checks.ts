/** Checks of what callers hand to the allocator. */
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { checkNeedAmounts } from "./amounts.js";
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

/** An object with fields, as every request is. @throws ERR_ARGUMENT */
export function checkFields(value: unknown, field: string): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new RepriseError("ERR_ARGUMENT", "cannot be read", {
    field,
    got: value,
    expected: "an object",
  });
}

/** @throws ERR_ARGUMENT */
export function checkList(value: unknown, field: string): void {
  if (Array.isArray(value)) return;
  throw new RepriseError("ERR_ARGUMENT", "cannot be read", {
    field,
    got: value,
    expected: "a list",
  });
}

/** A list of node ids, or undefined for all nodes. @throws ERR_ARGUMENT */
export function checkNodeIds(nodeIds: readonly string[] | undefined): void {
  if (nodeIds === undefined) return;
  checkList(nodeIds, "nodeIds");
  for (const nodeId of nodeIds) checkId(nodeId, "nodeIds");
}

/** Room that comes free a node. @throws ERR_ARGUMENT */
export function checkFreed(freed: ReadonlyMap<string, readonly number[]> | undefined): void {
  if (freed === undefined) return;
  if (!(freed instanceof Map)) {
    throw new RepriseError("ERR_ARGUMENT", "cannot be read", {
      field: "freed",
      got: freed,
      expected: "a Map of node id to amounts",
    });
  }
  for (const amounts of freed.values()) checkNeedAmounts(amounts, "freed");
}

/** @throws ERR_ARGUMENT naming the first part that is not there */
export function checkParts<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
): void {
  checkFields(options, "options");
  for (const name of names) checkFields(options[name], name);
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
