/**
 * Serves this checkout's files to the page, on this machine alone.
 *
 *     node examples/browser/serve.mjs [PORT]
 */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
/** What the page needs, no more. */
const SERVED = /^\/(examples\/browser|build\/(js\/host|wasm)|host\/model\/weights|node_modules\/@assemblyscript\/loader)\//;

const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
  const file = `${root}${path.endsWith("/") ? `${path}index.html` : path}`;
  if (!SERVED.test(path) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});
server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/examples/browser/`);
});
