/** What Prometheus reads. Label sets are bounded: kinds and codes, never ids. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { RESOURCES } from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";
import type { DecisionSummary } from "./events.js";
import { addHintGauges } from "./hint-metrics.js";
import { namedPhases } from "./named.js";
import { addQualityGauges } from "./quality-metrics.js";
import type { ServiceRuntime } from "./runtime.js";

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2];

export class ServiceMetrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<"route" | "method" | "status">;
  readonly #decisions: Counter<"kind" | "reason">;
  readonly #decisionDelay: Histogram<"kind">;
  readonly #samples: Counter<"outcome">;
  readonly #grants: Counter<"whole">;
  readonly #extender: Counter<"verb" | "outcome">;
  readonly #victims: Histogram;
  readonly #deferral: Histogram;
  /** When a request that waits was first put off. */
  readonly #deferredMs = new Map<string, number>();
  readonly configValid: Gauge;
  readonly configWaiting: Gauge;
  readonly auditMended: Gauge;

  constructor(runtime: ServiceRuntime) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry, prefix: "reprise_" });
    this.#requests = new Histogram({
      name: "reprise_http_request_seconds",
      help: "Time to answer a request",
      labelNames: ["route", "method", "status"],
      buckets: SECONDS,
      registers,
    });
    this.#decisions = new Counter({
      name: "reprise_decisions_total",
      help: "Decisions by kind and first reason",
      labelNames: ["kind", "reason"],
      registers,
    });
    this.#decisionDelay = new Histogram({
      name: "reprise_decision_seconds",
      help: "Time from a request to its decision",
      labelNames: ["kind"],
      buckets: SECONDS,
      registers,
    });
    this.#samples = new Counter({
      name: "reprise_samples_total",
      help: "Samples taken in, or left out by reason",
      labelNames: ["outcome"],
      registers,
    });
    this.#grants = new Counter({
      name: "reprise_grants_total",
      help: "Restarts that got their room, whole or in part",
      labelNames: ["whole"],
      registers,
    });
    this.#extender = new Counter({
      name: "reprise_extender_total",
      help: "Answers to kube-scheduler: said, deferred, or left to it because late or failed",
      labelNames: ["verb", "outcome"],
      registers,
    });
    this.#victims = new Histogram({
      name: "reprise_victims",
      help: "Instances that a plan interrupts",
      buckets: [1, 2, 3, 5, 10, 20, 50],
      registers,
    });
    this.#deferral = new Histogram({
      name: "reprise_deferral_seconds",
      help: "Time from the first deferral of a request to its last word",
      buckets: [1, 10, 60, 300, 900, 3_600, 14_400],
      registers,
    });
    this.configValid = new Gauge({
      name: "reprise_config_valid",
      help: "1 when the configuration file as it is now is in force, 0 when an older one is",
      registers,
    });
    this.configValid.set(1);
    this.configWaiting = new Gauge({
      name: "reprise_config_waiting",
      help: "Sections of the configuration file that differ and wait for a restart",
      registers,
    });
    this.auditMended = new Gauge({
      name: "reprise_audit_mended_bytes",
      help: "Bytes of a line cut short that were taken off the audit log at the start",
      registers,
    });
    addStateGauges(runtime, registers);
    addLearntGauges(runtime, registers);
    this.#follow(runtime);
  }

  request(route: string, method: string, status: number, seconds: number): void {
    this.#requests.labels(route, method, `${status}`).observe(seconds);
  }

  samples(accepted: number, dropped: Readonly<Record<string, number>>): void {
    this.#samples.labels("accepted").inc(accepted);
    for (const [reason, count] of Object.entries(dropped)) this.#samples.labels(reason).inc(count);
  }

  extender(verb: string, outcome: "said" | "deferred" | "late" | "failed"): void {
    this.#extender.labels(verb, outcome).inc();
  }

  decisionTook(kind: string, seconds: number): void {
    this.#decisionDelay.labels(kind).observe(seconds);
  }

  #decided({ kind, reasons, victims, requestId, decidedMs }: DecisionSummary): void {
    this.#decisions.labels(kind, reasons[0]?.code ?? "none").inc();
    if (kind === "proceed") this.#victims.observe(victims.length);
    const firstMs = this.#deferredMs.get(requestId);
    if (kind !== "defer") {
      if (firstMs !== undefined) this.#deferral.observe((decidedMs - firstMs) / 1_000);
      this.#deferredMs.delete(requestId);
    } else if (firstMs === undefined && this.#deferredMs.size < LIMITS.pendingRequestsMax) {
      this.#deferredMs.set(requestId, decidedMs);
    }
  }

  #follow(runtime: ServiceRuntime): void {
    runtime.events.follow(({ event }) => {
      if (event.kind === "decision") {
        this.#decided(event.decision);
      } else if (event.kind === "grant") {
        const isWhole = event.grant.shortfall.every((amount) => amount <= 0);
        this.#grants.labels(isWhole ? "yes" : "no").inc();
      }
    });
  }
}

function addStateGauges(runtime: ServiceRuntime, registers: Registry[]): void {
  gauge("reprise_instances", "Registered instances", () => runtime.profiler.instanceCount);
  gauge(
    "reprise_samples_waiting",
    "Samples that wait for a tick",
    () => runtime.profiler.pendingSampleCount,
  );
  gauge("reprise_degraded", "1 while nothing may act", () => (runtime.degraded === null ? 0 : 1));
  gauge(
    "reprise_event_followers",
    "Clients that follow the events",
    () => runtime.events.followerCount,
  );
  new Gauge({
    name: "reprise_pool",
    help: "The whole cluster's pool",
    labelNames: ["resource", "part"],
    registers,
    collect() {
      const total = runtime.allocator.pool("total", "total");
      const reserved = namedPhases(total.reserved);
      RESOURCES.forEach((resource, index) => {
        this.labels(resource, "allocatable").set(total.allocatable[index] ?? 0);
        this.labels(resource, "allocated").set(total.allocated[index] ?? 0);
        this.labels(resource, "reserved").set(Math.max(...reserved[resource]));
      });
    },
  });
  new Gauge({
    name: "reprise_reservations",
    help: "Reservations by state",
    labelNames: ["state"],
    registers,
    collect() {
      const counts = new Map([
        ["held", 0],
        ["claimed", 0],
      ]);
      for (const { state } of runtime.allocator.reservations()) {
        counts.set(state, (counts.get(state) ?? 0) + 1);
      }
      for (const [state, count] of counts) this.labels(state).set(count);
    },
  });

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
}

function addLearntGauges({ outcomes, coordinator }: ServiceRuntime, registers: Registry[]): void {
  addQualityGauges(outcomes.quality, registers);
  addHintGauges(() => coordinator.hints, registers);
}
