/**
 * A training run on its way, in a file: what it takes to go on after a kill and end with the same
 * bits as a run that was never cut off.
 *
 * Goals: a reader finds the checkpoint before or the new one, each whole; a run goes on only with
 * the data and options it began with. Non-goals: half an epoch; runs of another version.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { ABI_VERSION } from "../../core/abi.js";
import { present } from "../../lib/assert.js";
import { RepriseError } from "../../lib/errors.js";
import { parseTensors, serializeTensors, type Tensor } from "../safetensors.js";
import type { SessionData } from "./session.js";
import type { EpochReport, TrainerState } from "./trainer.js";

const FORMAT = "reprise-checkpoint-1";
const TENSORS = ["weights", "best", "adam.mean", "adam.square"] as const;

/** What must be equal for a run to go on: names and values as text. */
export type RunIdentity = Readonly<Record<string, string | number>>;

/** What a run depends on; the number of workers is not among it. */
export function runIdentity(data: SessionData, options: RunIdentity): RunIdentity {
  return { ...options, abi: ABI_VERSION, data: digestOf(data) };
}

/** SHA-256 of all series, in order. */
function digestOf({ seen, unseen }: SessionData): string {
  const hash = createHash("sha256");
  for (const part of [seen, unseen]) {
    hash.update(`${part.length} series\n`);
    for (const { name, times, values, launches, caps } of part) {
      hash.update(`${JSON.stringify([name, times.length, caps])}\n`);
      for (const column of [times, values, launches]) hash.update(column);
    }
  }
  return hash.digest("hex");
}

interface Progress {
  readonly powers: readonly [number, number];
  readonly chance: readonly number[];
  readonly reports: readonly EpochReport[];
  readonly best: { readonly loss: number; readonly epoch: number };
}

/** Writes beside the file, makes it durable and renames. */
export function writeCheckpoint(file: string, run: RunIdentity, state: TrainerState): void {
  const { weights, optimizer, chance, reports, best } = state;
  const blocks = [weights, best.weights, optimizer.mean, optimizer.square];
  const tensors = new Map<string, Tensor>(
    TENSORS.map((name, index) => {
      const data = present(blocks[index], name);
      return [name, { dtype: "F32", shape: [data.length], data }];
    }),
  );
  const progress: Progress = {
    powers: optimizer.powers,
    chance,
    reports,
    best: { loss: best.loss, epoch: best.epoch },
  };
  const metadata = {
    format: FORMAT,
    run: JSON.stringify(run),
    progress: JSON.stringify(progress),
  };
  const draft = `${file}.draft`;
  const handle = openSync(draft, "w");
  try {
    writeSync(handle, serializeTensors(tensors, metadata));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}

/**
 * The state to go on from; undefined when there is no checkpoint.
 *
 * @throws ERR_WEIGHTS_FORMAT when it is damaged, ERR_STATE when it is another run's
 */
export function readCheckpoint(file: string, run: RunIdentity): TrainerState | undefined {
  if (!existsSync(file)) return undefined;
  const { tensors, metadata } = parseTensors(readFileSync(file), file, {
    names: TENSORS,
    dtypes: ["F32"],
  });
  if (metadata.format !== FORMAT) {
    throw new RepriseError("ERR_WEIGHTS_FORMAT", "format check failed", {
      file,
      field: "format",
      got: metadata.format,
      expected: FORMAT,
    });
  }
  checkSameRun(file, parse<RunIdentity>(file, metadata.run), run);
  const { powers, chance, reports, best } = parse<Progress>(file, metadata.progress);
  const block = (name: string) => Float32Array.from(present(tensors.get(name), name).data);
  return {
    weights: block("weights"),
    optimizer: { mean: block("adam.mean"), square: block("adam.square"), powers },
    chance,
    reports,
    best: { ...best, weights: block("best") },
  };
}

/** The run is over: nothing is left to go on from. */
export function removeCheckpoint(file: string): void {
  rmSync(file, { force: true });
}

function parse<T>(file: string, text: string | undefined): T {
  try {
    return JSON.parse(text ?? "") as T;
  } catch (cause) {
    const got = { file, field: "metadata", got: text, expected: "JSON" };
    throw new RepriseError("ERR_WEIGHTS_FORMAT", "metadata check failed", got, cause);
  }
}

function checkSameRun(file: string, found: RunIdentity, wanted: RunIdentity): void {
  for (const [field, value] of Object.entries(wanted)) {
    if (found[field] === value) continue;
    throw new RepriseError("ERR_STATE", "the checkpoint is another run's", {
      file,
      field,
      got: found[field],
      expected: `${value}, as this run has; without --resume it begins anew`,
    });
  }
}
