/** `reprise explain` in a real process, on a ledger that a real coordinator has written. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Explanation, explain } from "../../host/cli/explain.js";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import type { DecisionRecord } from "../../host/ledger/records.js";
import { interruption, reclaim } from "../coordinator/cases.js";
import { Cluster } from "../coordinator/cluster.js";
import { runReprise } from "../support/command-line.js";

const root = mkdtempSync(join(tmpdir(), "reprise-explain-"));
const folder = join(root, "ledger");
const test = suite("explain");

test.before(async () => {
  const ledger = await openLmdbLedger({ folder });
  const cluster = new Cluster({ ledger }).node("a", 8).node("b", 8);
  cluster.tenant("low", "a", { size: 4, priority: 1 });
  cluster.tenant("high", "a", { size: 4, priority: 5 });
  cluster.coordinator.submit(reclaim(4, ["a"], { requestId: "first" }));
  await cluster.after(0);
  cluster.coordinator.submit(interruption("low", { requestId: "second" }));
  await cluster.after(1);
  await ledger.close();
});

test("one decision, for people", async () => {
  const { code, stdout, stderr } = await runReprise([
    "explain",
    "d-000000000001",
    "--ledger",
    folder,
  ]);
  assert.equal([code, stderr], [0, ""]);
  for (const part of [
    /^d-000000000001: proceed first$/m,
    /^low +1 .* chosen$/m,
    /^high +5 .* spared$/m,
    /^runner-up high$/m,
    /^plan p-000000000001 is done$/m,
    /^class 1: cost \d+\.\d{3}, nobody can do it for less than \d+\.\d{3}$/m,
    /^lease-\d+ +low +\w+ +held +4\/4\/4/m,
    /made again it comes out the same$/m,
  ]) {
    assert.match(stdout, part);
  }
});

test("one decision, for machines", async () => {
  const { code, stdout } = await runReprise([
    "explain",
    "d-000000000002",
    "--ledger",
    folder,
    "--json",
  ]);
  assert.is(code, 0);
  const told = JSON.parse(stdout) as Explanation;
  assert.equal([told.decision.kind, told.decision.requestId], ["refuse", "second"]);
  assert.is(told.decision.reasons[0]?.code, "ALREADY_DOWN");
  assert.is(told.plan, null);
  assert.is(told.replaysToSameBytes, true);
});

test("what would have been decided with one thing changed", async () => {
  const change = ["--what-if", "instance.low.interruptible=false"];
  const { code, stdout } = await runReprise([
    "explain",
    "d-000000000001",
    "--ledger",
    folder,
    ...change,
  ]);
  assert.is(code, 0);
  assert.match(stdout, /^d-000000000001 with instance.low.interruptible false instead of true$/m);
  assert.match(stdout, /^victims {2}high$/m);
  assert.match(stdout, /^ {2}spared low$/m);
  const none = await runReprise(["explain", "--ledger", folder, ...change]);
  assert.match(none.stderr, /ERR_ARGUMENT: .*a what-if of no decision/);
});

test("without an id the latest come first", async () => {
  const { stdout } = await runReprise(["explain", "--ledger", folder]);
  assert.ok(stdout.indexOf("d-000000000002") < stdout.indexOf("d-000000000001"));
  const machine = await runReprise(["explain", "--ledger", folder, "--limit", "1", "--json"]);
  const lines = machine.stdout.trim().split("\n");
  assert.is(lines.length, 1);
  assert.is((JSON.parse(lines[0] ?? "") as DecisionRecord).decisionId, "d-000000000002");
});

test("what is wrong has its code: 1 for the ledger, 2 for the usage", async () => {
  const cases: (readonly [readonly string[], number, RegExp])[] = [
    [["d-9", "--ledger", folder], 1, /ERR_UNKNOWN_ID/],
    [["d-1", "--ledger", join(root, "none")], 1, /ERR_LEDGER: .*there is no ledger here/],
    [["d-1", "--ledger", root], 1, /ERR_LEDGER_FOREIGN/],
    [["d-1"], 2, /--ledger/],
    [["--ledger", folder, "--limit", "0"], 2, /whole number/],
  ];
  for (const [words, expected, message] of cases) {
    const { code, stdout, stderr } = await runReprise(["explain", ...words]);
    assert.is(code, expected, stderr);
    assert.is(stdout, "");
    assert.match(stderr, message);
  }
});

test("a restart that waits its turn, and whom a deferral means to take", async () => {
  const other = join(root, "wave");
  const ledger = await openLmdbLedger({ folder: other });
  const cluster = new Cluster({ ledger, reserve: "sum" }).node("a", 12).node("b", 20);
  for (const id of ["v0", "v1", "v2"]) {
    cluster.tenant(id, "a", { size: 4 });
    const need = [8, 4, 4, 8, 4, 4, 1, 1, 1, 1, 1, 1];
    cluster.profiles.set(id, { need, keep: [4, 4, 1, 1] });
  }
  cluster.coordinator.submit(reclaim(12, ["a"], { requestId: "loss" }));
  await cluster.after(0);
  cluster.node("c", 4).tenant("big", "c", { size: 4, need: 30 });
  cluster.coordinator.submit(reclaim(4, ["c"], { requestId: "later" }));
  await cluster.after(1);
  await ledger.close();
  const wave = await runReprise(["explain", "d-000000000001", "--ledger", other]);
  assert.match(wave.stdout, /^v2 waits its turn on b and starts at 2023-11-14T22:48:20\.000Z$/m);
  assert.match(wave.stdout, /made again it comes out the same$/m);
  const later = await runReprise(["explain", "d-000000000002", "--ledger", other]);
  assert.match(later.stdout, /^meant {4}big, kept for the next try$/m);
});

test("a record that was changed afterwards no longer comes out the same", async () => {
  const ledger = await openLmdbLedger({ folder });
  const decision = ledger.get("decision", "d-000000000001");
  assert.ok(decision);
  const put: DecisionRecord = { ...decision, victims: ["high"] };
  ledger.commit([{ table: "decision", key: "d-000000000003", put }]);
  assert.is(explain(ledger, "d-000000000001").replaysToSameBytes, true);
  assert.is(explain(ledger, "d-000000000003").replaysToSameBytes, false);
  await ledger.close();
});

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
