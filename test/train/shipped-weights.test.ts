import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { heldOutFigures } from "../../host/model/evaluation/report.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { loadSeries } from "../../host/model/training/load.js";
import { parametersOf } from "../../host/model/training/product.js";
import { openSession } from "../../host/model/training/session.js";
import { TRAINER_DEFAULTS, Trainer } from "../../host/model/training/trainer.js";
import { readWeights } from "../../host/model/weights.js";

const test = suite("weights that ship");

/** Two weeks of September of VMs that were never trained on. */
const SAMPLE = fileURLToPath(new URL("../../../../host/replay/sample/", import.meta.url));

test("beat every baseline on the bundled sample and cover what they state", async () => {
  const weights = readWeights(present(shippedWeightsFile(), "shipped weights"));
  const { seen, unseen } = await loadSeries(SAMPLE);
  assert.is(seen.length, 0, "the sample holds a VM that was trained on");
  const session = openSession(
    { seen: [], unseen },
    {
      shape: weights,
      seed: 1,
      cutsPerInstance: 0,
      scoredCuts: 60,
      stepCount: 36,
      batchTiles: 8,
      workers: 1,
    },
  );
  const trainer = new Trainer(session, { ...TRAINER_DEFAULTS, seed: 1 });
  try {
    await trainer.adopt(parametersOf(weights));
  } finally {
    await trainer.close();
  }
  const [figures] = heldOutFigures(session);
  assert.is(figures?.resources.length, 4);
  for (const { resource, terms, change, coverage } of figures?.resources ?? []) {
    const shown = `${resource}: ${terms} truths, ${change}, ${coverage}`;
    assert.ok(terms > 500, shown);
    assert.ok(change < -0.05, shown);
    const [, , at95 = 0] = coverage;
    assert.ok(at95 > 0.9 && at95 < 0.99, shown);
  }
});

test.run();
