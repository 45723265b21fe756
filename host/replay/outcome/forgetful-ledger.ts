import type { LedgerChange } from "../../ledger/ledger.js";
import { MemoryLedger } from "../../ledger/memory.js";

/** A ledger that keeps no decisions: with all they looked at, weeks of them fill the memory. */
export class ForgetfulLedger extends MemoryLedger {
  override commit(changes: readonly LedgerChange[]): void {
    super.commit(changes.filter(({ table }) => table !== "decision"));
  }
}
