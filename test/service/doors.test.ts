/** TLS and client certificates, what the log says, and readers that do not read. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request as ask } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { sleep } from "../../host/lib/clock.js";
import { Service } from "../../host/service/serve.js";
import { caller, configOf, ENFORCING, withFolder, withService } from "./support.js";

function openssl(...words: string[]): void {
  const { status, stderr } = spawnSync("openssl", words);
  assert.is(status, 0, String(stderr));
}

/** An authority, and a certificate of it for each name. */
function makeCertificates(folder: string, names: readonly string[]): void {
  const at = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-keyout", at("ca.key"), "-out", at("ca.crt"), "-subj", "/CN=authority"];
  openssl("req", "-x509", ...key, "-days", "2", ...authority);
  writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1\n");
  for (const name of names) {
    const [file, csr, out] = [at(`${name}.key`), at(`${name}.csr`), at(`${name}.crt`)];
    openssl("req", ...key, "-keyout", file, "-out", csr, "-subj", `/CN=${name}`);
    const signer = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial"];
    openssl("x509", "-req", "-in", csr, ...signer, "-out", out, "-extfile", at("names"));
  }
}

function statusOf(address: string, options: object): Promise<number | string> {
  return new Promise((resolve) => {
    const sent = ask(`${address}/healthz`, options, (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end();
  });
}

test("with an authority of clients only its certificates come in, and nothing in the clear", () =>
  withFolder(async (folder) => {
    if (spawnSync("openssl", ["version"]).error !== undefined) {
      console.log("skipped: no openssl to make certificates with");
      return;
    }
    makeCertificates(folder, ["server", "client"]);
    const at = (name: string) => join(folder, name);
    const files = `certFile: ${at("server.crt")}, keyFile: ${at("server.key")}`;
    const yaml = `${ENFORCING}\ntls: { ${files}, clientCaFile: ${at("ca.crt")} }`;
    await withService(yaml, async (_call, { address }) => {
      assert.match(address, /^https:/);
      const ca = readFileSync(at("ca.crt"));
      const mine = { cert: readFileSync(at("client.crt")), key: readFileSync(at("client.key")) };
      assert.is(await statusOf(address, { ca, ...mine }), 200);
      assert.not.equal(await statusOf(address, { ca }), 200, "without a certificate");
      assert.not.equal(await statusOf(address, mine), 200, "the server's is not of a known one");
      const clear = address.replace("https:", "http:");
      const answer = await fetch(`${clear}/healthz`).then(
        ({ status }) => status,
        () => "refused",
      );
      assert.is(answer, "refused");
    });
  }));

test("no secret reaches the log, whatever its level and whatever goes wrong", () =>
  withFolder(async (folder) => {
    let text = "";
    const sink = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    });
    const file = join(folder, "tokens");
    writeFileSync(file, `${JSON.stringify({ name: "a", role: "read", sha256: "0".repeat(64) })}\n`);
    const config = configOf(`${ENFORCING}\nauth: { tokensFile: ${file} }`);
    const log = pino({ level: "trace" }, sink);
    const service = await Service.open({ config, version: "test", log });
    try {
      const call = caller(service.address);
      const secret = { authorization: "Bearer very-secret-word", cookie: "very-secret-word" };
      for (const path of ["/v1/instances", "/v1/nowhere?token=very-secret-word", "/docs"]) {
        await call("GET", path, undefined, secret);
      }
      await call("POST", "/v1/samples", '{"very-secret-word', secret);
    } finally {
      await service.close();
    }
    assert.match(text, /"route"/);
    assert.not.match(text, "very-secret-word");
  }));

test("who follows the events and does not read is cut off, others see everything", () =>
  withService(`${ENFORCING}\nhttp: { streamsMax: 4 }`, async (_call, { address, runtime }) => {
    const { hostname, port } = new URL(address);
    const lazy = connect(Number(port), hostname);
    lazy.on("error", () => {});
    lazy.write(`GET /v1/events HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
    lazy.pause();
    for (let wait = 0; runtime.events.followerCount < 2 && wait < 200; wait++) await sleep(10);
    assert.is(runtime.events.followerCount, 2, "the metrics and the lazy one");
    let seen = 0;
    runtime.events.follow(() => seen++);
    const degraded = "x".repeat(65_536);
    // The system's own buffers take some megabytes before anything waits here.
    let sent = 0;
    for (; runtime.events.followerCount > 2 && sent < 1_000; sent++) {
      runtime.events.publish({ kind: "health", degraded }, 0);
      if (sent % 8 === 7) await sleep(1);
    }
    assert.ok(sent < 1_000, "it was never cut off");
    assert.ok(seen >= sent, `${seen} of ${sent}`);
    lazy.destroy();
  }));

test.run();
