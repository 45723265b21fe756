/** Requests sent at a rate, or as fast as answers come, and how long the answers took. */
import { elapsedMs, sleep } from "../../host/lib/clock.js";
import { type Reply, Wire } from "./wire.js";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface LoadOptions {
  readonly address: string;
  readonly connections: number;
  /** Requests a second; none = as fast as answers come. */
  readonly perSecond?: number;
  readonly count: number;
  readonly request: (index: number) => Request;
  readonly onReply?: (reply: Reply, index: number) => void;
}

export interface LoadReport {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly statuses: Readonly<Record<string, number>>;
}

/**
 * Time counts from when a request was due, not from when a connection was free for it: a server
 * that stalls is charged for all that waited meanwhile.
 */
export async function load(options: LoadOptions): Promise<LoadReport> {
  const { address, connections, perSecond, count, request, onReply } = options;
  const wires = await Promise.all(Array.from({ length: connections }, () => Wire.open(address)));
  const took: number[] = [];
  const statuses: Record<string, number> = {};
  const beganMs = elapsedMs();
  let next = 0;
  const drive = async (wire: Wire): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const dueMs = perSecond === undefined ? elapsedMs() : beganMs + (index * 1_000) / perSecond;
      // Timers are no finer than 1 ms, so what is due within one is sent at once.
      const earlyMs = dueMs - elapsedMs();
      if (earlyMs >= 1) await sleep(earlyMs);
      const { method, path, body } = request(index);
      const sentMs = Math.min(dueMs, elapsedMs());
      const reply = await wire.send(method, path, body);
      took.push(elapsedMs() - sentMs);
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
      onReply?.(reply, index);
    }
  };
  await Promise.all(wires.map(drive));
  const seconds = (elapsedMs() - beganMs) / 1_000;
  for (const wire of wires) wire.close();
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    round(took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0);
  return {
    count,
    perSecond: Math.round(count / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    statuses,
  };
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
