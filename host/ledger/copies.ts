/** Copies of a ledger: taken while it is in use, put back, and written anew without holes. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { open } from "lmdb";
import { RepriseError } from "../lib/errors.js";
import { LEDGER_TABLES, type LedgerTable } from "./ledger.js";
import { openLmdbLedger } from "./lmdb.js";

const DATA_FILE = "data.mdb";
const WORK_FOLDER = "creating";

export interface LedgerSummary {
  readonly folder: string;
  readonly bytes: number;
  readonly counts: Readonly<Record<LedgerTable, number>>;
}

/**
 * Reads every record of the ledger and checks its seal; it may be in use.
 *
 * @throws ERR_LEDGER, ERR_LEDGER_FOREIGN naming what is wrong
 */
export async function checkLedger(folder: string): Promise<LedgerSummary> {
  const ledger = await openLmdbLedger({ folder, readOnly: true });
  try {
    const counted = LEDGER_TABLES.map((table): [LedgerTable, number] => {
      let count = 0;
      for (const _ of ledger.entries(table)) count++;
      return [table, count];
    });
    const counts = Object.fromEntries(counted) as Record<LedgerTable, number>;
    return { folder, bytes: statSync(join(folder, DATA_FILE)).size, counts };
  } finally {
    await ledger.close();
  }
}

/**
 * One moment of a ledger that may be in use, as a ledger of its own in a new folder, without holes.
 *
 * @throws ERR_ARGUMENT when the target is there already, ERR_LEDGER
 */
export async function backupLedger(folder: string, target: string): Promise<LedgerSummary> {
  requireNew(target);
  await checkLedger(folder);
  try {
    await copyCompact(folder, target);
    return await checkLedger(target);
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    throw error;
  }
}

/**
 * A backup becomes the ledger in `folder`, which must not be there: what was there before is for
 * the operator to move away.
 *
 * @throws ERR_ARGUMENT, ERR_LEDGER, ERR_LEDGER_FOREIGN; then `folder` is as it was
 */
export async function restoreLedger(backup: string, folder: string): Promise<LedgerSummary> {
  requireNew(folder);
  await checkLedger(backup);
  const work = `${folder}.${WORK_FOLDER}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    copyFileSync(join(backup, DATA_FILE), join(work, DATA_FILE));
    flush(join(work, DATA_FILE));
    const summary = await checkLedger(work);
    renameSync(work, folder);
    flush(dirname(folder));
    return { ...summary, folder };
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Writes the ledger anew without the holes that removed records left. Whoever has it open is fenced
 * off first, so that nothing is written into the file that goes.
 *
 * @throws ERR_LEDGER, ERR_LEDGER_FOREIGN; then it is as it was
 */
export async function compactLedger(folder: string): Promise<LedgerSummary> {
  const writer = await openLmdbLedger({ folder });
  await writer.close();
  const work = join(folder, WORK_FOLDER);
  rmSync(work, { recursive: true, force: true });
  try {
    await copyCompact(folder, work);
    await checkLedger(work);
    renameSync(join(work, DATA_FILE), join(folder, DATA_FILE));
    flush(folder);
    // The list of readers belongs to the file that went.
    rmSync(join(folder, "lock.mdb"), { force: true });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return checkLedger(folder);
}

function requireNew(folder: string): void {
  if (!existsSync(folder)) return;
  throw new RepriseError("ERR_ARGUMENT", "the folder is there already", {
    field: "folder",
    got: folder,
    expected: "a path where nothing is",
  });
}

async function copyCompact(folder: string, target: string): Promise<void> {
  try {
    mkdirSync(target, { recursive: true });
    const store = open({ path: folder, noSubdir: false, readOnly: true, maxDbs: 16 });
    try {
      await store.backup(target, true);
    } finally {
      await store.close();
    }
    flush(join(target, DATA_FILE));
    flush(target);
  } catch (error) {
    throw new RepriseError("ERR_LEDGER", "the copy failed", { file: target }, error);
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
