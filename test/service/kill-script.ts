/**
 * Kills the service in the middle of its work, again and again, and looks after each time whether
 * the next one still stands by all that was said.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { sleep } from "../../host/lib/clock.js";
import { Prng } from "../../host/lib/prng.js";
import { type Call, caller, registration, withFolder } from "./support.js";

const MAIN = resolve(fileURLToPath(import.meta.url), "../../../host/main.js");
const INSTANCES = 200;
const CONFIG = {
  listen: { port: 0 },
  profiler: { instancesMax: 256, workers: 0 },
  coordinator: {
    tickSeconds: 0.05,
    policy: {
      minRunMinutes: 0,
      coolDownMinutes: 0,
      interruptionsPerDayMax: 10_000,
      groupBudget: 1_000,
    },
  },
  modes: { default: "enforce" },
  log: { level: "silent" },
  nodes: Array.from({ length: 20 }, (_, index) => ({
    nodeId: `n${index}`,
    allocatable: { cpu: 40, memory: 80, network: 1_000, disk: 200 },
  })),
};

export interface KillReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly proceeded: number;
}

/** What was acknowledged, by request. */
type Said = Map<string, { readonly decisionId: string; readonly kind: string }>;

export async function killRounds(rounds: number, seed: number): Promise<KillReport> {
  const prng = new Prng(seed);
  const said: Said = new Map();
  await withFolder(async (folder) => {
    const config = join(folder, "reprise.yaml");
    const ledger = { folder: join(folder, "ledger"), durability: "process-crash" };
    writeFileSync(config, JSON.stringify({ ...CONFIG, ledger }));
    for (let round = 0; round < rounds; round++) {
      const { child, call } = await start(config);
      if (round === 0) await registerAll(call);
      await stands(call, said);
      const work = Promise.all(
        [0, 1, 2, 3].map((lane) => interruptOnAndOn(call, { round, lane, said })),
      );
      // By count, not by time alone, so that a slow machine kills in the middle of work as well.
      const enough = said.size + 1 + Math.floor(prng.uniform() * 16);
      while (said.size < enough) await sleep(2);
      await sleep(prng.uniform() * 10);
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      await work;
      await wholeBooks(ledger.folder, said);
    }
  });
  const proceeded = [...said.values()].filter(({ kind }) => kind === "proceed").length;
  return { rounds, acknowledged: said.size, proceeded };
}

async function start(config: string): Promise<{ child: ChildProcess; call: Call }> {
  const words = [MAIN, "serve", "--config", config, "--json"];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  const { address } = JSON.parse(text) as { readonly address: string };
  return { child, call: caller(address) };
}

async function registerAll(call: Call): Promise<void> {
  const all = Array.from({ length: INSTANCES }, (_, index) =>
    registration(`i${index}`, { nodeId: `n${index % 20}`, groupId: `g${index % 10}` }),
  );
  const { status, body } = await call("POST", "/v1/instances", all);
  assert.is(status, 200, JSON.stringify(body));
  assert.is(body.accepted, INSTANCES);
}

/** Until the server is gone. Each lane has instances of its own. */
async function interruptOnAndOn(
  call: Call,
  so: { readonly round: number; readonly lane: number; readonly said: Said },
): Promise<void> {
  const { round, lane, said } = so;
  for (let count = 0; ; count++) {
    const instanceId = `i${((round * 7 + count) * 4 + lane) % INSTANCES}`;
    const requestId = `r${round}-${lane}-${count}`;
    try {
      const { status, body } = await call("POST", "/v1/interruptions", { instanceId, requestId });
      if (status === 200) {
        said.set(requestId, { decisionId: String(body.decisionId), kind: String(body.kind) });
      }
      await call("POST", `/v1/instances/${instanceId}/restarted`, {});
    } catch {
      // Killed in the middle: this one was not acknowledged.
      return;
    }
  }
}

/** The latest that were said are answered as the first time, and the service is sound. */
async function stands(call: Call, said: Said): Promise<void> {
  assert.is((await call("GET", "/readyz")).status, 200);
  for (const [requestId, { decisionId, kind }] of [...said].slice(-10)) {
    if (kind !== "proceed") continue;
    const { body } = await call("GET", `/v1/requests/${requestId}`);
    assert.is(body.decisionId, decisionId, requestId);
  }
}

/** Between two lives: every acknowledged decision is there, and every reservation has its reason. */
async function wholeBooks(folder: string, said: Said): Promise<void> {
  const ledger = await openLmdbLedger({ folder, readOnly: true });
  try {
    for (const [requestId, { decisionId, kind }] of said) {
      const found = ledger.get("decision", decisionId);
      assert.is(found?.requestId, requestId, `${decisionId} was acknowledged and is missing`);
      assert.is(found?.kind, kind);
    }
    const proceeded = new Map<string, number>();
    for (const [, decision] of ledger.entries("decision")) {
      if (decision.kind !== "proceed") continue;
      proceeded.set(decision.requestId, (proceeded.get(decision.requestId) ?? 0) + 1);
    }
    for (const [requestId, count] of proceeded) assert.is(count, 1, `${requestId} acted twice`);
    const owners = new Set<string>();
    for (const [reservationId, lease] of ledger.entries("reservation")) {
      if (lease.state !== "held" && lease.state !== "claimed") continue;
      assert.not.ok(owners.has(lease.ownerId), `${lease.ownerId} holds two`);
      owners.add(lease.ownerId);
      if (lease.planId === undefined) continue;
      const plan = ledger.get("plan", lease.planId);
      assert.ok(plan?.reservationIds.includes(reservationId), `${reservationId} leaked`);
    }
    for (const [planId, plan] of ledger.entries("plan")) {
      for (const instanceId of plan.victims) {
        const isHeld = owners.has(instanceId);
        const isRunning = ledger.get("allocation", instanceId) !== undefined;
        assert.ok(isHeld || isRunning, `${instanceId} of ${planId} has neither place nor lease`);
      }
    }
  } finally {
    await ledger.close();
  }
}
