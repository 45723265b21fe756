/**
 * kill -9 of a process that runs the real coordinator and allocator over LMDB, durable to a power
 * cut. Beside it the same process runs in memory and stops after the very commit that was the
 * child's last: then all tables must agree to the byte, and both start anew from what they have.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canonicalJson } from "../../host/ledger/encoding.js";
import { LEDGER_TABLES, type Ledger } from "../../host/ledger/ledger.js";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { Prng } from "../../host/lib/prng.js";
import { runAndKill } from "../support/kill.js";
import { commitNumberOf, Killed, NumberedLedger, Process } from "./coordinator-script.js";

const KILLS = 50;
const SEED = 50_000_003;
const WRITER = new URL("./coordinator-writer.js", import.meta.url);
const root = mkdtempSync(join(tmpdir(), "reprise-coordinator-"));
const test = suite(`coordinator under kill -9 (seed ${SEED})`);

test(`${KILLS} kills: plans, decisions, leases and lives are those of the last commit`, async () => {
  const folder = join(root, "ledger");
  const prng = new Prng(SEED);
  const beside = new MemoryLedger();
  const met = new Set<string>();
  for (let round = 0; round < KILLS; round++) {
    const where = `seed ${SEED}, round ${round}`;
    const before = commitNumberOf(beside);
    const run = await runAndKill(WRITER, [folder, String(SEED)], { prng, linesMax: 24 });
    assert.is(run.errors, "", where);
    assert.ok(run.killed, `${where}: ended by itself`);
    const acknowledged = Number(run.lines.at(-1) ?? before);
    const ledger = await openLmdbLedger({ folder });
    const reached = commitNumberOf(ledger);
    assert.ok(
      reached === acknowledged || reached === acknowledged + 1,
      `${where}: acknowledged ${acknowledged}, found ${reached}`,
    );
    await runUntil(beside, reached);
    for (const table of LEDGER_TABLES) {
      assert.is(text(ledger, table), text(beside, table), `${where}: ${table}`);
    }
    checkAgreement(ledger, where);
    for (const [, { state }] of ledger.entries("plan")) met.add(state);
    for (const [, { kind }] of ledger.entries("decision")) met.add(kind);
    for (const [, life] of ledger.entries("incarnation")) {
      if (life.downSinceMs !== undefined) met.add("down");
      if (life.incarnation > 1 && life.interruptionsMs.length > 0) met.add("back");
    }
    await ledger.close();
  }
  // The kills must have met what they are about: plans under way, instances down and back.
  for (const each of ["committed", "done", "proceed", "defer", "down", "back"]) {
    assert.ok(met.has(each), `no kill met "${each}" in ${commitNumberOf(beside)} commits`);
  }
  // What the last kill left under way comes to its end.
  const last = await Process.open(beside, SEED);
  assert.is(await last.settle(), 0);
  for (const [planId, { state }] of beside.entries("plan")) {
    assert.ok(state === "done" || state === "rolled-back", `${planId} is ${state}`);
  }
});

/** One process on the ledger, from its opening to the commit after which it is no more. */
async function runUntil(ledger: Ledger, lastNumber: number): Promise<void> {
  if (commitNumberOf(ledger) === lastNumber) return;
  const numbered = new NumberedLedger(ledger);
  numbered.lastNumber = lastNumber;
  try {
    const process = await Process.open(numbered, SEED);
    for (;;) await process.step();
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
}

function text(ledger: Ledger, table: (typeof LEDGER_TABLES)[number]): string {
  return canonicalJson([...ledger.entries(table)]);
}

/** Records of different tables that only make sense together. */
function checkAgreement(ledger: Ledger, where: string): void {
  const owners = new Set<string>();
  for (const [id, { state, ownerId }] of ledger.entries("reservation")) {
    if (state !== "held") continue;
    assert.not(owners.has(ownerId), `${where}: ${ownerId} holds ${id} and another`);
    owners.add(ownerId);
  }
  for (const [planId, plan] of ledger.entries("plan")) {
    const decision = ledger.get("decision", planId.replace(/^p/, "d"));
    assert.equal(decision?.victims, plan.victims, `${where}: ${planId} and its decision`);
    for (const id of plan.reservationIds) {
      assert.ok(ledger.get("reservation", id), `${where}: ${planId} without ${id}`);
    }
  }
  if (ledger.count("decision") > 0) assert.is(ledger.get("meta", "modelVersion"), "test@1");
}

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
