import { verdict } from "../format.js";

const TONES: Readonly<Record<string, string>> = {
  proceed: "good",
  claimed: "good",
  running: "good",
  held: "info",
  defer: "warn",
  down: "warn",
  expired: "mute",
  released: "mute",
  refuse: "bad",
};

/** A state in a word, in its colour; the word alone says it all. */
export function Badge({ state }: { readonly state: string }) {
  return <span class={`badge ${TONES[state] ?? "mute"}`}>{verdict(state)}</span>;
}
