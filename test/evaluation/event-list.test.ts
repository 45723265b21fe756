import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  checkEvents,
  eventCheckWords,
  eventListName,
  eventListText,
  recordEvents,
} from "../../host/model/evaluation/event-list.js";
import { drawCuts } from "../../host/model/training/cuts.js";
import type { TilePlan } from "../../host/model/training/dataset.js";
import { planRounds } from "../../host/model/training/rounds.js";
import { syntheticSeries } from "../train/synthetic-series.js";

const test = suite("lists of events");

const folder = mkdtempSync(join(tmpdir(), "reprise-events-"));
test.after(() => rmSync(folder, { recursive: true }));

const KEPT = fileURLToPath(new URL("../../../../host/model/evaluation/events/", import.meta.url));

function tile(seed: number): TilePlan {
  const series = [syntheticSeries("a", 1, 1), syntheticSeries("b", 2, 1)];
  const cuts = drawCuts({ seed, train: 0, validate: 2, validateAll: 0, test: 3 }, 0);
  const restart = { ...cuts[4], restart: { lane: 1, kind: "cold" } } as (typeof cuts)[number];
  const streams = series.map((one) => ({ ...one, interruptions: [] }));
  return {
    series,
    streams,
    cuts: [...cuts, restart],
    rounds: planRounds(streams, cuts),
    firstRound: 0,
    firstEvent: 0,
  };
}

test("a list says who was asked, when, and for what outage", () => {
  const lines = eventListText([tile(1)])
    .trim()
    .split("\n");
  assert.is(lines.length, 1 + 1 + 6);
  assert.is(lines[1], "tile,,,,a b,");
  assert.match(lines[2] ?? "", /^cut,validate,\d{10},[01],(\d+ ){7}\d+,$/);
  assert.match(lines[7] ?? "", /^cut,test,\d{10},[01],(\d+ ){7}\d+,1 cold$/);
});

test("a run is compared with the list that is kept for it", () => {
  const name = eventListName(2, 1, 3);
  const text = eventListText([tile(1)]);
  assert.match(eventCheckWords(checkEvents(text, name, folder)), /no list is kept/);
  recordEvents(join(folder, name), text);
  const same = checkEvents(text, name, folder);
  assert.is(same.list, name);
  assert.is(same.difference, undefined);
  assert.match(eventCheckWords(same), /as recorded in bitbrains-2-seed1-cuts3.csv.gz$/);
  const other = checkEvents(eventListText([tile(2)]), name, folder);
  assert.match(other.difference ?? "", /^line 3: got "cut,validate,/);
  assert.not.equal(other.sha256, same.sha256);
  assert.match(eventCheckWords(other), /NOT as recorded/);
  const shorter = checkEvents(`${text.split("\n").slice(0, 4).join("\n")}\n`, name, folder);
  assert.match(shorter.difference ?? "", /^line 5: got ""/);
});

test("the kept lists are of the documented runs", () => {
  for (const [name, tiles, cuts] of [
    ["bitbrains-360-seed1-cuts100.csv.gz", 46, 200],
    ["bitbrains-360-seed1-cuts30.csv.gz", 46, 60],
  ] as const) {
    const text = gunzipSync(readFileSync(join(KEPT, name))).toString("utf8");
    const lines = text.trim().split("\n").slice(1);
    assert.is(lines.filter((line) => line.startsWith("tile,")).length, tiles);
    const names = lines
      .filter((line) => line.startsWith("tile,"))
      .flatMap((line) => (line.split(",")[4] ?? "").split(" "));
    assert.is(new Set(names).size, 360);
    const virtual = lines.filter((line) => line.startsWith("cut,") && line.endsWith(","));
    // Instances that are held out have no validation cuts.
    const heldOut = 10;
    assert.is(virtual.length, tiles * cuts - (heldOut * cuts) / 2);
  }
});

test.run();
