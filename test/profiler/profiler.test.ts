import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Profiler, type ProfilerOptions } from "../../host/profiler/profiler.js";
import type { InstanceRegistration, Sample } from "../../host/sources/sample.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(3);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function open(options: Partial<ProfilerOptions> = {}): Profiler {
  const clock = new VirtualClock(FLEET_START_MS + 30 * DAY_MS);
  return Profiler.open({ maxInstances: 4, weights, workers: 0, clock, ...options });
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (isRepriseError(error)) return error.code;
    throw error;
  }
  return "no error";
}

test("arguments that are none are typed errors, and a sample that is none is counted", async () => {
  const none = undefined as never;
  assert.is(
    codeOf(() => Profiler.open(none)),
    "ERR_ARGUMENT",
  );
  for (const change of [{ weights: none }, { clock: none }]) {
    assert.is(
      codeOf(() => open(change)),
      "ERR_ARGUMENT",
    );
  }
  const profiler = open();
  for (const outcome of [none, null as never]) {
    assert.is(
      codeOf(() => profiler.outcome(outcome)),
      "ERR_ARGUMENT",
    );
  }
  assert.is(
    codeOf(() => profiler.outcome({} as never)),
    "ERR_SHAPE",
  );
  for (const sample of [none, null as never, 7 as never]) {
    assert.is(profiler.offer(sample), "not-a-sample");
  }
  assert.is(profiler.dropped.get("not-a-sample"), 3);
  await profiler.close();
});

test("sizes, weights and registrations that cannot be used are refused", async () => {
  assert.is(
    codeOf(() => open({ maxInstances: 0 })),
    "ERR_LIMIT",
  );
  assert.is(
    codeOf(() => open({ maxInstances: 1e9 })),
    "ERR_LIMIT",
  );
  assert.is(
    codeOf(() => open({ workers: 1_000 })),
    "ERR_LIMIT",
  );
  assert.is(
    codeOf(() => open({ weights: { ...weights, inputSize: 8 } })),
    "ERR_SHAPE",
  );
  const profiler = open();
  const good = registrationOf(0);
  const bad: [Partial<Record<keyof InstanceRegistration, unknown>>, string][] = [
    [{ instanceId: "" }, "ERR_ARGUMENT"],
    [{ instanceId: 7 }, "ERR_ARGUMENT"],
    [{ instanceId: "x".repeat(300) }, "ERR_LIMIT"],
    [{ groupId: "" }, "ERR_ARGUMENT"],
    [{ priority: Number.NaN }, "ERR_ARGUMENT"],
    [{ interruptible: "yes" }, "ERR_ARGUMENT"],
    [{ limits: { cpu: -1 } }, "ERR_ARGUMENT"],
    [{ requested: { memory: Number.NaN } }, "ERR_ARGUMENT"],
    [{ typicalOutageMinutes: -1 }, "ERR_ARGUMENT"],
  ];
  for (const [change, code] of bad) {
    const registration = { ...good, ...change } as InstanceRegistration;
    assert.is(
      codeOf(() => profiler.register(registration)),
      code,
      JSON.stringify(change),
    );
  }
  assert.is(profiler.instanceCount, 0);
  for (let index = 0; index < 4; index++) profiler.register(registrationOf(index));
  assert.is(
    codeOf(() => profiler.register(registrationOf(4))),
    "ERR_LIMIT",
  );
  profiler.register({ ...good, groupId: "other" });
  assert.is(profiler.registration("i0").groupId, "other");
  assert.is(profiler.instanceCount, 4);
  await profiler.close();
});

test("unknown ids are typed errors in calls and counted drops in streams", async () => {
  const profiler = open();
  assert.is(
    codeOf(() => profiler.stopped("x", 1, "failed")),
    "ERR_UNKNOWN_ID",
  );
  assert.is(
    codeOf(() => profiler.restarted("x", 1)),
    "ERR_UNKNOWN_ID",
  );
  assert.is(
    codeOf(() => profiler.unregister("x")),
    "ERR_UNKNOWN_ID",
  );
  assert.is(
    codeOf(() => profiler.incarnation("x")),
    "ERR_UNKNOWN_ID",
  );
  assert.not(profiler.has("x"));
  assert.is(profiler.offer({ instanceId: "x", timeMs: FLEET_START_MS }), "unknown-id");
  assert.is(profiler.dropped.get("unknown-id"), 1);
  assert.equal(await profiler.tick(), {
    tick: 1,
    sampleCount: 0,
    tileCount: 0,
    sliceCount: 0,
    repeatCount: 0,
  });
  await profiler.close();
});

