/**
 * The service's events. Read with fetch and not with EventSource, which cannot send a token; goes on
 * from the last event seen after a break.
 */
import { sleep } from "../../lib/clock.js";
import { headers } from "./api.js";
import type { LiveEvent } from "./wire.js";

type Follower = (event: LiveEvent) => void;
type StateFollower = (isLive: boolean) => void;

const AGAIN_MS = 2_000;

const followers = new Set<Follower>();
const stateFollowers = new Set<StateFollower>();
let lastId: number | undefined;
let isLive = false;

/** @returns ends it */
export function follow(follower: Follower): () => void {
  followers.add(follower);
  return () => {
    followers.delete(follower);
  };
}

/** Hears at once and then whenever the stream breaks or is back. @returns ends it */
export function followState(follower: StateFollower): () => void {
  stateFollowers.add(follower);
  follower(isLive);
  return () => {
    stateFollowers.delete(follower);
  };
}

/** Reads for as long as the page is open. */
export async function readForever(): Promise<never> {
  for (;;) {
    await readOnce().catch(() => undefined);
    setLive(false);
    await sleep(AGAIN_MS);
  }
}

async function readOnce(): Promise<void> {
  const after: Record<string, string> =
    lastId === undefined ? {} : { "last-event-id": String(lastId) };
  const reply = await fetch("/v1/events", { headers: { ...headers(), ...after } });
  if (!reply.ok || reply.body === null) return;
  setLive(true);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) tell(block);
  }
}

function tell(block: string): void {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return;
  const id = Number(fields.get("id"));
  lastId = id;
  const event = { id, ...(JSON.parse(data) as object) } as LiveEvent;
  for (const follower of followers) follower(event);
}

function setLive(now: boolean): void {
  if (isLive === now) return;
  isLive = now;
  for (const follower of stateFollowers) follower(now);
}
