/**
 * kill -9 of a process that holds the real allocator over LMDB. Beside it a second allocator goes
 * through the same steps and is never killed: after each kill the two must agree to the byte, so no
 * reservation is lost, doubled or leaked.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LEDGER_TABLES } from "../../host/ledger/ledger.js";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { Prng } from "../../host/lib/prng.js";
import { runAndKill } from "../support/kill.js";
import { openBooks, runStep, stepOf } from "./lease-script.js";

const KILLS = 20;
const SEED = 50_000_001;
const WRITER = new URL("./lease-writer.js", import.meta.url);
const root = mkdtempSync(join(tmpdir(), "reprise-leases-"));
const test = suite(`leases under kill -9 (seed ${SEED})`);

test(`${KILLS} kills: no reservation is lost, doubled or leaked`, async () => {
  const folder = join(root, "ledger");
  const prng = new Prng(SEED);
  const unkilled = openBooks(new MemoryLedger());
  const states = new Set<string>();
  let step = 0;
  for (let round = 0; round < KILLS; round++) {
    const where = `seed ${SEED}, round ${round}`;
    const run = await runAndKill(WRITER, [folder, String(SEED)], { prng, linesMax: 12 });
    assert.is(run.errors, "", where);
    assert.ok(run.killed, `${where}: ended by itself`);
    const acknowledged = Number(run.lines.at(-1) ?? step);
    const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
    const reached = stepOf(ledger);
    assert.ok(
      reached === acknowledged || reached === acknowledged + 1,
      `${where}: acknowledged ${acknowledged}, found ${reached}`,
    );
    while (step < reached) {
      step += 1;
      runStep(unkilled, SEED, step);
      for (const { state } of unkilled.allocator.reservations()) states.add(state);
    }
    for (const table of LEDGER_TABLES) {
      assert.equal([...ledger.entries(table)], [...unkilled.ledger.entries(table)], where);
    }
    const { allocator } = openBooks(ledger);
    allocator.checkInvariants();
    const live = [...allocator.reservations()];
    assert.equal(live, [...unkilled.allocator.reservations()], where);
    const owners = live.filter(({ state }) => state === "held").map(({ ownerId }) => ownerId);
    assert.is(new Set(owners).size, owners.length, `${where}: an owner holds two`);
    await ledger.close();
  }
  for (const [, { state }] of unkilled.ledger.entries("reservation")) states.add(state);
  // The steps must have led through every end that a lease can have. How many steps there were
  // depends on the moments of the kills, so at the last one nobody need hold a lease.
  for (const state of ["held", "claimed", "expired", "released"]) {
    assert.ok(states.has(state), `no lease was ${state} in ${step} steps`);
  }
});

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