test("bad samples are counted by reason and move nothing", async () => {
  const clean = open();
  const dirty = open();
  const bad: [Partial<Sample>, string][] = [
    [{ timeMs: FLEET_START_MS }, "out-of-order"],
    [{ cpuCores: -1 }, "negative"],
    [{ memoryGiB: Number.NaN }, "not-a-number"],
    [{ disk: Number.POSITIVE_INFINITY }, "absurd"],
    [{ timeMs: FLEET_START_MS + 90 * DAY_MS }, "future"],
  ];
  for (const profiler of [clean, dirty]) profiler.register(registrationOf(1));
  for (let step = 1; step < 6; step++) {
    for (const profiler of [clean, dirty]) profiler.offer(sampleOf(1, step));
    const [change, reason] = bad[step - 1] as [Partial<Sample>, string];
    assert.is(dirty.offer({ ...sampleOf(1, step + 1), ...change }), reason);
    assert.is(dirty.offer(sampleOf(1, step)), "duplicate");
    await clean.tick();
    await dirty.tick();
  }
  assert.is(dirty.stateDigest("i1"), clean.stateDigest("i1"));
  assert.is(dirty.dropped.get("duplicate"), 5);
  for (const [, reason] of bad) assert.is(dirty.dropped.get(reason as "future"), 1);
  await clean.close();
  await dirty.close();
});

test("a full queue drops and says so", async () => {
  const profiler = open({ queueSamplesMax: 3 });
  profiler.register(registrationOf(0));
  const answers = [0, 1, 2, 3].map((step) => profiler.offer(sampleOf(0, step)));
  assert.equal(answers, ["accepted", "accepted", "accepted", "queue-full"]);
  assert.is((await profiler.tick()).sampleCount, 3);
  assert.is(profiler.offer(sampleOf(0, 3)), "accepted");
  await profiler.close();
});

test("incarnations: stop, restart, interruptions, and what may come in between", async () => {
  const profiler = open();
  profiler.register(registrationOf(0));
  profiler.offer({ ...sampleOf(0, 0), sinceLaunchSeconds: 600 });
  profiler.offer(sampleOf(0, 1));
  const stop = FLEET_START_MS + 6 * MINUTE_MS;
  assert.is(
    codeOf(() => profiler.stopped("i0", FLEET_START_MS, "interrupted")),
    "ERR_ARGUMENT",
  );
  profiler.stopped("i0", stop, "interrupted");
  assert.not(profiler.isRunning("i0"));
  assert.is(
    codeOf(() => profiler.stopped("i0", stop, "failed")),
    "ERR_STATE",
  );
  assert.is(profiler.offer(sampleOf(0, 2)), "stopped");
  const back = FLEET_START_MS + 20 * MINUTE_MS;
  assert.is(
    codeOf(() => profiler.restarted("i0", stop - 1)),
    "ERR_ARGUMENT",
  );
  profiler.restarted("i0", back);
  assert.ok(profiler.isRunning("i0"));
  assert.is(profiler.offer(sampleOf(0, 3)), "before-launch");
  assert.is(profiler.offer(sampleOf(0, 5)), "accepted");
  assert.equal(profiler.takeIncarnations(), [
    { instanceId: "i0", incarnation: 2, launchedMs: back, interruptionsMs: [stop] },
  ]);
  assert.equal(profiler.takeIncarnations(), []);
  assert.equal(profiler.incarnation("i0").incarnation, 2);
  await profiler.tick();
  await profiler.close();
});

test("changes during a tick wait for its end; a second tick and a closed profiler are refused", async () => {
  const profiler = open({ maxInstances: 9, workers: 1 });
  for (let index = 0; index < 8; index++) {
    profiler.register(registrationOf(index));
    for (let step = 0; step < 40; step++) profiler.offer(sampleOf(index, step));
  }
  const ticking = profiler.tick();
  assert.is(
    await profiler.tick().catch((error) => (isRepriseError(error) ? error.code : "other")),
    "ERR_STATE",
  );
  profiler.unregister("i3");
  profiler.register(registrationOf(8));
  assert.is(
    codeOf(() => profiler.register(registrationOf(9))),
    "ERR_LIMIT",
  );
  profiler.offer(sampleOf(8, 1));
  profiler.offer(sampleOf(2, 41));
  assert.is((await ticking).sampleCount, 7 * 40);
  assert.is((await profiler.tick()).sampleCount, 2);
  profiler.register(registrationOf(9));
  profiler.offer(sampleOf(9, 1));
  const last = profiler.tick();
  await profiler.close();
  assert.is((await last).sampleCount, 1);
  assert.is(
    codeOf(() => profiler.offer(sampleOf(9, 2))),
    "ERR_SHUTTING_DOWN",
  );
  assert.is(
    await profiler.tick().catch((error) => (isRepriseError(error) ? error.code : "other")),
    "ERR_SHUTTING_DOWN",
  );
});

test("a worker entry that cannot start fails the tick, and the state is as before", async () => {
  const profiler = open({ workers: 1, workerUrl: new URL("./no-such-worker.js", import.meta.url) });
  profiler.register(registrationOf(0));
  const digest = profiler.stateDigest("i0");
  profiler.offer(sampleOf(0, 0));
  const code = await profiler.tick().catch((error) => (isRepriseError(error) ? error.code : error));
  assert.is(code, "ERR_WORKER_LOST");
  assert.is(profiler.stateDigest("i0"), digest);
  assert.is(profiler.pendingSampleCount, 1);
  await profiler.close();
});

test.run();
