import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Prng } from "../../host/lib/prng.js";
import { killWhen, runReprise } from "../support/command-line.js";
import { writeTraceFolder } from "./trace-folder.js";

const test = suite("resume, many kills");
const folder = mkdtempSync(join(tmpdir(), "reprise-resume-slow-"));
test.after(() => rmSync(folder, { recursive: true }));

const EPOCHS = 30;
const KILLS_MIN = 8;

test("killed again and again at any moment, a run ends with the bytes of one undisturbed", async () => {
  writeTraceFolder(folder);
  const [whole = "", killed = ""] = ["whole", "killed"].map((place) =>
    join(mkdtempSync(join(folder, place)), "small.safetensors"),
  );
  const command = (out: string) => [
    ...["train", "--data", folder, "--out", out, "--workers", "1", "--json"],
    ...[
      "--epochs",
      `${EPOCHS}`,
      "--rate",
      "0.001",
      "--events",
      "200",
      "--scored",
      "4",
      "--hidden",
      "8",
    ],
  ];
  assert.is((await runReprise(command(whole))).code, 0);
  const prng = new Prng(20260101);
  let kills = 0;
  for (let attempt = 0; kills < KILLS_MIN && !existsSync(killed); attempt++) {
    assert.ok(attempt < EPOCHS);
    // An epoch takes some tens of milliseconds: the kill may fall into its end and its checkpoint.
    const words = [...command(killed), "--resume"];
    const signal = await killWhen(words, /epoch \d+:/, prng.uniform() * 60);
    if (signal === "SIGKILL") kills += 1;
  }
  assert.ok(kills >= 3, `${kills} kills hit`);
  const last = await runReprise([...command(killed), "--resume"]);
  assert.is(last.code, 0, last.stderr);
  assert.is(Buffer.compare(readFileSync(killed), readFileSync(whole)), 0);
});

test.run();
