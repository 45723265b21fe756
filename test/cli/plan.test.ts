/** `reprise plan` in a real process, asking a real service. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ENFORCING, registration, withService } from "../service/support.js";
import { runReprise } from "../support/command-line.js";

test("asks what would be decided, and leaves everything as it was", () =>
  withService(ENFORCING, async (call, { address }) => {
    const requested = { cpu: 6, memory: 2, network: 10, disk: 5 };
    await call("PUT", "/v1/instances", registration("large", { requested, nodeId: "n1" }));
    const asked = ["plan", "--dry-run", "--url", address];
    const reclaim = ["--reclaim", "cpu=8,memory=1", "--nodes", "n1"];
    const people = await runReprise([...asked, ...reclaim]);
    assert.equal([people.code, people.stderr], [0, ""]);
    assert.match(people.stdout, /^would proceed; nothing was done$/m);
    assert.match(people.stdout, /^victims {2}large$/m);
    assert.match(people.stdout, /^large .* chosen$/m);
    const machine = await runReprise([...asked, "--interrupt", "nobody", "--json"]);
    const said = JSON.parse(machine.stdout) as Record<string, unknown>;
    assert.equal([said.kind, said.acted, said.victims], ["refuse", false, []]);
    const { body } = await call("GET", "/v1/decisions?limit=5");
    assert.equal(body.items, []);
  }));

test("says what is wrong with the question, or that nobody answers", async () => {
  const needsDryRun = await runReprise(["plan", "--interrupt", "a"]);
  assert.is(needsDryRun.code, 1);
  assert.match(needsDryRun.stderr, /ERR_ARGUMENT: .*say --dry-run/);
  const two = await runReprise(["plan", "--dry-run", "--reclaim", "cpu=4"]);
  assert.match(two.stderr, /ERR_ARGUMENT: .*with --nodes/);
  const amounts = await runReprise(["plan", "--dry-run", "--reclaim", "cores=4", "--nodes", "a"]);
  assert.is(amounts.code, 2);
  const away = ["--url", "http://127.0.0.1:9"];
  const nobody = await runReprise(["plan", "--dry-run", "--interrupt", "a", ...away]);
  assert.is(nobody.code, 1);
  assert.match(nobody.stderr, /ERR_ARGUMENT: .*the service does not answer/);
});

test.run();
