/** The durable ledger: the shared suite, then folders that are not a sound ledger. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type LmdbLedgerOptions, openLmdbLedger } from "../../host/ledger/lmdb.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { rejectedBy } from "../support/thrown.js";
import { conformance } from "./conformance.js";
import { decisionRecord, planRecord } from "./records.js";

const root = mkdtempSync(join(tmpdir(), "reprise-ledger-"));
let folders = 0;
const newFolder = () => join(root, `ledger-${folders++}`);

conformance("lmdb ledger", () =>
  openLmdbLedger({ folder: newFolder(), durability: "process-crash" }),
).run();

const test = suite("lmdb ledger folder");

test("options that cannot be used are typed errors", async () => {
  const bad = [undefined, "path", {}, { folder: "" }, { folder: 7 }];
  const folder = newFolder();
  for (const options of [...bad, { folder, durability: "none" }, { folder, readOnly: "no" }]) {
    const error = await rejectedBy(() => openLmdbLedger(options as LmdbLedgerOptions));
    assert.is(error.code, "ERR_ARGUMENT", JSON.stringify(options));
  }
  assert.is(existsSync(folder), false);
});

test("what was committed is there after close and reopen, in both durabilities", async () => {
  for (const durability of ["power-cut", "process-crash"] as const) {
    const folder = newFolder();
    const first = await openLmdbLedger({ folder, durability });
    for (let index = 0; index < 300; index++) {
      const key = `d${String(index).padStart(4, "0")}`;
      const inputs = "x".repeat(index * 37);
      first.commit([
        { table: "decision", key, put: { ...decisionRecord(key), inputs } },
        { table: "plan", key, put: planRecord(key) },
      ]);
    }
    await first.close();
    const second = await openLmdbLedger({ folder, durability });
    assert.is(second.count("decision"), 300);
    const keys = [...second.entries("decision")].map(([key, record]) => {
      assert.is((record.inputs as string).length, Number(key.slice(1)) * 37);
      return key;
    });
    assert.is(keys.length, 300);
    assert.equal(second.get("plan", "d0299"), planRecord("d0299"));
    await second.close();
  }
});

test("reading only: sees commits of a living writer, refuses to commit", async () => {
  const folder = newFolder();
  await refuses({ folder, readOnly: true }, "ERR_LEDGER");
  assert.not(existsSync(folder));
  const writer = await openLmdbLedger({ folder });
  writer.commit([{ table: "meta", key: "a", put: 1 }]);
  await writer.close();
  const reader = await openLmdbLedger({ folder, readOnly: true });
  assert.is(reader.get("meta", "a"), 1);
  assert.throws(
    () => reader.commit([{ table: "meta", key: "a", put: 2 }]),
    (error: unknown) => isRepriseError(error) && error.code === "ERR_STATE",
  );
  await reader.close();
});

test("a half-made store of a killed first start is made anew", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, "creating"), { recursive: true });
  mkdirSync(join(folder, "lost+found"));
  writeFileSync(join(folder, "creating", "data.mdb"), "half");
  const ledger = await openLmdbLedger({ folder });
  ledger.commit([{ table: "meta", key: "a", put: 1 }]);
  await ledger.close();
  assert.equal(readdirSync(folder).sort(), ["data.mdb", "lock.mdb", "lost+found"]);
});

test("a file instead of a folder is foreign and untouched", async () => {
  const file = newFolder();
  writeFileSync(file, "notes");
  await untouched(file, "ERR_LEDGER_FOREIGN");
});

test("a folder of another program is foreign and untouched", async () => {
  const folder = newFolder();
  mkdirSync(folder);
  writeFileSync(join(folder, "IMPORTANT.txt"), "not yours");
  await untouched(folder, "ERR_LEDGER_FOREIGN");
});

test("an LMDB store of another program is foreign and untouched", async () => {
  const plain = newFolder();
  const other = open({ path: plain, noSubdir: false });
  await other.put("greeting", { text: "hello" });
  await other.close();
  await untouched(plain, "ERR_LEDGER_FOREIGN");

  const named = newFolder();
  const environment = open({ path: named, noSubdir: false, overlappingSync: false });
  const users = environment.openDB({ name: "users" });
  await users.put("greeting", { text: "hello" });
  await environment.close();
  await untouched(named, "ERR_LEDGER_FOREIGN");
});

test("a ledger of a later schema is refused by name and untouched", async () => {
  const folder = newFolder();
  const environment = open({ path: folder, noSubdir: false, overlappingSync: false });
  await environment.openDB({ name: "reprise-ledger-3" }).put("writer", "1");
  await environment.close();
  const error = await untouched(folder, "ERR_LEDGER_FOREIGN");
  assert.match(error.message, 'got "3", expected schema 1 to 2');
});

test("an empty, a random and a text data file are refused and untouched", async () => {
  const prng = new Prng(7);
  const random = Buffer.from(Array.from({ length: 65_536 }, () => prng.below(256)));
  for (const content of [Buffer.alloc(0), random, Buffer.from("a note"), Buffer.alloc(65_536)]) {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, "data.mdb"), content);
    await untouched(folder, "ERR_LEDGER_FOREIGN");
  }
});

test("a truncated ledger is damaged and untouched", async () => {
  for (const cut of [5, 2, 1.2]) {
    const folder = await filledLedger();
    const file = join(folder, "data.mdb");
    truncateSync(file, Math.floor(statSync(file).size / cut));
    await untouched(folder, "ERR_LEDGER");
  }
});

test("random damage is refused or noticed when read, never a wrong record (seed 11)", async () => {
  const prng = new Prng(11);
  const healthy = readFileSync(join(await filledLedger(), "data.mdb"));
  let refused = 0;
  for (let round = 0; round < 40; round++) {
    const damaged = Buffer.from(healthy);
    const start = prng.below(damaged.length);
    const end = Math.min(damaged.length, start + 1 + prng.below(3_000));
    for (let index = start; index < end; index++) damaged[index] = prng.below(256);
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, "data.mdb"), damaged);
    const before = fingerprint(folder);
    try {
      const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
      try {
        for (const [key, record] of ledger.entries("decision")) {
          assert.equal(record, { ...decisionRecord(key), inputs: inputsOf(key) });
        }
      } finally {
        await ledger.close();
      }
    } catch (error) {
      if (!isRepriseError(error)) throw error;
      assert.match(error.code, /^ERR_LEDGER/);
      if (!error.message.includes("a record is damaged")) {
        refused += 1;
        assert.is(fingerprint(folder), before, `round ${round} touched the folder`);
      }
    }
  }
  assert.ok(refused > 5, `only ${refused} of 40 damages were found before opening`);
});

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();

function inputsOf(key: string): string {
  return key.repeat(200);
}

async function filledLedger(): Promise<string> {
  const folder = newFolder();
  const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
  for (let index = 0; index < 60; index++) {
    const key = `d${index}`;
    const put = { ...decisionRecord(key), inputs: inputsOf(key) };
    ledger.commit([{ table: "decision", key, put }]);
  }
  await ledger.close();
  return folder;
}

async function refuses(
  options: { readonly folder: string; readonly readOnly?: boolean },
  code: string,
): Promise<Error> {
  try {
    const ledger = await openLmdbLedger(options);
    await ledger.close();
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    assert.is(error.code, code, error.message);
    return error;
  }
  throw new Error(`${options.folder} was opened`);
}

async function untouched(folder: string, code: string): Promise<Error> {
  const before = fingerprint(folder);
  await refuses({ folder, readOnly: true }, code);
  const error = await refuses({ folder }, code);
  assert.is(fingerprint(folder), before);
  return error;
}

/** Names, sizes and bytes of everything in a folder. */
function fingerprint(path: string): string {
  const hash = createHash("sha256");
  const visit = (entry: string): void => {
    hash.update(`${entry}\n`);
    if (statSync(entry).isDirectory()) {
      for (const name of readdirSync(entry).sort()) visit(join(entry, name));
    } else {
      hash.update(readFileSync(entry));
    }
  };
  visit(path);
  return hash.digest("hex");
}
