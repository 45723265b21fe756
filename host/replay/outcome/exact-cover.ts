import { RepriseError } from "../../lib/errors.js";
import type { Amounts } from "../scenario.js";

export interface CoverCandidate {
  readonly priority: number;
  readonly freed: Amounts;
  /** Core-hours, from 0. */
  readonly cost: number;
}

/**
 * Which candidates go, at the lexicographic least cost, highest class first; null: not enough.
 * Throws ERR_STATE when the solver gives up.
 */
export type ExactCover = (
  candidates: readonly CoverCandidate[],
  needed: Amounts,
) => readonly boolean[] | null;

/** Each interruption costs at least this, so that the optimum takes nobody for nothing. */
const COST_MIN = 1e-4;
/**
 * Between classes: what an optimum may be missed by. HiGHS holds rows to 1e-6, so it can find that
 * what it chose for a higher class leaves nothing for a lower one; then it may miss it by more.
 */
const COST_TOLERANCES = [1e-7, 1e-5, 1e-4] as const;
/** Seconds for one class; a plan that takes longer is no yardstick and is reported as such. */
const TIME_LIMIT = 5;

interface Solution {
  readonly Status: string;
  readonly Columns: Readonly<Record<string, { readonly Primal?: number }>>;
}

interface Solver {
  solve(text: string, options: object): Solution;
}

/**
 * The exact optimum by HiGHS. It is a development dependency, so it is looked for when it is asked
 * for and nowhere else.
 *
 * @throws ERR_CONFIG when it is not installed
 */
export async function openExactCover(): Promise<ExactCover> {
  const name: string = "highs";
  let load: () => Promise<Solver>;
  try {
    const module = await import(name);
    load = module.default;
  } catch (cause) {
    const details = { field: "policies", got: "oracle", expected: "npm install highs" };
    throw new RepriseError("ERR_CONFIG", "the oracle needs the solver HiGHS", details, cause);
  }
  const solver = await load();
  return (candidates, needed) => {
    let got = "";
    for (const tolerance of COST_TOLERANCES) {
      const found = solveByClass({ solver, tolerance }, candidates, needed);
      if (typeof found !== "string") return found;
      got = found;
    }
    throw new RepriseError("ERR_STATE", "HiGHS found no optimum", { got });
  };
}

/** The solver's word when it gives up. */
function solveByClass(
  { solver, tolerance }: { readonly solver: Solver; readonly tolerance: number },
  candidates: readonly CoverCandidate[],
  needed: Amounts,
): readonly boolean[] | null | string {
  if (needed.every((amount) => amount <= 0)) return candidates.map(() => false);
  const classes = [...new Set(candidates.map(({ priority }) => priority))].sort((a, b) => a - b);
  const top = classes.find((priority) => canCover(candidates, needed, priority));
  if (top === undefined) return null;
  const ceilings = new Map<number, number>();
  let chosen: boolean[] = [];
  for (const priority of classes.filter((each) => each <= top).reverse()) {
    const text = programme(candidates, needed, { priority, top, ceilings, tolerance });
    const found = solver.solve(text, {
      output_flag: false,
      mip_rel_gap: 0,
      mip_abs_gap: COST_TOLERANCES[0] / 10,
      time_limit: TIME_LIMIT,
    });
    if (found.Status !== "Optimal") return found.Status;
    chosen = candidates.map((_, index) => (found.Columns[`x${index}`]?.Primal ?? 0) > 0.5);
    const cost = candidates.reduce(
      (sum, each, index) =>
        chosen[index] === true && each.priority === priority ? sum + priceOf(each) : sum,
      0,
    );
    ceilings.set(priority, cost);
  }
  return chosen;
}

function canCover(candidates: readonly CoverCandidate[], needed: Amounts, top: number): boolean {
  return needed.every((amount, resource) => {
    const all = candidates
      .filter(({ priority }) => priority <= top)
      .reduce((sum, { freed }) => sum + (freed[resource] ?? 0), 0);
    return all >= amount;
  });
}

function priceOf({ cost }: CoverCandidate): number {
  return COST_MIN + cost;
}

/** In CPLEX LP text: least cost in one class while the higher ones keep theirs. */
function programme(
  candidates: readonly CoverCandidate[],
  needed: Amounts,
  at: {
    readonly priority: number;
    readonly top: number;
    readonly ceilings: ReadonlyMap<number, number>;
    readonly tolerance: number;
  },
): string {
  const used = candidates.flatMap((candidate, index) =>
    candidate.priority <= at.top ? [{ ...candidate, index }] : [],
  );
  const costsOf = (priority: number): string =>
    used
      .filter((each) => each.priority === priority)
      .map((each) => `${priceOf(each)} x${each.index}`)
      .join(" + ");
  const rows = needed.flatMap((amount, resource) => {
    if (amount <= 0) return [];
    const terms = used.map(
      ({ freed, index }) => `${Math.min(freed[resource] ?? 0, amount)} x${index}`,
    );
    return [`r${resource}: ${terms.join(" + ")} >= ${amount}`];
  });
  const limits = [...at.ceilings].map(
    ([priority, cost]) => `c${priority}: ${costsOf(priority)} <= ${cost + at.tolerance}`,
  );
  return [
    "Minimize",
    `cost: ${costsOf(at.priority)}`,
    "Subject To",
    ...rows,
    ...limits,
    "Binary",
    used.map(({ index }) => `x${index}`).join("\n"),
    "End",
    "",
  ].join("\n");
}
