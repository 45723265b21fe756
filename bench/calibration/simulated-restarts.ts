/**
 * Restarts whose cause is known: six programs by formula, restarted 50 times each with random outages,
 * each program a job type. Scored as in `restarts.ts`, after the first 20 of a type.
 *
 *     node build/js/bench/calibration/simulated-restarts.js [SEED]
 *
 *     y(t) = base(t) (1 + A exp(-(t - t1) / T)) + min(g, G) rate exp(-(t - t1) / drain)
 *
 * A log-normal (median 1.2, P90 4.5), T 3 to 12 min, drawn once a program and spread by 20 % a
 * restart; g is the outage, 5 to 60 min. Formulas, not measurements. Prints Markdown.
 */
import { Prng } from "../../host/lib/prng.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { readWeights } from "../../host/model/weights.js";
import type { Sample } from "../../host/sources/sample.js";
import { PackedSeries } from "./support/fleet.js";
import { figuresTable } from "./support/restart-figures.js";
import { type Restart, runRestarts } from "./support/restart-run.js";

const METHODS = ["ours", "network", "max7d", "vpa", "limit"];
const START_SECONDS = 1_380_585_600;
const STEP_SECONDS = 300;
const INSTANCES = 10;
const RESTARTS = 5;
const DAYS = 4;
const TAUGHT_MIN = 20;
const LIMITS = { cpu: 8, memory: 16 };

interface Program {
  readonly name: string;
  /** cpu, memory, network, disk at rest. */
  readonly base: readonly number[];
  /** Which of the four surge, 0 to 1. */
  readonly surges: readonly number[];
  /** Work that waits, cores a minute of outage, at most `backlogMinutes`. */
  readonly backlogRate: number;
  readonly backlogMinutes: number;
}

const PROGRAMS: readonly Program[] = [
  program("web-cache", [0.8, 3, 20, 1], [1, 0.2, 0.3, 1]),
  program("jit-service", [1, 2, 10, 0.2], [1, 0.1, 0, 0.2]),
  { ...program("batch", [2, 4, 1, 5], [0.2, 0, 0, 1]), backlogRate: 0.04, backlogMinutes: 30 },
  program("page-cache", [0.6, 6, 8, 4], [0.3, 0.3, 0, 2]),
  { ...program("queue", [0.7, 1, 12, 1], [0.2, 0, 1, 0.2]), backlogRate: 0.06, backlogMinutes: 60 },
  program("cron", [0.05, 0.3, 0.1, 0.05], [1, 0, 0, 1]),
];

function program(name: string, base: number[], surges: number[]): Program {
  return { name, base, surges, backlogRate: 0, backlogMinutes: 0 };
}

/** Box and Muller. */
function normal(prng: Prng): number {
  return Math.sqrt(-2 * Math.log(1 - prng.uniform())) * Math.cos(2 * Math.PI * prng.uniform());
}

function simulate(each: Program, prng: Prng, restarts: Restart[]): PackedSeries[] {
  const size = 1.2 * Math.exp(1.031 * normal(prng));
  const decay = 3 * 4 ** prng.uniform();
  return Array.from({ length: INSTANCES }, (_, index) => {
    const id = `${each.name}-${index}`;
    const weight = 0.7 + 0.6 * prng.uniform();
    const samples: Sample[] = [];
    const every = Math.floor((DAYS * 288) / (RESTARTS + 1));
    const first = every - prng.below(Math.floor(every / 2));
    let launched = Number.NEGATIVE_INFINITY;
    let begun = 0;
    let [surge, minutes, waiting, level] = [0, decay, 0, 0];
    for (let step = 0; step < DAYS * 288; step++) {
      if (step >= first + begun * every && begun < RESTARTS) {
        begun++;
        const outageSteps = 1 + prng.below(12);
        step += outageSteps;
        launched = START_SECONDS + (step - 1) * STEP_SECONDS + prng.below(60);
        surge = size * Math.exp(0.2 * normal(prng));
        minutes = decay * Math.exp(0.2 * normal(prng));
        waiting = Math.min(outageSteps * 5, each.backlogMinutes) * each.backlogRate;
        const sampleSeconds = START_SECONDS + step * STEP_SECONDS;
        restarts.push({ id, kind: each.name, atSeconds: launched, sampleSeconds });
      }
      const seconds = START_SECONDS + step * STEP_SECONDS;
      const since = (seconds - STEP_SECONDS / 2 - launched) / 60;
      level = 0.9 * level + 0.1 * normal(prng);
      const day = 1 + 0.3 * Math.sin((2 * Math.PI * step) / 288);
      const busy = weight * day * Math.exp(0.5 * level + 0.1 * normal(prng));
      const fades = Math.exp(-Math.max(0, since) / minutes);
      const [cpu = 0, memory = 0, network = 0, disk = 0] = each.base.map((base, resource) => {
        const steady = resource === 1 ? weight : busy;
        return base * steady * (1 + surge * (each.surges[resource] ?? 0) * fades);
      });
      samples.push({
        instanceId: id,
        timeMs: seconds * 1_000,
        cpuCores: Math.min(LIMITS.cpu, cpu + waiting * Math.exp(-Math.max(0, since) / 10)),
        memoryGiB: Math.min(LIMITS.memory, memory),
        networkMbps: network,
        disk,
      });
    }
    return new PackedSeries(id, samples, [{ atSeconds: START_SECONDS, limits: LIMITS }]);
  });
}

async function main(): Promise<void> {
  const seed = Number(process.argv[2] ?? 1);
  const file = shippedWeightsFile();
  if (file === undefined) throw new Error("the package has no weights");
  const restarts: Restart[] = [];
  const prng = new Prng(seed);
  const fleet = PROGRAMS.flatMap((each) => simulate(each, prng, restarts));
  const scored = await runRestarts({
    weights: readWeights(file),
    fleet,
    restarts,
    jobTypeOf: ({ id }) => id.slice(0, id.lastIndexOf("-")),
    tickSeconds: STEP_SECONDS,
  });
  // Both know the instance: the network, and the statistics in its place while it is demoted.
  const known = scored.filter(({ rung }) => rung === 0 || rung === 2);
  const counted = known.filter(({ taught }) => taught >= TAUGHT_MIN);
  const standIns = counted.filter(({ rung }) => rung === 2).length;
  console.log(
    `seed ${seed}: ${scored.length} restarts, ${counted.length} counted, ` +
      `${standIns} of them while the network was demoted\n`,
  );
  console.log(figuresTable(counted, METHODS));
  for (const { name } of PROGRAMS) {
    const own = counted.filter(({ jobType }) => jobType === name);
    console.log(`\n${name}: ${own.length} counted\n\n${figuresTable(own, METHODS)}`);
  }
}

await main();
