/** A ledger that an older version wrote becomes one of today's, whole or not at all. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkLedger } from "../../host/ledger/copies.js";
import { keptDecisions, requestKey } from "../../host/ledger/kept.js";
import { LEDGER_TABLES, type Ledger } from "../../host/ledger/ledger.js";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { ROOT } from "../support/source-files.js";
import { rejectedBy } from "../support/thrown.js";

const test = suite("ledgers of older schemas");
const root = mkdtempSync(join(tmpdir(), "reprise-migration-"));
/** Written by the version with schema 1: four decisions on three instances. */
const OLD = gunzipSync(readFileSync(`${ROOT}test/data/ledger-schema-1.mdb.gz`));
const REQUESTS = ["first", "second", "third", "fourth"];
let folders = 0;

function oldFolder(bytes: Uint8Array = OLD): string {
  const folder = join(root, `old-${folders++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "data.mdb"), bytes);
  return folder;
}

type Content = Map<string, unknown>;

function contentOf(ledger: Ledger): Content {
  return new Map(
    LEDGER_TABLES.flatMap((table) =>
      [...ledger.entries(table)].map(([key, value]): [string, unknown] => [
        `${table}/${key}`,
        value,
      ]),
    ),
  );
}

async function contentIn(folder: string, readOnly: boolean): Promise<Content> {
  const ledger = await openLmdbLedger({ folder, readOnly });
  const content = contentOf(ledger);
  await ledger.close();
  return content;
}

/** What schema 1 had is as it was; what is new follows from it. */
function checkMigrated(before: Content, after: Content): void {
  for (const [key, value] of before) {
    if (key !== "meta/requestsIndexed") assert.equal(after.get(key), value, key);
  }
  const added = [...after.keys()].filter((key) => !before.has(key));
  const numbers = [1, 2, 3, 4].map((each) => `meta/answered/d-00000000000${each}`);
  assert.equal(added, numbers);
}

test("schema 1 is read as it is by whoever only reads", async () => {
  const folder = oldFolder();
  const content = await contentIn(folder, true);
  assert.is([...content.keys()].filter((key) => key.startsWith("decision/")).length, 4);
  assert.is((await checkLedger(folder)).counts.plan, 2);
  assert.ok(OLD.equals(readFileSync(join(folder, "data.mdb"))));
});

test("schema 1 becomes today's at the first start, once", async () => {
  const folder = oldFolder();
  const before = await contentIn(folder, true);
  const ledger = await openLmdbLedger({ folder });
  checkMigrated(before, contentOf(ledger));
  const kept = [...keptDecisions(ledger)];
  assert.equal(
    kept.map(({ requestId }) => requestId),
    REQUESTS,
  );
  for (const { decisionId, requestId, decidedMs } of kept) {
    assert.is(ledger.get("meta", requestKey(requestId)), decisionId);
    assert.is(ledger.get("decision", decisionId)?.decidedMs, decidedMs);
  }
  ledger.commit([{ table: "meta", key: "mark", put: 1 }]);
  await ledger.close();
  const again = await contentIn(folder, false);
  assert.is(again.get("meta/mark"), 1);
  again.delete("meta/mark");
  checkMigrated(before, again);
});

test("an index that schema 1 had not made yet is made", async () => {
  const folder = oldFolder(withoutIndex());
  const content = await contentIn(folder, false);
  for (const requestId of REQUESTS) {
    assert.type(content.get(`meta/${requestKey(requestId)}`), "string", requestId);
  }
});

/** Keys of the same length instead, so that the file stays sound. */
function withoutIndex(): Buffer {
  const text = OLD.toString("latin1").replaceAll("request/", "forgets/");
  return Buffer.from(text, "latin1");
}

/** At the first decision that the migration reads, and after most of its writes. */
const DEATHS = {
  reading: `
    const { parse } = JSON;
    JSON.parse = (text, ...more) => {
      if (text.includes('"decisionId":"d-000000000001"')) die();
      return parse(text, ...more);
    };`,
  // The key is made once all facts have been put.
  written: `
    const { from } = Buffer;
    Buffer.from = (text, ...more) => (text === "requestsIndexed" ? die() : from(text, ...more));`,
};

function dieIn(folder: string, death: string): NodeJS.Signals | null {
  const module = new URL("../../host/ledger/lmdb.js", import.meta.url).href;
  const script = `
    const die = () => process.kill(process.pid, "SIGKILL");
    ${death}
    const { openLmdbLedger } = await import(${JSON.stringify(module)});
    await openLmdbLedger({ folder: ${JSON.stringify(folder)} });`;
  const words = ["--input-type=module", "-e", script];
  return spawnSync(process.execPath, words, { stdio: "ignore" }).signal;
}

test("whoever dies while it becomes today's leaves it as it was", async () => {
  for (const [when, death] of Object.entries(DEATHS)) {
    const folder = oldFolder();
    const before = await contentIn(folder, true);
    assert.is(dieIn(folder, death), "SIGKILL", when);
    assert.equal(await contentIn(folder, true), before);
    checkMigrated(before, await contentIn(folder, false));
  }
});

test("a damaged record is named, and the ledger stays as it was", async () => {
  const at = OLD.indexOf('"UNKNOWN_INSTANCE"');
  const bytes = Buffer.from(OLD);
  bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 1;
  const folder = oldFolder(bytes);
  const error = await rejectedBy(() => openLmdbLedger({ folder }));
  assert.is(error.code, "ERR_LEDGER");
  assert.match(error.message, "decision/d-000000000003");
  assert.ok(bytes.equals(readFileSync(join(folder, "data.mdb"))));
  assert.not(readdirSync(folder).includes("creating"));
});

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
