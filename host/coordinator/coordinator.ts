/**
 * Interruption Coordinator: takes requests, decides on its tick, writes the decision down and only
 * then has the engine act. Everything happens on its own turn, one thing after the other; a call
 * only queues. An engine must not wait for the coordinator inside `act`.
 */
import type { Grant } from "../allocator/types.js";
import type { LedgerChange, LedgerTables } from "../ledger/ledger.js";
import type { DecisionRecord, IncarnationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { checkId } from "../profiler/registration.js";
import type { InstanceRegistration } from "../sources/sample.js";
import { CheckpointClaims } from "./checkpoints.js";
import { HINT_MS, HintBook, type HintReport } from "./hints.js";
import { InstanceRegistry, withSeen } from "./instances.js";
import { CoordinatorLoop } from "./loop.js";
import { checkedPolicy } from "./policy.js";
import type { CoordinatorPorts } from "./ports.js";
import { recoverState } from "./recovery.js";
import { checkRequest, checkTime } from "./requests.js";
import { RoomIndex } from "./room-index.js";
import type { Granting, Restart } from "./turn.js";
import type {
  ConsiderOptions,
  CoordinatorPolicy,
  CoordinatorRequest,
  CycleReport,
} from "./types.js";

const MODEL_VERSION_KEY = "modelVersion";

export interface CoordinatorOptions extends CoordinatorPorts {
  readonly policy?: Partial<CoordinatorPolicy>;
}

interface Back extends Restart {
  readonly resolve: (grant: Grant) => void;
  readonly reject: (error: unknown) => void;
}

export class Coordinator {
  readonly #loop: CoordinatorLoop;
  readonly #instances = new InstanceRegistry();
  readonly #options: CoordinatorOptions;
  /** Whose life the ledger does not know yet, or is to forget. */
  readonly #unwritten = new Set<string>();
  #writing: readonly string[] = [];
  readonly #checkpoints: CheckpointClaims;
  readonly #hints: HintBook;
  /** Restarts that wait for their turn. */
  readonly #back: Back[] = [];
  #modelInLedger: LedgerTables["meta"] | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: CoordinatorOptions) {
    checkPorts(options);
    this.#options = options;
    this.#checkpoints = new CheckpointClaims(options.load);
    this.#hints = new HintBook(options.ledger);
    const policy = checkedPolicy(options.policy);
    const instances = this.#instances;
    const roomIndex = new RoomIndex(options.allocator, policy.placementNodesMax);
    const facts = {
      changes: (max: number) => this.#factChanges(max),
      written: () => this.#factsWritten(),
    };
    const hints = this.#hints;
    this.#loop = new CoordinatorLoop({ ...options, policy, instances, roomIndex, hints }, facts);
  }

  /**
   * Makes an instance known; what the ledger has of its life is taken up again.
   *
   * @throws ERR_ARGUMENT, ERR_LIMIT naming the field; then nothing was changed
   */
  register(registration: InstanceRegistration, launchedMs?: number): void {
    this.#requireOpen();
    const { ledger, clock, profiles, lives } = this.#options;
    this.#instances.register(registration, launchedMs ?? clock.nowMs());
    const { instanceId } = registration;
    const life = lives === undefined ? ledger.get("incarnation", instanceId) : lives(instanceId);
    if (life !== undefined) this.#instances.update(instanceId, { life });
    else this.#unwritten.add(instanceId);
    if (profiles.has(instanceId) && profiles.incarnation !== undefined) {
      this.#takeSeen(profiles.incarnation(instanceId));
    }
  }

  /**
   * Forgets an instance and its life; what it holds is the allocator's to release.
   *
   * @throws ERR_ARGUMENT, ERR_LIMIT when it is no name
   */
  unregister(instanceId: string): void {
    this.#requireOpen();
    checkId("instanceId", instanceId);
    this.#instances.unregister(instanceId);
    this.#checkpoints.forget(instanceId);
    this.#unwritten.add(instanceId);
  }

  /**
   * Takes a request; it is decided on the next tick.
   *
   * @throws ERR_ARGUMENT naming the field, ERR_DUPLICATE_ID, ERR_LIMIT; then nothing is queued
   */
  submit(request: CoordinatorRequest): void {
    this.#requireOpen();
    const checked = checkRequest(request);
    if (this.#loop.isPending(checked.requestId)) {
      throw new RepriseError("ERR_DUPLICATE_ID", "this request is pending already", {
        field: "requestId",
        got: checked.requestId,
      });
    }
    if (this.#loop.pendingCount >= LIMITS.pendingRequestsMax) {
      throw new RepriseError("ERR_LIMIT", "pending requests", {
        got: this.#loop.pendingCount + 1,
        expected: `at most ${LIMITS.pendingRequestsMax}`,
      });
    }
    this.#loop.take(checked);
    if (checked.kind === "reclaim" && checked.purpose === "capacity-loss" && checked.force) {
      const nowMs = this.#options.clock.nowMs();
      for (const nodeId of checked.nodeIds) {
        if (this.#options.allocator.hasNode(nodeId)) this.#hints.lose(nodeId, nowMs);
      }
    }
  }

  /**
   * Somebody says that this node may be lost soon (a cloud's rebalance recommendation). For an hour
   * the chance of it, learnt from what followed the hints before, goes into where restarts are placed
   * and into predicted availability. A forced reclaim for a capacity loss of the node counts as the
   * loss. Written with the next turn.
   *
   * @returns that chance, now
   * @throws ERR_UNKNOWN_ID; ERR_ARGUMENT when the time is in the future
   */
  hint(nodeId: string, timeMs: number): number {
    this.#requireOpen();
    checkTime(timeMs, "timeMs");
    const { allocator, clock } = this.#options;
    const nowMs = clock.nowMs();
    if (!allocator.hasNode(nodeId)) {
      throw new RepriseError("ERR_UNKNOWN_ID", "no such node", { field: "nodeId", got: nodeId });
    }
    if (timeMs > nowMs) throw inFuture("a hint", timeMs, nowMs);
    // Its hour is over: judged already, or never seen while it could be judged.
    if (nowMs >= timeMs + HINT_MS) return this.#hints.chanceOf(nodeId, nowMs);
    this.#hints.tell(nodeId, timeMs);
    return this.#hints.chanceOf(nodeId, nowMs);
  }

  /** A plan is asked for because of the node's hint: how such acts did is told apart. */
  hintActed(nodeId: string): void {
    this.#hints.act(nodeId);
  }

  /** What became of the hints so far, and how many are open. */
  get hints(): HintReport {
    return this.#hints.report();
  }

  /**
   * The request is over: taken back, or its room has been put to use. What is held for it is free
   * when the promise resolves.
   */
  withdraw(requestId: string): Promise<void> {
    return this.#queue(() => {
      checkId("requestId", requestId);
      return this.#loop.withdraw(requestId);
    });
  }

  /** An instance is back. Its room is granted on the next turn, without waiting for a tick. */
  restarted(instanceId: string, timeMs: number): Promise<Grant> {
    this.#requireOpen();
    return new Promise((resolve, reject) => {
      checkTime(timeMs, "timeMs");
      // Before anything moves: an unknown id changes nothing.
      this.#instances.require(instanceId);
      this.#back.push({ instanceId, timeMs, resolve, reject });
      // Those that come while a turn is under way are taken together by the next one.
      if (this.#back.length === 1) this.#queue(() => this.#grantBack()).catch(() => {});
    });
  }

  /** An instance is gone: as planned, or by itself. */
  stopped(instanceId: string, timeMs: number): Promise<void> {
    return this.#queue(() => {
      checkTime(timeMs, "timeMs");
      return this.#loop.stopped(instanceId, timeMs);
    });
  }

  /**
   * An instance says that it has written a checkpoint, of that size if it knows. It counts only if
   * what its disk was seen to do since the last one could have carried it.
   *
   * @returns whether it counts from now on
   * @throws ERR_UNKNOWN_ID; ERR_ARGUMENT when it is in the future or the size is no amount
   */
  reportCheckpoint(instanceId: string, timeMs: number, sizeGiB?: number): boolean {
    this.#requireOpen();
    checkTime(timeMs, "timeMs");
    const { life } = this.#instances.require(instanceId);
    const nowMs = this.#options.clock.nowMs();
    if (timeMs > nowMs) throw inFuture("a checkpoint", timeMs, nowMs);
    if (timeMs <= (life.checkpointMs ?? 0)) return false;
    if (!this.#checkpoints.isBelieved(instanceId, nowMs, sizeGiB)) return false;
    this.#instances.update(instanceId, { life: { ...life, checkpointMs: timeMs } });
    this.#unwritten.add(instanceId);
    return true;
  }

  /** One cycle: ends what is over, sends what is unanswered, decides what is due. */
  tick(): Promise<CycleReport> {
    return this.#queue(() => {
      const { clock, allocator } = this.#options;
      this.#checkpoints.watch(clock.nowMs());
      this.#hints.settle(clock.nowMs(), (nodeId) => allocator.hasNode(nodeId));
      this.#takeLives();
      return this.#loop.tick();
    });
  }

  /**
   * Decides what is due now, without the housekeeping of a tick (leases that are over, pools, books).
   * Cheap enough to be called as soon as a request has come in.
   */
  decideDue(): Promise<readonly DecisionRecord[]> {
    return this.#queue(async () => {
      this.#takeLives();
      const back = this.#takeBack();
      try {
        const { decisions, grantings } = await this.#loop.decideDue(back);
        settle(back, grantings);
        return decisions;
      } catch (error) {
        for (const { reject } of back) reject(error);
        throw error;
      }
    });
  }

  /** Whether plans are through that the next turn has to finish; a tick does it as well. */
  get hasThrough(): boolean {
    return this.#loop.hasThrough;
  }

  /**
   * What would be decided now, as a record: nothing is written, queued or held.
   *
   * @throws ERR_ARGUMENT naming the field, and what a port throws
   */
  consider(request: CoordinatorRequest, options?: ConsiderOptions): DecisionRecord {
    this.#requireOpen();
    return this.#loop.consider(checkRequest(request), options);
  }

  /** @throws ERR_UNKNOWN_ID, ERR_ARGUMENT */
  explain(decisionId: string): DecisionRecord {
    checkId("decisionId", decisionId);
    const decision = this.#options.ledger.get("decision", decisionId);
    if (decision !== undefined) return decision;
    throw new RepriseError("ERR_UNKNOWN_ID", "no such decision", {
      field: "decisionId",
      got: decisionId,
    });
  }

  /**
   * Takes up what a former process left in the ledger. Call it once, after the allocator has been
   * restored and the instances are registered, before the first tick.
   */
  recover(): Promise<void> {
    return this.#queue(async () => {
      const { ledger, allocator } = this.#options;
      this.#loop.adopt(recoverState({ ledger, allocator, instances: this.#instances }));
    });
  }

  /** Waits for the turn under way. The ports stay open; they belong to the caller. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  #takeSeen(seen: IncarnationRecord): void {
    const { instanceId } = seen;
    const before = this.#instances.get(instanceId)?.life;
    const life = before && withSeen(before, seen);
    if (life === undefined || life === before) return;
    this.#instances.update(instanceId, { life });
    this.#unwritten.add(instanceId);
  }

  /** Those that the profiler saw change; they come in crowds, so once a turn. */
  #takeLives(): void {
    for (const seen of this.#options.profiles.takeIncarnations?.() ?? []) this.#takeSeen(seen);
  }

  /** Lives that changed outside a plan or a grant, and which model answers from now on. */
  #factChanges(countMax: number): LedgerChange[] {
    const { ledger, modelVersion } = this.#options;
    this.#writing = [...this.#unwritten].slice(0, countMax);
    const changes = this.#writing.map((key): LedgerChange => {
      const life = this.#instances.get(key)?.life;
      return life === undefined
        ? { table: "incarnation", key, remove: true }
        : { table: "incarnation", key, put: life };
    });
    changes.push(...this.#hints.changes());
    const version = modelVersion();
    this.#modelInLedger ??= ledger.get("meta", MODEL_VERSION_KEY);
    if (this.#modelInLedger !== version) {
      changes.push({ table: "meta", key: MODEL_VERSION_KEY, put: version });
    }
    return changes;
  }

  #factsWritten(): void {
    for (const instanceId of this.#writing) this.#unwritten.delete(instanceId);
    this.#hints.written();
    // Read anew: the model may have changed meanwhile.
    this.#modelInLedger = undefined;
  }

  #takeBack(): Back[] {
    return this.#back.splice(0);
  }

  async #grantBack(): Promise<void> {
    const back = this.#takeBack();
    try {
      settle(back, await this.#loop.restarted(back));
    } catch (error) {
      for (const { reject } of back) reject(error);
    }
  }

  #queue<T>(task: () => Promise<T>): Promise<T> {
    this.#requireOpen();
    const turn = this.#turn.then(task);
    // A failed turn is reported to whoever asked for it, and the next one goes on.
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  #requireOpen(): void {
    if (this.#closed) throw new RepriseError("ERR_SHUTTING_DOWN", "the coordinator is closed");
  }
}

