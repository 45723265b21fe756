/**
 * Weights of several seeds on the same validation cuts: days 54-61 of all VMs that are not kept for
 * the test. What `reprise train` prints depends on the seed, which draws the cuts; this does not. No
 * test day is looked at, so that weights may be chosen by it.
 *
 *     node build/js/bench/calibration/validation.js DATA WEIGHTS...
 *
 * DATA is the folder that `reprise train` takes. Prints aPin95 x 100 of each resource and their mean.
 */
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

async function open(data: string, { inputSize, hiddenSize, summarySize }: NetworkWeights) {
  const { seen } = await loadSeries(data);
  return openSession(
    { seen, unseen: [] },
    {
      shape: { inputSize, hiddenSize, summarySize },
      seed: SEED,
      cutsPerInstance: 0,
      scoredCuts: CUTS,
      stepCount: WINDOW_STEPS,
      batchTiles: 8,
      workers: 1,
      evaluate: new Map(),
    },
  );
}

/** One a resource. */
function losses(session: TrainingSession): number[] {
  const sums = RESOURCES.map(() => ({ loss: 0, truths: 0 }));
  for (const { resource, truth, quantiles } of scoreEvents(session, "validate")) {
    const sum = sums[resource];
    if (sum === undefined) continue;
    sum.loss += pinball(truth, quantiles[LEVEL_INDEX] ?? Number.NaN, LEVEL);
    sum.truths++;
  }
  return sums.map(({ loss, truths }) => (100 * loss) / truths);
}

async function main(): Promise<void> {
  const [data, ...files] = process.argv.slice(2);
  const nets = files.map(readWeights);
  const [first] = nets;
  if (data === undefined || first === undefined)
    throw new Error("usage: validation DATA WEIGHTS...");
  const session = await open(data, first);
  const trainer = new Trainer(session, { ...TRAINER_DEFAULTS, seed: 0 });
  console.log(`| aPin95 x 100, days 54-61 | ${RESOURCES.join(" | ")} | mean |`);
  console.log("|---|---|---|---|---|---|");
  try {
    for (const net of nets) {
      await trainer.adopt(parametersOf(net));
      const each = losses(session);
      const mean = each.reduce((sum, loss) => sum + loss, 0) / each.length;
      console.log(`| ${net.version} | ${[...each, mean].map((x) => x.toFixed(3)).join(" | ")} |`);
    }
  } finally {
    await trainer.close();
  }
}

await main();
