/** Rebuilds a book from the ledger. */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { Ledger } from "../ledger/ledger.js";
import { RepriseError } from "../lib/errors.js";
import { type Book, NODE_KEY_PREFIX, POOL_OFFSETS_KEY, TOKEN_KEY } from "./book.js";

/**
 * Nodes that the book has already keep their size: what the machine is now counts for more than
 * what it was. @throws ERR_LEDGER when records contradict each other
 */
export function restoreBook(book: Book, ledger: Ledger): void {
  const token = ledger.get("meta", TOKEN_KEY) ?? 0;
  if (!(typeof token === "number" && Number.isSafeInteger(token) && token >= 0)) {
    throw contradiction("the fencing token is not a count", token);
  }
  book.fencingToken = token;
  const offsets = ledger.get("meta", POOL_OFFSETS_KEY);
  if (offsets !== undefined) book.poolOffsets = parseNumbers(offsets, "what pools learnt");
  for (const [key, value] of ledger.entries("meta", { from: NODE_KEY_PREFIX })) {
    if (!key.startsWith(NODE_KEY_PREFIX)) break;
    const nodeId = key.slice(NODE_KEY_PREFIX.length);
    if (!book.nodes.has(nodeId)) book.putNode(nodeId, parseNumbers(value, "a node's size"));
  }
  for (const [instanceId, record] of ledger.entries("allocation")) {
    requireKnown(book, record.nodeId, instanceId);
    book.putAllocation(instanceId, record);
  }
  for (const [reservationId, record] of ledger.entries("reservation")) {
    if (record.state !== "held" && record.state !== "claimed") continue;
    requireKnown(book, record.nodeId, reservationId);
    if (record.fencingToken > token) throw contradiction("a token was never given out", record);
    book.putLease(record);
  }
}

function parseNumbers(value: string | number, what: string): number[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(`${value}`);
  } catch (cause) {
    throw contradiction(`${what} is unreadable`, value, cause);
  }
  if (Array.isArray(parsed) && parsed.length === RESOURCE_COUNT && parsed.every(Number.isFinite)) {
    return parsed.map(Number);
  }
  throw contradiction(`${what} is unreadable`, value);
}

function requireKnown(book: Book, nodeId: string, id: string): void {
  if (!book.nodes.has(nodeId)) throw contradiction(`${id} is on a node nobody knows`, nodeId);
}

function contradiction(message: string, got: unknown, cause?: unknown): RepriseError {
  return new RepriseError("ERR_LEDGER", message, { got }, cause);
}
