/**
 * The kube-scheduler extender: `filter`, `prioritize`, `preempt`, in the shapes and capitals of
 * `k8s.io/kube-scheduler/extender/v1`.
 *
 * It stands in the scheduling cycle, so it gets out of the way: what takes longer than its budget
 * or fails is answered as if Reprise were not there.
 */
import type { TSchema } from "@sinclair/typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { elapsedMs } from "../../lib/clock.js";
import { isRepriseError } from "../../lib/errors.js";
import type { AppParts } from "../app.js";
import { ExtenderDesk, type VictimPod, type Victims } from "./extender-desk.js";
import type { Pod } from "./extender-pods.js";
import { Args, PreemptionArgs } from "./extender-schemas.js";

const BUDGET_MS = 50;
const tags = ["kube-scheduler"];

interface NodeList {
  readonly items?: readonly { readonly metadata: { readonly name: string } }[] | null;
}

interface ExtenderArgs {
  readonly Pod: Pod;
  readonly Nodes?: NodeList | null;
  readonly NodeNames?: readonly string[] | null;
}

interface ExtenderPreemptionArgs {
  readonly Pod: Pod;
  readonly NodeNameToVictims?: Readonly<Record<string, Victims>> | null;
  readonly NodeNameToMetaVictims?: Readonly<Record<string, Victims>> | null;
}

interface MetaVictims {
  readonly Pods: readonly { readonly UID: string }[];
  readonly NumPDBViolations: number;
}

type Said<T> = { readonly reply: T; readonly outcome: "said" | "deferred" };

export function extenderRoutes(api: FastifyInstance, parts: AppParts): void {
  const { runtime, metrics } = parts;
  const desk = new ExtenderDesk(runtime);
  // The scheduler can only send what stands in its address, so the name and secret are there.
  const options = (body: TSchema) => ({
    config: { role: "read" } as const,
    schema: { tags, body },
  });

  api.post<{ Body: ExtenderArgs }>("/filter", options(Args), async (request) =>
    inTime(request, "filter", {
      say: (late) => ({ reply: filtered(desk, request.body, late), outcome: "said" }),
      asIfAbsent: () => filterReply(request.body, new Map()),
    }),
  );

  api.post<{ Body: ExtenderArgs }>("/prioritize", options(Args), async (request) => {
    const same = () => namesOf(request.body).map((Host) => ({ Host, Score: 0 }));
    return inTime(request, "prioritize", {
      say: (late) => {
        const scores = namesOf(request.body).map((Host) => {
          late();
          return { Host, Score: desk.score(request.body.Pod, Host) };
        });
        return { reply: scores, outcome: "said" };
      },
      asIfAbsent: same,
    });
  });

  api.post<{ Body: ExtenderPreemptionArgs }>("/preempt", options(PreemptionArgs), async (request) =>
    inTime(request, "preempt", {
      say: (late) => preempted(desk, request, late),
      asIfAbsent: () => ({ NodeNameToMetaVictims: metaVictims(request.body) }),
    }),
  );

  function inTime<T>(
    request: FastifyRequest,
    verb: string,
    answers: { readonly say: (late: () => void) => Said<T>; readonly asIfAbsent: () => T },
  ): T {
    const late = () => {
      if (elapsedMs() - request.beganMs > BUDGET_MS) throw new TooLate();
    };
    try {
      late();
      const { reply, outcome } = answers.say(late);
      metrics.extender(verb, outcome);
      return reply;
    } catch (error) {
      if (isRepriseError(error) && error.code === "ERR_ARGUMENT") throw error;
      metrics.extender(verb, error instanceof TooLate ? "late" : "failed");
      request.log.warn({ err: error, verb }, "the scheduler goes on without this answer");
      return answers.asIfAbsent();
    }
  }
}

class TooLate extends Error {
  constructor() {
    super(`no answer within ${BUDGET_MS} ms`);
  }
}

function namesOf({ NodeNames, Nodes }: ExtenderArgs): readonly string[] {
  return NodeNames ?? (Nodes?.items ?? []).map(({ metadata }) => metadata.name);
}

function filtered(desk: ExtenderDesk, args: ExtenderArgs, late: () => void) {
  const failed = new Map<string, string>();
  for (const name of namesOf(args)) {
    late();
    const reason = desk.refusal(args.Pod, name);
    if (reason !== undefined) failed.set(name, reason);
  }
  return filterReply(args, failed);
}

/** Whichever form came in goes out: leaving it out would filter every node. */
function filterReply({ NodeNames, Nodes }: ExtenderArgs, failed: ReadonlyMap<string, string>) {
  const items = Nodes?.items?.filter(({ metadata }) => !failed.has(metadata.name)) ?? [];
  return {
    Nodes: Nodes === undefined || Nodes === null ? null : { ...Nodes, items },
    NodeNames: NodeNames?.filter((name) => !failed.has(name)) ?? null,
    FailedNodes: Object.fromEntries(failed),
    FailedAndUnresolvableNodes: {},
    Error: "",
  };
}

function preempted(
  desk: ExtenderDesk,
  request: FastifyRequest<{ Body: ExtenderPreemptionArgs }>,
  late: () => void,
): Said<{ NodeNameToMetaVictims: Record<string, MetaVictims> }> {
  const { body } = request;
  const asked = metaVictims(body);
  const kept: [string, MetaVictims][] = [];
  for (const [name, victims] of Object.entries(victimsOf(body))) {
    late();
    const verdict = desk.judge(body.Pod, name, victims);
    const before = asked[name];
    if (verdict.kind === "left-out") {
      const { reason, retryAtMs } = verdict;
      request.log.info({ pod: body.Pod.metadata?.uid, node: name, reason, retryAtMs }, "deferred");
    } else if (before !== undefined) {
      kept.push([name, verdict.kind === "trimmed" ? trimmed(before, verdict.uids) : before]);
    }
  }
  const isDeferred = kept.length === 0 && Object.keys(asked).length > 0;
  const reply = { NodeNameToMetaVictims: Object.fromEntries(kept) };
  return { reply, outcome: isDeferred ? "deferred" : "said" };
}

/** Fewer victims violate no more budgets than all of them. */
function trimmed({ Pods, NumPDBViolations }: MetaVictims, uids: readonly string[]): MetaVictims {
  const left = Pods.filter(({ UID }) => uids.includes(UID));
  return { Pods: left, NumPDBViolations: Math.min(NumPDBViolations, left.length) };
}

function victimsOf(args: ExtenderPreemptionArgs): Readonly<Record<string, Victims>> {
  return args.NodeNameToMetaVictims ?? args.NodeNameToVictims ?? {};
}

/** What came in, in the only form that goes out. */
function metaVictims(args: ExtenderPreemptionArgs): Record<string, MetaVictims> {
  return Object.fromEntries(
    Object.entries(victimsOf(args)).map(([name, { Pods, NumPDBViolations = 0 }]) => {
      const uids = (Pods ?? []).map((pod: VictimPod) => pod.UID ?? pod.metadata?.uid ?? "");
      return [name, { Pods: uids.map((UID) => ({ UID })), NumPDBViolations }];
    }),
  );
}
