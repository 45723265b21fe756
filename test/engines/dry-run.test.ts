import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DryRunEngine } from "../../host/engines/dry-run.js";
import type { Act } from "../../host/engines/engine.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import { isRepriseError } from "../../host/lib/errors.js";

const test = suite("engines");

function interrupt(actId: string, instanceId: string, fencingToken: number): Act {
  return { kind: "interrupt", actId, planId: "p", fencingToken, instanceId, nodeId: "n" };
}

test("acts are carried out in order and answered one by one", async () => {
  const seen: string[] = [];
  const engine = new DryRunEngine({ carryOut: (act) => seen.push(act.actId) });
  const outcomes = await engine.act([interrupt("a", "i", 1), interrupt("b", "j", 1)]);
  assert.equal(outcomes, [
    { actId: "a", status: "confirmed" },
    { actId: "b", status: "confirmed" },
  ]);
  assert.equal(seen, ["a", "b"]);
  assert.equal(
    [...engine.acts].map((act) => act.actId),
    ["a", "b"],
  );
});

test("the same act sent again is confirmed and not carried out again", async () => {
  let count = 0;
  const engine = new DryRunEngine({ carryOut: () => count++ });
  await engine.act([interrupt("a", "i", 1), interrupt("a", "i", 1)]);
  const [again] = await engine.act([interrupt("a", "i", 1)]);
  assert.is(again?.status, "confirmed");
  assert.is(count, 1);
});

test("a shrink is confirmed with what it is held to now, the second time as well", async () => {
  const engine = new DryRunEngine();
  const target = [1, 2, 3, 4];
  const base = { actId: "s", planId: "p", fencingToken: 1, instanceId: "i", nodeId: "n" };
  const shrink: Act = { kind: "shrink", ...base, target };
  const want = [{ actId: "s", status: "confirmed", held: target }];
  assert.equal(await engine.act([shrink]), want);
  assert.equal(await engine.act([shrink]), want);
});

test("a stale fencing token is refused for its instance only; an equal one is not stale", async () => {
  const engine = new DryRunEngine();
  await engine.act([interrupt("a", "i", 5)]);
  const [late, other, equal] = await engine.act([
    interrupt("b", "i", 4),
    interrupt("c", "j", 4),
    interrupt("d", "i", 5),
  ]);
  assert.equal(late, {
    actId: "b",
    status: "refused",
    reason: "stale fencing token 4: i has seen 5",
    final: true,
  });
  assert.is(other?.status, "confirmed");
  assert.is(equal?.status, "confirmed");
  const [again] = await engine.act([interrupt("b", "i", 4)]);
  assert.is(again?.status, "refused");
});

test("an act that throws in the world is not taken for done", async () => {
  let broken = true;
  const engine = new DryRunEngine({
    carryOut: () => {
      if (broken) throw new Error("the world is broken");
    },
  });
  let message = "";
  await engine.act([interrupt("a", "i", 1)]).catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, "the world is broken");
  broken = false;
  const [outcome] = await engine.act([interrupt("a", "i", 1)]);
  assert.is(outcome?.status, "confirmed");
  assert.is([...engine.acts].length, 1);
});

test("only the latest acts are kept", async () => {
  const engine = new DryRunEngine({ actsKeptMax: 2 });
  await engine.act(["a", "b", "c"].map((id) => interrupt(id, "i", 1)));
  assert.equal(
    [...engine.acts].map((act) => act.actId),
    ["b", "c"],
  );
});

test("a closed engine refuses to act", async () => {
  const engine = new DryRunEngine();
  await engine.close();
  let code = "";
  await engine.act([]).catch((error: unknown) => {
    code = isRepriseError(error) ? error.code : "";
  });
  assert.is(code, "ERR_SHUTTING_DOWN");
});

test("static priorities: told, changed, removed, unknown", () => {
  const priorities = new StaticPriorities([["i", 10]]);
  assert.is(priorities.priorityOf("i"), 10);
  priorities.set("i", -3);
  assert.is(priorities.priorityOf("i"), -3);
  priorities.remove("i");
  assert.is(priorities.priorityOf("i"), undefined);
  assert.throws(
    () => priorities.set("i", Number.NaN),
    (error: unknown) => isRepriseError(error) && error.code === "ERR_ARGUMENT",
  );
  assert.is(priorities.priorityOf("i"), undefined);
});

test.run();
