import { Piscina } from "piscina";
import { elapsedMs } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { Prng } from "../../lib/prng.js";
import type { CutSet } from "./cuts.js";
import { SILENT } from "./dataset.js";
import { ORDER_FROM_ZERO, ORDER_NAMELESS } from "./layout.js";
import { Optimizer, type OptimizerState, oneCycleRate } from "./optimizer.js";
import { initialParameters, parameterLayout } from "./parameters.js";
import type { TrainingSession } from "./session.js";
import type { TrainTask, TrainWorkerData } from "./train-worker.js";

export interface TrainerOptions {
  readonly seed: number;
  readonly epochs: number;
  readonly peakRate: number;
  /** Part of each weight that a rate of 1 would take away a step. */
  readonly decay: number;
  /** Epochs without a better validation loss before training ends. */
  readonly patience: number;
  /** Weights to go on from; drawn by the seed when absent. They are the first to beat. */
  readonly initial?: Float32Array;
}

export const TRAINER_DEFAULTS = {
  epochs: 24,
  peakRate: 0.012,
  decay: 0.1,
  /** Long: at high rates early in the cycle the validation loss goes up and down. */
  patience: 10,
} as const;

export interface EpochReport {
  readonly epoch: number;
  readonly trainLoss: number;
  /** Of trained instances in the days after. */
  readonly laterLoss: number;
  /** Of instances that are never trained on. */
  readonly otherLoss: number;
  /** Mean of the two: what chooses the epoch. */
  readonly validateLoss: number;
  readonly seconds: number;
}

export interface BatchReport {
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  readonly loss: number;
  readonly rate: number;
}

/** Everything that the epochs to come depend on, beside data and options. */
export interface TrainerState {
  readonly weights: Float32Array;
  readonly optimizer: OptimizerState;
  /** State of the generator that orders events. */
  readonly chance: readonly number[];
  readonly reports: readonly EpochReport[];
  readonly best: BestEpoch;
}

export interface BestEpoch {
  readonly loss: number;
  /** 0 = the weights at the start. */
  readonly epoch: number;
  readonly weights: Float32Array;
}

export interface TrainerEvents {
  /** After each epoch, before its report: `run` from this state ends with the same bits. */
  onState?(state: TrainerState): void;
  onBatch?(report: BatchReport): void;
  onEpoch?(report: EpochReport): void;
}

/** Windows that start from state zero: half of them before any state was carried, then one in ten,
 * so that fresh instances are known too. */
const FROM_ZERO_FIRST = 0.5;
const FROM_ZERO = 0.1;
/** Windows without the rows that tell who an instance is, so that the net learns needs, not names. */
const NAMELESS = 0.5;
const TASK_MS_MAX = 30 * 60 * 1000;

/**
 * Data-parallel training over worker threads that share the session's memory. The main thread adds
 * gradients in a fixed order, so weights depend on data, options and seed, not on the number of
 * workers.
 */
export class Trainer {
  readonly #session: TrainingSession;
  readonly #options: TrainerOptions;
  readonly #pool: Piscina;
  readonly #optimizer: Optimizer;
  readonly #weights: Float32Array;
  readonly #order: Uint32Array;
  readonly #next: Int32Array;

