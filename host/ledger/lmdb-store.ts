/** The LMDB file of a ledger, its tables, and how a record is read from one. */
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { RepriseError } from "../lib/errors.js";
import { LEDGER_TABLES, type LedgerTable } from "./ledger.js";
import { unsealed } from "./seal.js";

export const DATA_FILE = "data.mdb";

export function openStore(
  folder: string,
  options: { readonly readOnly: boolean; readonly noSync: boolean },
): RootDatabase<string, Buffer> {
  try {
    return open<string, Buffer>({
      path: folder,
      noSubdir: false,
      encoding: "string",
      keyEncoding: "binary",
      // One more than there are while a migration is at work.
      maxDbs: LEDGER_TABLES.length + 2,
      // The flush belongs to the commit: with overlapping it would follow later.
      overlappingSync: false,
      ...options,
    });
  } catch (error) {
    throw new RepriseError("ERR_LEDGER", "the store does not open", { file: folder }, error);
  }
}

export function openTable(
  root: RootDatabase<string, Buffer>,
  name: string,
): Database<string, Buffer> {
  return root.openDB<string, Buffer>({ name, encoding: "string", keyEncoding: "binary" });
}

export function openTables(
  root: RootDatabase<string, Buffer>,
): ReadonlyMap<LedgerTable, Database<string, Buffer>> {
  return new Map(LEDGER_TABLES.map((table) => [table, openTable(root, table)]));
}

/** @throws ERR_LEDGER naming the record when it is not what was written */
export function readRecord(
  text: string,
  from: { readonly folder: string; readonly table: LedgerTable; readonly key: string },
): unknown {
  const body = unsealed(text);
  if (body === undefined) {
    throw new RepriseError("ERR_LEDGER", "a record is damaged", {
      file: join(from.folder, DATA_FILE),
      field: `${from.table}/${from.key}`,
    });
  }
  return JSON.parse(body);
}
