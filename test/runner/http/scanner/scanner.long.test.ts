import pino from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { openHttpApp } from "../../../../runner/http/open-app.ts";
import { peerAddressOf, startHttpServer } from "../../../../runner/http/server/server.ts";
import { startRouter } from "../../../../runner/router.ts";
import type { Services } from "../../../../runner/setup/services.ts";
import { FUNCTION_NAMES } from "../../../../shared/function-names.ts";
import { signalFields } from "../../../builders.ts";
import { byPace } from "../../../long/pace.ts";
import { redisUrl } from "../../../servers/fixtures.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";
import { withoutEndless, readDescription, type Operation } from "./description.ts";
import type { Rules } from "./invariants.ts";
import { scan } from "./scan.ts";

/**
 * Sends a router valid and invalid requests made from its own description. SCAN_SECONDS is the duration (five minutes are a
 * good check, an hour a thorough one); the same SCAN_SEED sends the same requests again.
 */
const SECONDS = Number(process.env["SCAN_SECONDS"] ?? byPace({ short: 8, full: 300 }));
const SEED = Number(process.env["SCAN_SEED"] ?? Math.floor(Math.random() * 1e6));

const WEBHOOK_SECRET = "a-secret-for-the-scanner";
const BODY_BYTES_MAX = 16_384;
/** Shorter than in production, so that more slow requests fit in. */
const LIMITS = { headersMsMax: 1_500, requestMsMax: 2_000, checkEveryMs: 200 };
const ENDED_MS_MAX = 20_000;
/** Generous, because it is to find only what grows with every request. */
const GROWTH_BYTES_MAX = 40_000_000;

const http = useHttpApp({
  settings: { WEBHOOK_SECRET, HTTP_BODY_BYTES_MAX: String(BODY_BYTES_MAX), BLOCK_MS: "200" },
});

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Paths like the webhook's are answered that they are not its paths. */
const PUBLIC_PATHS = /^\/(?:healthz|readyz|\/*webhooks(?:\/.*)?)$/i;

function tokenFor(operation: Operation | undefined): string {
  return operation?.path.startsWith("/webhooks/") === true ? WEBHOOK_SECRET : TOKEN;
}

function rules(description: Rules["description"]): Rules {
  return {
    description,
    secrets: [TOKEN, WEBHOOK_SECRET, redisUrl(), http.databaseUrl],
    isPublic: (path) => PUBLIC_PATHS.test(path),
    // Redis and Postgres are always available. Only readiness may be 503, and everything once the scanner has paused it.
    isExpected: ({ operation }, { status, body }) =>
      status === 503 && (operation?.path === "/readyz" || body.includes("every strategy is paused")),
  };
}

/** A router with its server, as with `npm start`; each kind of error in its log is added to `errors`. */
async function startRouterAndServer(errors: Set<string>): Promise<{ port: number; url: string }> {
  const logger = pino({ level: "error" }, { write: (line) => void errors.add(withoutNumbers(line)) });
  const services: Services = { ...http.services, logger };
  const router = await startRouter(services);
  ends.push(async () => router.stop({ reason: "scan over" }));
  const { app, close } = openHttpApp({ services, token: TOKEN, peerAddressOf });
  ends.push(close);
  const server = await startHttpServer(app, {
    host: "127.0.0.1",
    port: 0,
    logger,
    onFailure: (error) => errors.add(String(error)),
    onCrowded: (error) => errors.add(String(error)),
    limits: LIMITS,
  });
  ends.push(async () => server.stop({ msMax: 1_000 }));
  return { port: Number(new URL(server.url).port), url: server.url };
}

/** Ids of existing entries, signals and dead letters, and names in the reference. */
async function knownTexts(): Promise<string[]> {
  const now = new Date().toISOString();
  const entries = await Promise.all(
    ["SIGNAL_1_LONG", "SIGNAL_1_SHORT", "NO_SUCH_PHRASE"].map(async (message, i) =>
      http.publish(signalFields({ message, bar_time: now, uid: `uid-${i}` })),
    ),
  );
  const { redis, keys } = http.services;
  const letters = [];
  for (const entryId of entries) {
    const letter = {
      stream: "signals_stream",
      entry_id: entryId,
      function: "process-signals",
      reason: "test",
    };
    const rest = { error: "given up on", deliveries: "6", at: now, fields: JSON.stringify(signalFields()) };
    letters.push(
      String(
        await redis.xadd(keys.stream("dead_letters"), "*", ...Object.entries({ ...letter, ...rest }).flat()),
      ),
    );
  }
  const names = ["BTCUSDT", "SIGNAL_1_LONG", "10", "1", "uid-0", "uid-1", "live", "current", now];
  return [...entries, ...letters, ...names, ...FUNCTION_NAMES];
}

test(
  `no request breaks the router: seed ${SEED}, ${SECONDS} s`,
  { timeout: (SECONDS + 60) * 1_000 },
  async () => {
    const errors = new Set<string>();
    const { port, url } = await startRouterAndServer(errors);
    const authorization = `Bearer ${TOKEN}`;
    const document = await fetch(`${url}/openapi.json`, { headers: { authorization } });
    const described = readDescription((await document.json()) as Parameters<typeof readDescription>[0]);
    const description = withoutEndless(described);
    const { definitions } = description;

    const report = await scan({
      target: { port, tokenFor, msMax: ENDED_MS_MAX },
      shots: { description, definitions, known: await knownTexts(), bodyBytesMax: BODY_BYTES_MAX },
      rules: rules(description),
      seed: SEED,
      seconds: SECONDS,
    });

    const { warm, end } = report.usedBytes;
    console.info(
      `${report.shots} requests, seed ${SEED}; in use ${megabytes(warm)}, at the end ${megabytes(end)}`,
    );
    console.info(
      [...report.answers]
        .map(([name, count]) => `${name} × ${count}`)
        .toSorted()
        .join("\n"),
    );
    expect([...report.faults, ...errors].join("\n\n")).toBe("");
    expect(end - warm).toBeLessThan(GROWTH_BYTES_MAX);
    for (const operation of description.operations) {
      const answered = [...report.answers.keys()].some((name) =>
        name.startsWith(`${operation.method} ${operation.path} `),
      );
      expect([operation.path, answered]).toEqual([operation.path, true]);
    }
    await vi.waitFor(async () => {
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
    });
  },
);

/** Lines of the log that differ only in numbers and ids become equal. */
function withoutNumbers(line: string): string {
  return line.replaceAll(/"request_id":"[^"]*"|[\d.]+/g, "…");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
