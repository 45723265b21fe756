import { test } from "uvu";
import * as assert from "uvu/assert";
import { invariant, present } from "../../host/lib/assert.js";
import { elapsedMs, SystemClock, sleep, VirtualClock } from "../../host/lib/clock.js";
import { ERROR_CODES, isRepriseError, RepriseError } from "../../host/lib/errors.js";
import { LIMITS } from "../../host/lib/limits.js";
import { thrownBy } from "../support/thrown.js";

test("an error says where, what, got and expected", () => {
  const cause = new Error("below");
  const error = new RepriseError(
    "ERR_TRACE_FORMAT",
    "not a number",
    { file: "a.csv", line: 3, field: "cpu", got: "x", expected: "MHz" },
    cause,
  );
  assert.is(error.message, 'a.csv, line 3, field cpu: not a number; got "x", expected MHz');
  assert.is(error.code, "ERR_TRACE_FORMAT");
  assert.is(error.name, "RepriseError");
  assert.is(error.cause, cause);
  assert.ok(isRepriseError(error) && error instanceof Error);
  assert.not.ok(isRepriseError(cause));
});

test("what was got is shown briefly, whatever it is", () => {
  const messageOf = (got: unknown) => new RepriseError("ERR_ARGUMENT", "bad", { got }).message;
  assert.is(messageOf(Number.NaN), "bad; got NaN");
  assert.is(messageOf(undefined), "bad; got undefined");
  assert.is(messageOf(null), "bad; got null");
  assert.is(messageOf(2n ** 60n), "bad; got 1152921504606846976");
  assert.is(messageOf([1, 2]), "bad; got [1,2]");
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assert.is(messageOf(cycle), "bad; got [object Object]");
  assert.ok(messageOf("x".repeat(10_000)).length < 200);
  assert.is(messageOf(() => 1).startsWith("bad; got () => 1"), true);
  assert.is(new RepriseError("ERR_ARGUMENT", "bad").message, "bad");
});

test("codes are distinct and shaped alike", () => {
  assert.is(new Set(ERROR_CODES).size, ERROR_CODES.length);
  for (const code of ERROR_CODES) assert.match(code, /^ERR_[A-Z]+(_[A-Z]+)*$/);
});

test("the virtual clock only moves when told to, forwards", () => {
  const clock = new VirtualClock(1_000);
  assert.is(clock.nowMs(), 1_000);
  clock.advanceTo(1_000);
  clock.advanceTo(2_500);
  assert.is(clock.nowMs(), 2_500);
  for (const wrong of [2_499, Number.NaN]) {
    assert.is(thrownBy(() => clock.advanceTo(wrong)).code, "ERR_ARGUMENT");
    assert.is(clock.nowMs(), 2_500);
  }
});

test("a virtual clock starts and goes on at a finite time", () => {
  for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY, "x"]) {
    assert.is(thrownBy(() => new VirtualClock(wrong as number)).code, "ERR_ARGUMENT");
  }
  for (const wrong of [Number.POSITIVE_INFINITY, "9"]) {
    assert.is(thrownBy(() => new VirtualClock(0).advanceTo(wrong as number)).code, "ERR_ARGUMENT");
  }
});

test("the system clock is this century's and sleep takes its time", async () => {
  const now = new SystemClock().nowMs();
  assert.ok(now > 1.7e12 && now < 4.2e12);
  const startedMs = elapsedMs();
  await sleep(5);
  assert.ok(elapsedMs() - startedMs >= 4);
});

test("a broken invariant and a missing value are errors of their own", () => {
  invariant(true, "fine");
  assert.is(thrownBy(() => invariant(false, "pools add up")).code, "ERR_INVARIANT");
  assert.is(present(0, "count"), 0);
  assert.is(present("", "name"), "");
  for (const missing of [undefined, null]) {
    const error = thrownBy(() => present(missing, "the node"));
    assert.is(error.code, "ERR_INVARIANT");
    assert.match(error.message, /the node/);
  }
});

test("every limit is a positive whole number", () => {
  for (const [name, limit] of Object.entries(LIMITS)) {
    assert.ok(Number.isSafeInteger(limit) && limit > 0, name);
  }
});

test.run();
