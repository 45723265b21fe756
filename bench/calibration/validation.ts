/**
 * Weights of several seeds on the same validation cuts: days 54-61 of all VMs that are not kept for
 * the test. What `reprise train` prints depends on the seed, which draws the cuts; this does not. No
 * test day is looked at, so that weights may be chosen by it.
 *
 *     node build/js/bench/calibration/validation.js DATA WEIGHTS...
 *
 * DATA is the folder that `reprise train` takes. `A+B` in the place of weights is the mean of the
 * quantiles of both. `--steps N` lets nets hear N samples, not 36. Prints aPin95 x 100 of each resource
 * and their mean.
 */
import { parseArgs } from "node:util";
import { RESOURCES } from "../../host/core/abi.js";
import { pinball } from "../../host/model/evaluation/figures.js";
import { scoreEvents } from "../../host/model/evaluation/scored-terms.js";
import { loadSeries } from "../../host/model/training/load.js";
import { parametersOf } from "../../host/model/training/product.js";
import {
  openSession,
  type TrainingSession,
  WINDOW_STEPS,
} from "../../host/model/training/session.js";
import { TRAINER_DEFAULTS, Trainer } from "../../host/model/training/trainer.js";
import { type NetworkWeights, readWeights } from "../../host/model/weights.js";

/** Not the seed of any weights, and not that of the evaluation. */
const SEED = 11;
const CUTS = 40;
const LEVEL = 0.95;
const LEVEL_INDEX = 2;

type Shape = Pick<NetworkWeights, "inputSize" | "hiddenSize" | "summarySize">;

async function open(data: string, shape: Shape, stepCount: number) {
  const { seen } = await loadSeries(data);
  return openSession(
    { seen, unseen: [] },
    {
      shape,
      seed: SEED,
      cutsPerInstance: 0,
      scoredCuts: CUTS,
      stepCount,
      batchTiles: 8,
      workers: 1,
      evaluate: new Map(),
    },
  );
}

/** The truths and one net's quantile of them, in the order of the events: the same for every net. */
interface Answers {
  readonly resources: readonly number[];
  readonly truths: readonly number[];
  readonly quantiles: readonly number[];
}

function answersOf(session: TrainingSession): Answers {
  const terms = scoreEvents(session, "validate");
  return {
    resources: terms.map(({ resource }) => resource),
    truths: terms.map(({ truth }) => truth),
    quantiles: terms.map(({ quantiles }) => quantiles[LEVEL_INDEX] ?? Number.NaN),
  };
}

/** aPin95 x 100 of the mean of all answers, one a resource. */
function losses(mixed: readonly Answers[]): number[] {
  const sums = RESOURCES.map(() => ({ loss: 0, truths: 0 }));
  mixed[0]?.truths.forEach((truth, index) => {
    const sum = sums[mixed[0]?.resources[index] ?? 0];
    if (sum === undefined) return;
    const total = mixed.reduce((mean, { quantiles }) => mean + (quantiles[index] ?? 0), 0);
    sum.loss += pinball(truth, total / mixed.length, LEVEL);
    sum.truths++;
  });
  return sums.map(({ loss, truths }) => (100 * loss) / truths);
}

interface Place {
  readonly session: TrainingSession;
  readonly trainer: Trainer;
}

/** One session a shape: the cuts are drawn by the seed alone and are the same in all. */
class Nets {
  readonly #places = new Map<string, Place>();
  readonly #data: string;
  readonly #steps: number;

  constructor(data: string, steps: number) {
    this.#data = data;
    this.#steps = steps;
  }

  async answers(net: NetworkWeights): Promise<Answers> {
    const { session, trainer } = await this.#place(net);
    await trainer.adopt(parametersOf(net));
    return answersOf(session);
  }

  async close(): Promise<void> {
    for (const { trainer } of this.#places.values()) await trainer.close();
  }

  async #place({ inputSize, hiddenSize, summarySize }: NetworkWeights): Promise<Place> {
    const key = `${inputSize} ${hiddenSize} ${summarySize}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const session = await open(this.#data, { inputSize, hiddenSize, summarySize }, this.#steps);
    const place = { session, trainer: new Trainer(session, { ...TRAINER_DEFAULTS, seed: 0 }) };
    this.#places.set(key, place);
    return place;
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { steps: { type: "string", default: String(WINDOW_STEPS) } },
    allowPositionals: true,
  });
  const [data, ...rows] = positionals;
  if (data === undefined || rows.length === 0) throw new Error("usage: validation DATA WEIGHTS...");
  const mixes = rows.map((row) => row.split("+"));
  const nets = new Nets(data, Number(values.steps));
  const known = new Map<string, Answers & { version: string }>();
  console.log(`| aPin95 x 100, days 54-61 | ${RESOURCES.join(" | ")} | mean |`);
  console.log("|---|---|---|---|---|---|");
  try {
    for (const files of mixes) {
      for (const file of files.filter((each) => !known.has(each))) {
        const net = readWeights(file);
        known.set(file, { ...(await nets.answers(net)), version: net.version });
      }
      const mixed = files.flatMap((file) => known.get(file) ?? []);
      const each = losses(mixed);
      const mean = each.reduce((sum, loss) => sum + loss, 0) / each.length;
      const name = mixed.map(({ version }) => version).join(" + ");
      console.log(`| ${name} | ${[...each, mean].map((x) => x.toFixed(3)).join(" | ")} |`);
    }
  } finally {
    await nets.close();
  }
}

await main();
