/** kill -9 at random moments: what was acknowledged is there, what was not is whole or absent. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LEDGER_TABLES } from "../../host/ledger/ledger.js";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { runAndKill } from "../support/kill.js";
import { stepChanges } from "./crash-script.js";

const KILLS = 16;
const SEED = 20_260_101;
const WRITER = new URL("./crash-writer.js", import.meta.url);
const root = mkdtempSync(join(tmpdir(), "reprise-crash-"));
const test = suite(`ledger under kill -9 (seed ${SEED})`);

test(`${KILLS} kills: the ledger is exactly the acknowledged steps, or one more`, async () => {
  const folder = join(root, "ledger");
  const prng = new Prng(SEED);
  const expected = new MemoryLedger();
  let step = 0;
  let killedCount = 0;
  for (let round = 0; round < KILLS; round++) {
    const run = await runAndKill(WRITER, [folder, String(SEED)], { prng, linesMax: 20 });
    assert.is(run.errors, "", `seed ${SEED}, round ${round}`);
    killedCount += run.killed ? 1 : 0;
    const acknowledged = Number(run.lines.at(-1) ?? step);
    const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
    const reached = Number(ledger.get("meta", "step") ?? 0);
    assert.ok(
      reached === acknowledged || reached === acknowledged + 1,
      `seed ${SEED}, round ${round}: acknowledged ${acknowledged}, found ${reached}`,
    );
    while (step < reached) {
      step += 1;
      expected.commit(stepChanges(SEED, step));
    }
    for (const table of LEDGER_TABLES) {
      assert.equal([...ledger.entries(table)], [...expected.entries(table)], `round ${round}`);
    }
    await ledger.close();
  }
  assert.is(killedCount, KILLS);
  assert.ok(step > KILLS, `only ${step} steps`);
});

test("a second writer fences the first off, and nothing of the first is written after", async () => {
  const folder = join(root, "fenced");
  const mine = await openLmdbLedger({ folder });
  mine.commit([{ table: "meta", key: "step", put: 100 }]);
  const prng = new Prng(SEED);
  const run = await runAndKill(WRITER, [folder, "3"], { prng, linesMin: 1, linesMax: 5 });
  assert.is(run.errors, "");
  const reached = mine.get("meta", "step");
  assert.ok(Number(reached) >= 100);
  assert.ok(run.lines.length > 0);
  assert.throws(
    () => mine.commit([{ table: "meta", key: "step", put: 0 }]),
    (error: unknown) => isRepriseError(error) && error.code === "ERR_FENCED",
  );
  assert.is(mine.get("meta", "step"), reached);
  await mine.close();
});

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
