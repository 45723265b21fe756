import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import {
  readCheckpoint,
  runIdentity,
  writeCheckpoint,
} from "../../host/model/training/checkpoint.js";
import { openSession } from "../../host/model/training/session.js";
import { TRAINER_DEFAULTS, Trainer, type TrainerState } from "../../host/model/training/trainer.js";
import { killWhen, runReprise } from "../support/command-line.js";
import { syntheticSeries } from "./synthetic-series.js";
import { writeTraceFolder } from "./trace-folder.js";

const test = suite("resume");
const folder = mkdtempSync(join(tmpdir(), "reprise-resume-"));
test.after(() => rmSync(folder, { recursive: true }));

const DATA = {
  seen: Array.from({ length: 9 }, (_, index) => syntheticSeries(`s${index}`, index, 75)),
  unseen: [],
};
const OPTIONS = {
  shape: { inputSize: 16, hiddenSize: 8, summarySize: 96 },
  seed: 3,
  cutsPerInstance: 24,
  scoredCuts: 4,
  stepCount: 12,
  batchTiles: 10,
};

/** Trains for three epochs, from a state or from the start. */
async function train(workers: number, from?: TrainerState) {
  const trainer = new Trainer(openSession(DATA, { ...OPTIONS, workers }), {
    ...TRAINER_DEFAULTS,
    seed: 3,
    epochs: 3,
  });
  const states: TrainerState[] = [];
  try {
    const reports = await trainer.run({ onState: (state) => states.push(state) }, from);
    const losses = reports.map(({ trainLoss, validateLoss }) => [trainLoss, validateLoss]);
    return { states, losses, bits: new Uint32Array(trainer.weights.buffer) };
  } finally {
    await trainer.close();
  }
}

test("a generator goes on where its state was taken", () => {
  const prng = new Prng(17);
  for (let draw = 0; draw < 100; draw++) prng.uint32();
  const twin = Prng.resume(prng.state);
  for (let draw = 0; draw < 100; draw++) assert.is(twin.uint32(), prng.uint32());
});

test("from any epoch's checkpoint, read from its file, a run ends with the same bits", async () => {
  const whole = await train(2);
  assert.is(whole.states.length, 3);
  const file = join(folder, "epochs.checkpoint");
  const run = runIdentity(DATA, { seed: 3 });
  assert.is(readCheckpoint(file, run), undefined);
  for (const [index, state] of whole.states.entries()) {
    writeCheckpoint(file, run, state);
    const read = readCheckpoint(file, run);
    assert.equal(read, state);
    const rest = await train(1 + (index % 2), read);
    assert.equal(rest.bits, whole.bits, `after epoch ${index + 1}`);
    assert.equal(rest.losses, whole.losses);
    assert.is(rest.states.length, 2 - index);
  }
});

test("a checkpoint of other data or options, or a damaged one, is refused", () => {
  const state: TrainerState = {
    weights: Float32Array.of(1, 2),
    optimizer: {
      mean: Float32Array.of(3, 4),
      square: Float32Array.of(5, 6),
      powers: [0.9, 0.999],
    },
    chance: [1, 2, 3, 4],
    reports: [],
    best: { loss: 0.5, epoch: 0, weights: Float32Array.of(7, 8) },
  };
  const file = join(folder, "refused.checkpoint");
  writeCheckpoint(file, runIdentity(DATA, { seed: 3 }), state);
  const refused = (run: Parameters<typeof readCheckpoint>[1], code: string, pattern: RegExp) => {
    try {
      readCheckpoint(file, run);
    } catch (error) {
      assert.ok(isRepriseError(error) && error.code === code, String(error));
      assert.match(String(error), pattern);
      return;
    }
    assert.unreachable("accepted");
  };
  refused(runIdentity(DATA, { seed: 4 }), "ERR_STATE", /field seed: .* got 3, expected 4/);
  const other = { ...DATA, seen: DATA.seen.slice(1) };
  refused(runIdentity(other, { seed: 3 }), "ERR_STATE", /field data/);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(file, bytes);
  refused(runIdentity(DATA, { seed: 3 }), "ERR_WEIGHTS_FORMAT", /checksum check failed/);
});

test("the command, killed in its third epoch, resumes to the same bytes of weights", async () => {
  writeTraceFolder(folder);
  // Named alike, because the name is in the file.
  const [whole, killed] = ["whole", "killed"].map((place) => mkdtempSync(join(folder, place)));
  const file = (place: string | undefined) => join(place ?? "", "small.safetensors");
  const words = ["--epochs", "4", "--events", "40", "--scored", "4", "--hidden", "8"];
  const command = (out: string) => [
    "train",
    "--data",
    folder,
    "--out",
    out,
    "--workers",
    "1",
    ...words,
    "--json",
  ];
  const undisturbed = await runReprise(command(file(whole)));
  assert.is(undisturbed.code, 0, undisturbed.stderr);
  assert.is(await killWhen(command(file(killed)), /epoch 2:/), "SIGKILL");
  assert.not.ok(existsSync(file(killed)));
  assert.ok(existsSync(`${file(killed)}.checkpoint`));

  const foreign = await runReprise([...command(file(killed)), "--seed", "9", "--resume"]);
  assert.is(foreign.code, 1);
  assert.match(JSON.parse(foreign.stderr).error.message, /another run's/);

  const resumed = await runReprise([...command(file(killed)), "--resume"]);
  assert.is(resumed.code, 0, resumed.stderr);
  const report = JSON.parse(resumed.stdout);
  assert.ok(report.resumed >= 2 && report.resumed < 4, `resumed after ${report.resumed}`);
  assert.is(report.epochs.length, 4);
  assert.is(Buffer.compare(readFileSync(file(killed)), readFileSync(file(whole))), 0);
  assert.not.ok(existsSync(`${file(killed)}.checkpoint`));
});

test.run();
