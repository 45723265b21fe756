/** How a ledger of an older schema becomes one of today's. */
import type { Database } from "lmdb";
import { RepriseError } from "../lib/errors.js";
import { requireDiskRoom } from "./disk-room.js";
import { canonicalJson, keyBytes } from "./encoding.js";
import { decisionFacts } from "./kept.js";
import type { LedgerChange, LedgerTable } from "./ledger.js";
import { openStore, openTable, openTables, readRecord } from "./lmdb-store.js";
import type { DecisionRecord } from "./records.js";
import { controlName, LEDGER_SCHEMA } from "./schema.js";
import { sealed } from "./seal.js";

interface Store {
  readonly folder: string;
  readonly table: (name: LedgerTable) => Database<string, Buffer>;
}

/** From the schema of the key to the next one. */
const STEPS: ReadonlyMap<number, (store: Store) => void> = new Map([[1, enterFacts]]);
/** The lowest key; without it the library leaves some out. */
const LOWEST = Buffer.alloc(1);

/**
 * All steps to today's schema in one transaction: whoever dies in it leaves the ledger as it was.
 *
 * @throws ERR_LEDGER; then it is as it was
 */
export async function migrateLedger(folder: string, schema: number): Promise<void> {
  const root = openStore(folder, { readOnly: false, noSync: false });
  try {
    const tables = openTables(root);
    const table = (name: LedgerTable) => tables.get(name) ?? openTable(root, name);
    root.transactionSync(() => {
      for (let from = schema; from < LEDGER_SCHEMA; from++) {
        STEPS.get(from)?.({ folder, table });
        const before = openTable(root, controlName(from));
        const after = openTable(root, controlName(from + 1));
        for (const { key, value } of before.getRange({ start: LOWEST })) after.putSync(key, value);
        before.dropSync();
      }
    });
  } catch (error) {
    if (error instanceof RepriseError) throw error;
    const text = `a ledger of schema ${schema} does not become one of schema ${LEDGER_SCHEMA}`;
    throw new RepriseError("ERR_LEDGER", text, { file: folder }, error);
  } finally {
    await root.close();
  }
}

/**
 * To schema 2: beside each decision stands which request it answers and when, so that none has to
 * be read to be removed, and of each request its latest decision.
 */
function enterFacts({ folder, table }: Store): void {
  const facts: LedgerChange[] = [];
  // One at a time: together they may be larger than the memory. Newest last, so that the latest
  // decision on a request is what stays.
  for (const { key, value } of table("decision").getRange({ start: LOWEST })) {
    const from = { folder, table: "decision", key: key.toString("utf8") } as const;
    facts.push(...decisionFacts(readRecord(value, from) as DecisionRecord));
  }
  const meta = table("meta");
  const texts = facts.flatMap((fact) =>
    "put" in fact ? [[keyBytes(fact.key), sealed(canonicalJson(fact.put))] as const] : [],
  );
  requireDiskRoom(
    folder,
    texts.reduce((sum, [key, text]) => sum + key.length + text.length, 0),
  );
  for (const [key, text] of texts) meta.putSync(key, text);
  // Schema 1 told by this whether the requests were entered already.
  meta.removeSync(keyBytes("requestsIndexed"));
}
