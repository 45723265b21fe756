/** How predictions did at real restarts, for Prometheus: by resource and quantile, nothing else. */
import { Gauge, type Registry } from "prom-client";
import { QUANTILES, RESOURCES } from "../core/abi.js";
import type { QualityBoard, QuantileQuality } from "./quality.js";

const SHARES: Readonly<Record<keyof QuantileQuality, readonly [name: string, help: string]>> = {
  coverage: ["coverage", "Share of measured phases in which the need stayed within the quantile"],
  over: ["over_ratio", "Predicted beyond the need, as a share of the need"],
  under: ["under_ratio", "Needed beyond the prediction, as a share of the need"],
};

export function addQualityGauges(quality: QualityBoard, registers: Registry[]): void {
  for (const [key, [name, help]] of Object.entries(SHARES)) {
    new Gauge({
      name: `reprise_prediction_${name}`,
      help,
      labelNames: ["resource", "quantile"],
      registers,
      collect() {
        RESOURCES.forEach((resource, index) => {
          QUANTILES.forEach((quantile, at) => {
            const value = quality.quantile(index, at)[key as keyof QuantileQuality];
            if (value !== null) this.labels(resource, `${quantile}`).set(value);
          });
        });
      },
    });
  }
  new Gauge({
    name: "reprise_prediction_recent_coverage",
    help: "Coverage of the .95 over the last 400 restarts; apart from the whole it shows drift",
    labelNames: ["resource"],
    registers,
    collect() {
      RESOURCES.forEach((resource, index) => {
        const value = quality.recentCoverage(index);
        if (value !== null) this.labels(resource).set(value);
      });
    },
  });
  new Gauge({
    name: "reprise_prediction_drift",
    help: "1 while the .95 of the last restarts holds clearly less often than before them",
    labelNames: ["resource"],
    registers,
    collect() {
      RESOURCES.forEach((resource, index) => {
        const isDrifting = quality.isDrifting(index);
        if (isDrifting !== null) this.labels(resource).set(isDrifting ? 1 : 0);
      });
    },
  });
  new Gauge({
    name: "reprise_prediction_restarts",
    help: "Restarts whose need was held against its prediction",
    registers,
    collect() {
      this.set(quality.restartCount);
    },
  });
}
