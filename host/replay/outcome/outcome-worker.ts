/** Entry of a worker thread that plays runs; the input lies in memory that all threads share. */
import { parentPort, workerData } from "node:worker_threads";
import type { OutcomeInput } from "./outcome-input.js";
import type { OutcomeRun, RunTask } from "./outcome-run.js";
import { RunPlayer } from "./play-run.js";

/** What is said of a run on its way. */
export interface RunShare {
  readonly policy: string;
  readonly seed: number;
  readonly done: number;
}

/** Messages of one run; more of them would only keep the main thread awake. */
const SHARES = 100;

let player: RunPlayer | undefined;

export default function playRun(task: RunTask): Promise<OutcomeRun> {
  player ??= new RunPlayer(workerData as OutcomeInput);
  const { policy, seed } = task;
  let said = 0;
  return player.play(task, (done) => {
    if (Math.floor(done * SHARES) === said) return;
    said = Math.floor(done * SHARES);
    parentPort?.postMessage({ policy, seed, done } satisfies RunShare);
  });
}