function inFuture(what: string, got: number, nowMs: number): RepriseError {
  const expected = `ms since 1970, at most ${nowMs}`;
  return new RepriseError("ERR_ARGUMENT", `${what} in the future`, {
    field: "timeMs",
    got,
    expected,
  });
}

/** Each gets its own answer. */
function settle(back: readonly Back[], grantings: ReadonlyMap<string, Granting>): void {
  for (const { instanceId, resolve, reject } of back) {
    const granting = grantings.get(instanceId);
    if (granting === undefined) {
      reject(new RepriseError("ERR_INVARIANT", "a restart without a grant", { got: instanceId }));
    } else if ("grant" in granting) resolve(granting.grant);
    else reject(granting.error);
  }
}

const PORTS = [
  "allocator",
  "profiles",
  "ledger",
  "engine",
  "priorities",
  "clock",
  "modelVersion",
] as const satisfies readonly (keyof CoordinatorPorts)[];

/** @throws ERR_CONFIG naming the port that is missing */
function checkPorts(options: CoordinatorOptions): void {
  for (const field of PORTS) {
    const port: unknown = options?.[field];
    if ((typeof port === "object" && port !== null) || typeof port === "function") continue;
    throw new RepriseError("ERR_CONFIG", "the coordinator needs this port", { field, got: port });
  }
}
