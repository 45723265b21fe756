/** The HTTP server: plug-ins, who may come in, errors, and the routes. */
import { readFileSync } from "node:fs";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { Ajv } from "ajv";
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import { elapsedMs } from "../lib/clock.js";
import type { AuditLog } from "./audit.js";
import { type Caller, includesRole, type Role, type TokenFile } from "./auth.js";
import type { ServiceConfig } from "./config/schema.js";
import { addDashboard } from "./dashboard.js";
import { Drain } from "./drain.js";
import type { ServiceMetrics } from "./metrics.js";
import { problem, problemOf } from "./problems.js";
import type { PushIntake } from "./push-intake.js";
import { extenderRoutes } from "./routes/extender.js";
import { instanceRoutes } from "./routes/instances.js";
import { nodeRoutes } from "./routes/nodes.js";
import { operationRoutes } from "./routes/operations.js";
import { poolRoutes } from "./routes/pools.js";
import { pushRoutes } from "./routes/push.js";
import { requestRoutes } from "./routes/requests.js";
import { sampleRoutes } from "./routes/samples.js";
import { streamRoutes } from "./routes/streams.js";
import { viewRoutes } from "./routes/views.js";
import type { ServiceRuntime } from "./runtime.js";
import { securityHeaders } from "./security-headers.js";

export interface AppParts {
  readonly runtime: ServiceRuntime;
  readonly config: ServiceConfig;
  readonly metrics: ServiceMetrics;
  readonly pushed: PushIntake;
  readonly log: FastifyBaseLogger;
  readonly version: string;
  /** Absent: everybody who reaches the door is let in. */
  readonly tokens?: TokenFile;
  readonly audit?: AuditLog;
}

/** Written on a route: who may call it. Everything without it is open, like the health checks. */
declare module "fastify" {
  interface FastifyContextConfig {
    readonly role?: Role;
  }
  interface FastifyRequest {
    caller: Caller;
    beganMs: number;
  }
}

/** Ending takes less than two seconds in all. */
const DRAIN_MS_MAX = 1_200;

const NOBODY: Caller = { name: "anonymous", role: "admin" };

export async function openApp(parts: AppParts): Promise<FastifyInstance> {
  const { config, log, metrics } = parts;
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.http.bodyBytesMax,
    requestTimeout: 30_000,
    // What is still open when it has drained: a client that vanished must not hold a stop.
    forceCloseConnections: true,
    // Refused below, in the words of all other refusals.
    return503OnClosing: false,
    ...(config.tls === undefined ? {} : { https: tlsOptions(config.tls) }),
  });
  checkStrictly(app);
  app.decorateRequest("caller");
  app.decorateRequest("beganMs", 0);
  addErrors(app);
  const headers = securityHeaders(config.tls !== undefined);
  const drain = new Drain();
  app.addHook("preClose", () => drain.close(DRAIN_MS_MAX));
  app.addHook("onRequest", (request, reply, done) => {
    request.beganMs = elapsedMs();
    // On the raw answer, so that what is streamed has them too.
    for (const [name, value] of headers) reply.raw.setHeader(name, value);
    drain.enter(reply.raw);
    admit(request, parts.tokens);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    const seconds = (elapsedMs() - request.beganMs) / 1_000;
    metrics.request(route, request.method, reply.statusCode, seconds);
    log.debug({ id: request.id, route, status: reply.statusCode, seconds }, "request");
    done();
  });
  await addPlugins(app, parts);
  await app.register(
    async (api) => {
      for (const routes of [
        instanceRoutes,
        sampleRoutes,
        nodeRoutes,
        poolRoutes,
        requestRoutes,
        pushRoutes,
        viewRoutes,
      ]) {
        await api.register(async (scope) => routes(scope, parts));
      }
      await api.register(async (scope) => streamRoutes(scope, parts, drain));
    },
    { prefix: "/v1" },
  );
  const scheduler = { prefix: "/scheduler" };
  await app.register(async (scope) => extenderRoutes(scope, parts), scheduler);
  await app.register(async (scope) => operationRoutes(scope, parts));
  await addDashboard(app);
  return app;
}

function tlsOptions({ certFile, keyFile, clientCaFile }: NonNullable<ServiceConfig["tls"]>) {
  return {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ...(clientCaFile === undefined
      ? {}
      : { ca: readFileSync(clientCaFile), requestCert: true, rejectUnauthorized: true }),
  };
}

/** Unknown keys are refused, and only texts of the address line are turned into numbers. */
function checkStrictly(app: FastifyInstance): void {
  const options = { useDefaults: true, allErrors: false, strict: false } as const;
  const ofBodies = new Ajv(options);
  const ofAddresses = new Ajv({ ...options, coerceTypes: true });
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const ajv = httpPart === "body" ? ofBodies : ofAddresses;
    return ajv.compile(schema as object);
  });
}

function addErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const found = problemOf(error);
    if (found.status >= 500) request.log.error({ err: error, id: request.id }, "request failed");
    if (found.status === 401) reply.header("www-authenticate", "Bearer");
    if (found.status === 503) reply.header("retry-after", "1");
    reply.code(found.status).type("application/problem+json").send(JSON.stringify(found));
  });
  app.setNotFoundHandler((request, reply) => {
    const text = `nothing is at ${request.method} ${request.url.split("?")[0]}`;
    reply
      .code(404)
      .type("application/problem+json")
      .send(JSON.stringify(problem("ERR_NOT_FOUND", 404, text)));
  });
}

function admit(request: FastifyRequest, tokens: TokenFile | undefined): void {
  request.caller = NOBODY;
  const needed = request.routeOptions.config.role;
  if (tokens === undefined || needed === undefined) return;
  const secret = secretOf(request.headers.authorization ?? "");
  const caller = secret === undefined ? undefined : tokens.find(secret);
  if (caller === undefined) throw refusal(401, "a bearer token is needed");
  if (!includesRole(caller.role, needed)) {
    throw refusal(403, `the role ${needed} is needed, the token has ${caller.role}`);
  }
  request.caller = caller;
}

/** A bearer token, or the password of those who can only put it into an address. */
function secretOf(authorization: string): string | undefined {
  const [, scheme, text = ""] = /^(Bearer|Basic) (\S{1,4096})$/.exec(authorization) ?? [];
  if (scheme !== "Basic") return scheme === undefined ? undefined : text;
  const pair = Buffer.from(text, "base64").toString("utf8");
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : undefined;
}

function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}

async function addPlugins(app: FastifyInstance, { config, version }: AppParts): Promise<void> {
  await app.register(rateLimit, { max: config.http.requestsPerMinute, timeWindow: 60_000 });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Reprise",
        version,
        description:
          "What interruptible instances need after a restart, whom to interrupt, and what is " +
          "reserved. Amounts: cores, GiB, Mbps, MB/s. Times: ms since 1970 UTC.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });
}
