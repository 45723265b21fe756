/** Backups of a ledger in use, restored and compacted. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runCommandLine } from "../../host/cli/program.js";
import {
  backupLedger,
  checkLedger,
  compactLedger,
  restoreLedger,
} from "../../host/ledger/copies.js";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { rejectedBy } from "../support/thrown.js";
import { decisionRecord } from "./records.js";

const root = mkdtempSync(join(tmpdir(), "reprise-copies-"));
let folders = 0;
const newFolder = () => join(root, `ledger-${folders++}`);
const test = suite("ledger copies");

async function filled(folder: string, count: number) {
  const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
  ledger.group?.(() => {
    for (let index = 0; index < count; index++) {
      const key = `d-${String(index).padStart(6, "0")}`;
      const put = { ...decisionRecord(key), inputs: "x".repeat(2_000) };
      ledger.commit([{ table: "decision", key, put }]);
    }
  });
  return ledger;
}

test("a backup is one moment of a ledger in use, and is restored as it was", async () => {
  const [folder, backup, restored] = [newFolder(), newFolder(), newFolder()];
  const ledger = await filled(folder, 100);
  const summary = await backupLedger(folder, backup);
  assert.is(summary.counts.decision, 100);
  ledger.commit([{ table: "meta", key: "later", put: 1 }]);
  await ledger.close();
  await restoreLedger(backup, restored);
  const again = await openLmdbLedger({ folder: restored });
  assert.is(again.count("decision"), 100);
  assert.is(again.get("meta", "later"), undefined);
  again.commit([{ table: "meta", key: "on", put: 2 }]);
  await again.close();
  assert.is((await checkLedger(folder)).counts.meta, 1);
});

test("nothing that is there is written over, and a damaged backup restores nothing", async () => {
  const [folder, backup, target] = [newFolder(), newFolder(), newFolder()];
  await (await filled(folder, 50)).close();
  for (const task of [() => backupLedger(folder, folder), () => restoreLedger(folder, folder)]) {
    assert.is((await rejectedBy(task)).code, "ERR_ARGUMENT");
  }
  mkdirSync(backup);
  const bytes = readFileSync(join(folder, "data.mdb"));
  const at = bytes.lastIndexOf("xxxxxxxx");
  bytes[at] = 0x79;
  writeFileSync(join(backup, "data.mdb"), bytes);
  assert.is((await rejectedBy(() => restoreLedger(backup, target))).code, "ERR_LEDGER");
  assert.is(existsSync(target), false);
  assert.equal(
    readdirSync(root).filter((name) => name.includes("creating")),
    [],
  );
});

test("compaction gives back what was removed, keeps the rest, fences off the old writer", async () => {
  const folder = newFolder();
  const ledger = await filled(folder, 1_000);
  ledger.group?.(() => {
    for (const [key] of ledger.entries("decision")) {
      if (!key.endsWith("7")) ledger.commit([{ table: "decision", key, remove: true }]);
    }
  });
  const before = await checkLedger(folder);
  const after = await compactLedger(folder);
  assert.equal(after.counts, before.counts);
  assert.is(after.counts.decision, 100);
  assert.ok(after.bytes < before.bytes / 3, `${after.bytes} of ${before.bytes} bytes`);
  assert.throws(
    () => ledger.commit([{ table: "meta", key: "lost", put: 1 }]),
    (error: unknown) => isRepriseError(error) && error.code === "ERR_FENCED",
  );
  await ledger.close();
  const next = await openLmdbLedger({ folder });
  next.commit([{ table: "meta", key: "kept", put: 1 }]);
  await next.close();
  assert.is((await checkLedger(folder)).counts.meta, 1);
});

test("the commands do the same, and fail where there is nothing", async () => {
  const [folder, backup, restored] = [newFolder(), newFolder(), newFolder()];
  await (await filled(folder, 10)).close();
  const run = (...words: string[]) => runCommandLine(["ledger", ...words, "--json"]);
  assert.is(await run("check", folder), 0);
  assert.is(await run("backup", folder, backup), 0);
  assert.is(await run("restore", backup, restored), 0);
  assert.is(await run("compact", restored), 0);
  assert.is((await checkLedger(restored)).counts.decision, 10);
  assert.is(await run("check", newFolder()), 1);
});

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