  constructor(session: TrainingSession, options: TrainerOptions) {
    const { module, memory, layout } = session;
    this.#session = session;
    this.#options = options;
    this.#optimizer = new Optimizer(session, layout);
    const parameters = parameterLayout(layout.sizes.shape);
    this.#weights = new Float32Array(memory.buffer, layout.weights, parameters.count);
    this.#weights.set(options.initial ?? initialParameters(parameters, options.seed, SILENT));
    this.#order = new Uint32Array(memory.buffer, layout.order, layout.sizes.eventCount);
    this.#next = new Int32Array(memory.buffer, layout.next, 1);
    const workerData: TrainWorkerData = { module, memory, layout };
    this.#pool = new Piscina({
      filename: new URL("./train-worker.js", import.meta.url).href,
      minThreads: layout.sizes.workers,
      maxThreads: layout.sizes.workers,
      maxQueue: LIMITS.workersMax,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData,
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /**
   * Trains and leaves the weights of the best epoch.
   *
   * @param from what `onState` gave in an earlier run with the same data and options
   */
  async run(events: TrainerEvents = {}, from?: TrainerState): Promise<EpochReport[]> {
    const { seed, epochs, patience } = this.#options;
    const prng = from === undefined ? new Prng(seed ^ 0x7ea1) : Prng.resume(from.chance);
    const reports: EpochReport[] = [...(from?.reports ?? [])];
    if (from !== undefined) {
      this.#weights.set(from.weights);
      this.#optimizer.restore(from.optimizer);
    }
    await this.#stream(false);
    await this.#checkTruths();
    let best = from?.best ?? (await this.#start());
    while (reports.length < epochs && reports.length - best.epoch < patience) {
      const epoch = reports.length + 1;
      const started = elapsedMs();
      const trainLoss = await this.#epoch(epoch, prng, events);
      await this.#stream(false);
      const losses = await this.#validate();
      const seconds = (elapsedMs() - started) / 1000;
      const report = { epoch, trainLoss, ...losses, seconds };
      reports.push(report);
      if (losses.validateLoss < best.loss) {
        best = { loss: losses.validateLoss, epoch, weights: this.weights };
      }
      const { weights } = this;
      const optimizer = this.#optimizer.state;
      events.onState?.({ weights, optimizer, chance: prng.state, reports: [...reports], best });
      events.onEpoch?.(report);
    }
    this.#weights.set(best.weights);
    await this.#stream(true);
    return reports;
  }

  /** What the first epoch has to beat: given weights, or nothing. */
  async #start(): Promise<BestEpoch> {
    const given = this.#options.initial !== undefined;
    const loss = given ? (await this.#validate()).validateLoss : Number.POSITIVE_INFINITY;
    return { loss, epoch: 0, weights: this.weights };
  }

  async #validate(): Promise<Pick<EpochReport, "laterLoss" | "otherLoss" | "validateLoss">> {
    const laterLoss = await this.loss(this.#eventsOf("validate", "trained"));
    const others = await this.loss(this.#eventsOf("validate", "other"));
    const otherLoss = Number.isNaN(others) ? laterLoss : others;
    return { laterLoss, otherLoss, validateLoss: (laterLoss + otherLoss) / 2 };
  }

  /** The weights as they are now, in the order of `parameterLayout`. */
  get weights(): Float32Array {
    return this.#weights.slice();
  }

  /** Takes weights as they are and carries every state with them: scoring without training. */
  async adopt(weights: Float32Array): Promise<void> {
    this.#weights.set(weights);
    await this.#stream(true);
  }

  /** Mean quantile loss of events from their carried states. */
  async loss(events: readonly number[]): Promise<number> {
    this.#order.set(events);
    await this.#spread("loss", 0, events.length);
    const { sum, terms } = this.#optimizer.lossSum(events.length);
    return terms === 0 ? Number.NaN : sum / terms;
  }

  /** Refuses a data set that cannot teach or cannot choose, before any time is spent on it. */
  async #checkTruths(): Promise<void> {
    for (const set of ["train", "validate"] as const) {
      const events = this.#eventsOf(set);
      if (!Number.isNaN(await this.loss(events))) continue;
      throw new RepriseError("ERR_ARGUMENT", `no event of the set "${set}" has a truth`, {
        got: `${events.length} event tiles without one`,
        expected: `samples at most 7.5 min apart on days ${this.#daysOf(set)} of the recording`,
      });
    }
  }

  #daysOf(set: CutSet): string {
    const { days } = this.#session.calendar;
    return days[set].map((day) => Number(day.toFixed(1))).join("-");
  }

  async #epoch(epoch: number, prng: Prng, events: TrainerEvents): Promise<number> {
    const { epochs, peakRate, decay } = this.#options;
    const { batchTiles } = this.#session.layout.sizes;
    const order = prng.shuffle(this.#eventsOf("train"));
    const carried = epoch > 1 || this.#options.initial !== undefined;
    const fromZero = carried ? FROM_ZERO : FROM_ZERO_FIRST;
    const draw = (chance: number, bit: number) => (prng.uniform() < chance ? bit : 0);
    this.#order.set(
      order.map(
        (event) => event + draw(fromZero, ORDER_FROM_ZERO) + draw(NAMELESS, ORDER_NAMELESS),
      ),
    );
    const batches = Math.ceil(order.length / batchTiles);
    let sum = 0;
    let terms = 0;
    for (let batch = 0; batch < batches; batch++) {
      const first = batch * batchTiles;
      const count = Math.min(batchTiles, order.length - first);
      await this.#spread("gradient", first, count);
      const rate = oneCycleRate((epoch - 1) * batches + batch, epochs * batches, peakRate);
      const loss = this.#optimizer.lossSum(count);
      this.#optimizer.step(count, rate, decay);
      sum += loss.sum;
      terms += loss.terms;
      const mean = loss.sum / loss.terms;
      events.onBatch?.({ epoch, batch: batch + 1, batches, loss: mean, rate });
    }
    return sum / terms;
  }

  /** Carries the hidden state of every tile through its series with the current weights. */
  async #stream(withTest: boolean): Promise<void> {
    const { kernel, layout, tiles, groups } = this.#session;
    const { inputSize, hiddenSize } = layout.sizes.shape;
    const at = (name: string): number => {
      const tensor = parameterLayout(layout.sizes.shape).tensors.find((t) => t.name === name);
      return layout.weights + (tensor?.offset ?? 0) * 4;
    };
    kernel.packGru(
      at("gru.weight_ih_l0"),
      at("gru.weight_hh_l0"),
      at("gru.bias_ih_l0"),
      at("gru.bias_hh_l0"),
      layout.packed,
      inputSize,
      hiddenSize,
    );
    await this.#spread("stream", 0, withTest ? tiles.length : groups.known, withTest);
  }

  /** Mean quantile loss of the test events; NaN when none has a truth. Call `adopt` before. */
  testLoss(): Promise<number> {
    const { records } = this.#session;
    return this.loss(records.filter(({ cut }) => cut.set === "test").map(({ event }) => event));
  }

  #eventsOf(set: "train" | "validate", of: "trained" | "other" = "trained"): number[] {
    const { records, groups } = this.#session;
    return records
      .filter(({ cut, tile }) => cut.set === set && tile < groups.trained === (of === "trained"))
      .map(({ event }) => event);
  }

  async #spread(
    kind: TrainTask["kind"],
    first: number,
    count: number,
    withTest = false,
  ): Promise<void> {
    Atomics.store(this.#next, 0, 0);
    const task: TrainTask = { kind, first, count, withTest };
    const signal = AbortSignal.timeout(TASK_MS_MAX);
    const tasks = Array.from({ length: this.#session.layout.sizes.workers }, () =>
      this.#pool.run(task, { signal }),
    );
    await Promise.all(tasks);
  }
}
