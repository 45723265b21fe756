/** What the writer of the crash test commits, as a function of the step alone. */
import type { LedgerChange } from "../../host/ledger/ledger.js";
import { Prng } from "../../host/lib/prng.js";
import { decisionRecord, planRecord, reservationRecord } from "./records.js";

/** Changes of one step: several records of several tables that only make sense together. */
export function stepChanges(seed: number, step: number): LedgerChange[] {
  const prng = new Prng(seed * 1_000_003 + step);
  const changes: LedgerChange[] = [{ table: "meta", key: "step", put: step }];
  const count = 1 + prng.below(6);
  for (let index = 0; index < count; index++) {
    const key = `k${prng.below(40)}`;
    if (prng.below(3) === 0) {
      changes.push({ table: "reservation", key, remove: true });
      changes.push({ table: "plan", key, remove: true });
    } else {
      const fencingToken = step;
      changes.push({ table: "reservation", key, put: { ...reservationRecord(key), fencingToken } });
      changes.push({ table: "plan", key, put: { ...planRecord(key), fencingToken } });
    }
  }
  const inputs = "x".repeat(prng.below(9_000));
  changes.push({
    table: "decision",
    key: `d${step % 64}`,
    put: { ...decisionRecord("d"), inputs },
  });
  return changes;
}
