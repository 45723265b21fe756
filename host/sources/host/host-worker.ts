/** Entry of the thread that looks at the machine: one scanner, one task after the other. */
import { workerData } from "node:worker_threads";
import { type LookResult, Scanner, type ScannerOptions } from "./scanner.js";

export interface LookTask {
  readonly kind: "look" | "glance";
  readonly timeMs: number;
}

let scanner: Scanner | undefined;

export default function look(task: LookTask): LookResult | undefined {
  scanner ??= new Scanner(workerData as ScannerOptions);
  if (task.kind === "look") return scanner.look(task.timeMs);
  scanner.glance(task.timeMs);
  return undefined;
}
