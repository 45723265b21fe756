import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import { HINT_MS, HintBook, hintChance } from "../../host/coordinator/hints.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { Prng } from "../../host/lib/prng.js";
import { inputsOf, instance, NOW, node, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const always = () => true;

/** As the coordinator does with a turn. */
function write(book: HintBook, ledger: MemoryLedger): void {
  ledger.commit(book.changes());
  book.written();
}

test("before anything is known one hint in ten is expected to be followed, less as it ages", () => {
  const book = new HintBook(new MemoryLedger());
  const first = book.tell("n", NOW);
  assert.ok(Math.abs(first - 0.1) < 0.005, `${first}`);
  const ages = [0, 1, 5, 20, 45, 60].map((minutes) =>
    book.chanceOf("n", NOW + minutes * MINUTE_MS),
  );
  assert.equal(
    ages,
    [...ages].sort((a, b) => b - a),
  );
  assert.is(ages.at(-1), 0);
  assert.is(book.chanceOf("another", NOW), 0);
});

test("what is stated comes to what follows, in worlds of any share", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.02, max: 0.9, noNaN: true }), fc.nat(), (share, seed) => {
      const prng = new Prng(seed + 1);
      const book = new HintBook(new MemoryLedger());
      let nowMs = NOW;
      for (let hint = 0; hint < 600; hint++) {
        book.tell("n", nowMs);
        if (prng.uniform() < share) book.lose("n", nowMs + Math.floor(prng.uniform() * HINT_MS));
        nowMs += HINT_MS;
        book.settle(nowMs, always);
      }
      const { judged, followed, losses, hintedLosses } = book.report();
      assert.is(judged, 600);
      assert.is(hintedLosses, followed);
      assert.is(losses, followed);
      // Three standard errors of the share that was drawn, and what the guess still weighs.
      const error = 3 * Math.sqrt((share * (1 - share)) / 600) + 0.03;
      const stated = book.tell("n", nowMs);
      assert.ok(Math.abs(stated - share) < error, `${stated} for ${share}`);
    }),
    { numRuns: 40 },
  );
});

test("a loss counts where it falls: after two minutes of a cloud that is quick, little is left", () => {
  const track = { reached: [100, 40, 40, 40], lost: [60, 0, 0, 0] };
  assert.ok(hintChance(track, 0) > 0.5);
  assert.ok(hintChance(track, 3 * MINUTE_MS) < 0.05);
});

test("hints and what became of them outlive the process", () => {
  const ledger = new MemoryLedger();
  const book = new HintBook(ledger);
  for (const nodeId of ["a", "b", "c"]) book.tell(nodeId, NOW);
  book.act("a");
  write(book, ledger);
  book.lose("a", NOW + MINUTE_MS);
  book.lose("z", NOW + MINUTE_MS);
  write(book, ledger);
  const again = new HintBook(ledger);
  assert.equal(again.report(), book.report());
  assert.is(again.chanceOf("b", NOW + MINUTE_MS), book.chanceOf("b", NOW + MINUTE_MS));
  const { open, judged, followed, acted, actedFollowed, losses, hintedLosses } = again.report();
  assert.equal([open, judged, followed, acted, actedFollowed], [2, 1, 1, 1, 1]);
  assert.equal([losses, hintedLosses], [2, 1]);
  // `c` was taken out of service by its operator: that says nothing of the hint.
  again.settle(NOW + MINUTE_MS, (nodeId) => nodeId !== "c");
  again.settle(NOW + HINT_MS, always);
  write(again, ledger);
  assert.equal([again.report().judged, again.report().open], [2, 0]);
  assert.equal(new HintBook(ledger).report(), again.report());
});

test("the same hint told again stays as old as it is", () => {
  const book = new HintBook(new MemoryLedger());
  book.tell("n", NOW);
  const later = NOW + 30 * MINUTE_MS;
  assert.is(book.tell("n", later), book.chanceOf("n", later));
  assert.ok(book.chanceOf("n", later) < 0.06);
  book.tell("n", NOW + HINT_MS);
  assert.is(book.report().judged, 1);
});

function victimsPlace(chances: Readonly<Record<string, number>>, rooms: Record<string, number>) {
  const nodes = Object.entries(rooms).map(([id, room]) => {
    const lossChance = chances[id];
    return { ...node(id, 16, room), ...(lossChance === undefined ? {} : { lossChance }) };
  });
  const inputs = inputsOf(reclaim(2, ["a"]), nodes, [instance("i", "a")]);
  const verdict = decide(inputs, () => []);
  const record = decisionRecord(verdict, { decisionId: "d" });
  assert.equal(replayDecision(record), record);
  return { kind: record.kind, nodeId: verdict.proposal.placements[0]?.nodeId };
}

test("a restart is not placed where it may be lost while another node has room", () => {
  const rooms = { a: 0, b: 4, c: 16 };
  assert.is(victimsPlace({}, rooms).nodeId, "b", "the tightest");
  assert.is(victimsPlace({ b: 0.05 }, rooms).nodeId, "b", "likely enough there");
  assert.is(victimsPlace({ b: 0.4 }, rooms).nodeId, "c");
  const both = victimsPlace({ b: 0.2, c: 0.2 }, rooms);
  assert.is(both.kind, "proceed", "two that are lost by themselves are likely enough together");
  assert.is(victimsPlace({ b: 0.4 }, { a: 0, b: 4 }).kind, "defer");
});

test("what is told again after its hour, and a loss of an unknown node, count for nothing", async () => {
  const cluster = new Cluster().node("a", 8);
  await cluster.after(0);
  const { coordinator, clock } = cluster;
  const hintedMs = clock.nowMs();
  assert.ok(coordinator.hint("a", hintedMs) > 0.09);
  clock.advanceTo(hintedMs + HINT_MS);
  await coordinator.tick();
  for (let start = 0; start < 5; start++) {
    assert.is(coordinator.hint("a", hintedMs), 0);
    await coordinator.tick();
  }
  const request = reclaim(4, ["nowhere"], { deadlineMs: clock.nowMs() + HINT_MS, force: true });
  coordinator.submit(request);
  await coordinator.tick();
  const { judged, losses } = coordinator.hints;
  assert.equal([judged, losses], [1, 0]);
});

test.run();
