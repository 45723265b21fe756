/** Numbers and times as people read them. Times are UTC, like everything the service says. */
import type { Resource } from "../../core/abi.js";

export const TITLES: Readonly<Record<Resource, string>> = {
  cpu: "CPU",
  memory: "Memory",
  network: "Network",
  disk: "Disk",
};

export const UNITS: Readonly<Record<Resource, string>> = {
  cpu: "cores",
  memory: "GiB",
  network: "Mbps",
  disk: "MB/s",
};

export const RUNGS = ["network", "type's state", "statistics", "population", "limit"] as const;

/** Three digits that matter. */
export function amount(value: number): string {
  const size = Math.abs(value);
  if (size < 0.005) return "0";
  if (size >= 10_000) return `${(value / 1_000).toFixed(size >= 100_000 ? 0 : 1)}k`;
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** A sentence of the service with its exact numbers rounded; the API has them whole. */
export function rounded(text: string): string {
  return text.replace(/\d+\.\d{3,}/g, (digits) => amount(Number(digits)));
}

export function percent(share: number | null | undefined, digits = 0): string {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(digits)} %`;
}

export function clock(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 16);
}

export function dayAndClock(timeMs: number): string {
  const [day = "", time = ""] = new Date(timeMs).toISOString().split("T");
  return `${day.slice(5)} ${time.slice(0, 5)}`;
}

export function fullTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** "in 12 min", "3 h ago". */
export function away(timeMs: number, nowMs: number): string {
  const minutes = Math.round(Math.abs(timeMs - nowMs) / 60_000);
  const text =
    minutes < 1 ? "< 1 min" : minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
  return timeMs > nowMs ? `in ${text}` : `${text} ago`;
}

const WORDS: Readonly<Record<string, string>> = {
  proceed: "Proceed",
  defer: "Defer",
  refuse: "Refuse",
};

export function verdict(kind: string): string {
  return WORDS[kind] ?? kind;
}
