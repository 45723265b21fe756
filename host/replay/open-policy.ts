import type { Ledger } from "../ledger/ledger.js";
import { openLmdbLedger } from "../ledger/lmdb.js";
import { MemoryLedger } from "../ledger/memory.js";
import type { Clock } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import { shippedWeightsFile } from "../model/shipped-weights.js";
import { type NetworkWeights, readWeights } from "../model/weights.js";
import type { PredictorName } from "../profiler/predictors/predictors.js";
import { Profiler } from "../profiler/profiler.js";
import { ReprisePolicy } from "./reprise-policy.js";
import type { Scenario } from "./scenario.js";

/** What is reported when the simpler rungs answer alone. */
const NO_NETWORK = "no network";

export interface OpenPolicyOptions {
  readonly scenario: Scenario;
  readonly clock: Clock;
  readonly workers: number;
  readonly ledgerFolder?: string;
  readonly model?: string;
  readonly predictor?: PredictorName;
}

/** @throws ERR_WEIGHTS_FORMAT, ERR_LEDGER_FOREIGN, ERR_ARGUMENT when the ledger is in use */
export async function openReprisePolicy(options: OpenPolicyOptions): Promise<ReprisePolicy> {
  const { scenario, clock, workers, predictor = "network" } = options;
  // Another predictor needs no network: its state would only cost time.
  const weights = predictor === "network" ? openWeights(options.model) : null;
  const ledger = await openLedger(options.ledgerFolder);
  const profiler = Profiler.open({
    maxInstances: scenario.instances.length,
    weights,
    workers,
    clock,
    predictor,
  });
  const version = weights?.version ?? NO_NETWORK;
  const modelVersion = predictor === "network" ? version : predictor;
  return new ReprisePolicy({ scenario, clock, profiler, ledger, modelVersion });
}

function openWeights(model: string | undefined): NetworkWeights | null {
  const file = model ?? shippedWeightsFile();
  return file === undefined ? null : readWeights(file);
}

async function openLedger(folder: string | undefined): Promise<Ledger> {
  if (folder === undefined) return new MemoryLedger();
  // A replay can be run again, so its commits need not outlive the machine's power.
  const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
  if (ledger.count("allocation") + ledger.count("decision") === 0) return ledger;
  await ledger.close();
  throw new RepriseError("ERR_ARGUMENT", "the ledger holds another run", {
    file: folder,
    expected: "an empty folder",
  });
}
