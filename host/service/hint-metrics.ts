/** What became of the hints that nodes may be lost, for Prometheus. */
import { Gauge, type Registry } from "prom-client";
import type { HintReport } from "../coordinator/hints.js";

const GAUGES: Readonly<Record<keyof HintReport, readonly [name: string, help: string]>> = {
  open: ["open", "Nodes hinted at within the last hour"],
  judged: ["judged", "Hints whose hour is over"],
  followed: ["followed", "Of the judged hints: followed by the loss of the node within the hour"],
  stated: ["stated", "Of the judged hints: the mean chance of a loss that was stated"],
  brier: ["brier", "Of the judged hints: the mean squared error of that chance"],
  acted: ["acted", "Of the judged hints: acted on"],
  actedFollowed: ["acted_followed", "Of the hints acted on: followed by the loss"],
  losses: ["losses", "Nodes lost since the first hint"],
  hintedLosses: ["hinted_losses", "Of these: hinted at within the hour before"],
};

export function addHintGauges(report: () => HintReport, registers: Registry[]): void {
  for (const [key, [name, help]] of Object.entries(GAUGES)) {
    new Gauge({
      name: `reprise_hints_${name}`,
      help,
      registers,
      collect() {
        const value = report()[key as keyof HintReport];
        if (value !== null) this.set(value);
      },
    });
  }
}
