import { setTimeout as after } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { FUNCTION_NAMES } from "../../../../shared/function-names.ts";
import { referenceRows } from "../../../builders.ts";
import { byPace } from "../../../long/pace.ts";
import { redisUrl } from "../../../servers/fixtures.ts";
import { insertReference } from "../../../servers/insert-reference.ts";
import { useRouters } from "../../../servers/router-fixture.ts";
import { withoutEndless, readDescription } from "../scanner/description.ts";
import { scan, type ScanReport } from "../scanner/scan.ts";
import { honestAlerts, type HonestAlerts } from "./honest-sender.ts";
import { holdHostileConnections } from "./hostile-connections.ts";
import { alertBodies, samples, streamEntries } from "./hostile-values.ts";
import { COLLECTING, processUse, type CollectingRouter } from "./process-use.ts";

/**
 * The adversary's day: every fuzzer at once against a router in a process of its own, while honest alerts are sent. ADVERSARY_SECONDS
 * is the duration (1800 is a good check); the same ADVERSARY_SEED sends the same values again.
 */
const SECONDS = Number(process.env["ADVERSARY_SECONDS"] ?? byPace({ short: 10, full: 180 }));
const SEED = Number(process.env["ADVERSARY_SEED"] ?? Math.floor(Math.random() * 1e6));

const TOKEN = "a-token-for-the-adversary";
const SECRET = "a-secret-for-the-adversary";
/** Of each webhook that hostile alerts are sent to. */
const SECRETS = [
  ["tradingview", SECRET],
  ["text", "a-secret-of-hostile-texts"],
  ["tradingview-strategy", "a-secret-of-hostile-orders"],
] as const;
const BODY_BYTES_MAX = 65_536;
/** More than the server allows. */
const HOSTILE_COUNT = 1_200;
const ANSWERED_MS_MAX = 3_000;
/** With the secret nothing is limited, and more would only measure how fast this machine is. */
const HOSTILE_EVERY_MS = 20;
/** A router that has just started compiles its code while it works. */
const WARM_UP_SECONDS = byPace({ short: 2, full: 5 });
/** Generous, because it is to find only what grows with every request. */
const GROWTH_BYTES_MAX = 40_000_000;
const OPEN_FILES_GROWTH_MAX = 20;

const router = useRouters();

/** Honest alerts from a process of their own, for so long. */
async function sendHonestAlerts(url: string, seconds: number): Promise<HonestAlerts> {
  const sender = router.spawn(
    "test/runner/http/adversary/honest-sender.ts",
    `${url}/webhooks/tradingview/${SECRET}`,
    String(seconds),
    `honest-${performance.now()}`,
  );
  await sender.ended();
  return honestAlerts.parse(JSON.parse(sender.output()));
}

/** Posts hostile bodies with the right secret; each must be accepted, or refused as a fault of the request. */
async function postHostileAlerts(url: string, until: number, faults: string[]): Promise<void> {
  const bodies = samples(alertBodies, SEED);
  for (let n = 0; performance.now() < until; n += 1) {
    const body = Buffer.from(bodies.next().value);
    const [source, secret] = SECRETS[n % SECRETS.length] ?? ["tradingview", SECRET];
    const answer = await fetch(`${url}/webhooks/${source}/${secret}`, { method: "POST", body });
    const text = await answer.text();
    if (![202, 400, 413, 422].includes(answer.status))
      faults.push(`${source} ${body.toString("hex", 0, 200)}: ${answer.status} ${text.slice(0, 300)}`);
    await after(HOSTILE_EVERY_MS);
  }
}

/** Adds hostile entries to the stream of signals, as another program with access to Redis could. */
async function addHostileEntries(until: number): Promise<void> {
  const entries = samples(streamEntries, SEED);
  while (performance.now() < until) {
    await router.redis.xadd(router.keys.stream("signals_stream"), "*", ...entries.next().value);
    await after(HOSTILE_EVERY_MS);
  }
}

async function scanRoutes(url: string, seconds: number): Promise<ScanReport> {
  const document = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const described = readDescription((await document.json()) as Parameters<typeof readDescription>[0]);
  const description = withoutEndless(described);
  return scan({
    target: {
      port: Number(new URL(url).port),
      tokenFor: (operation) => (operation?.path.startsWith("/webhooks/") === true ? SECRET : TOKEN),
      msMax: 30_000,
    },
    shots: {
      description,
      definitions: description.definitions,
      known: ["BTCUSDT", "SIGNAL_1_LONG", "10", "1", "honest-0", "live", "current", ...FUNCTION_NAMES],
      bodyBytesMax: BODY_BYTES_MAX,
    },
    rules: {
      description,
      secrets: [TOKEN, ...SECRETS.map(([, secret]) => secret), redisUrl(), router.databaseUrl],
      isPublic: (path) => /^\/(?:healthz|readyz|\/*webhooks(?:\/.*)?)$/i.test(path),
      // Redis and Postgres are there; a scan may pause everything, and then readiness and forced decisions wait.
      isExpected: ({ operation }, { status, body }) =>
        status === 503 && (operation?.path === "/readyz" || body.includes("every strategy is paused")),
    },
    seed: SEED,
    seconds,
  });
}

async function attack(url: string, seconds: number): Promise<{ faults: string[]; honest: HonestAlerts }> {
  const until = performance.now() + seconds * 1_000;
  const faults: string[] = [];
  const [honest, report, opened] = await Promise.all([
    sendHonestAlerts(url, seconds),
    scanRoutes(url, seconds),
    holdHostileConnections(Number(new URL(url).port), { count: HOSTILE_COUNT, until }),
    postHostileAlerts(url, until, faults),
    addHostileEntries(until),
  ]);
  console.info(`${report.shots} requests and ${opened} hostile connections in ${seconds} s`);
  return { faults: [...faults, ...honest.faults, ...report.faults], honest };
}

/** Waits until everything hostile has ended, then asks what the router uses. */
async function useAfterwards(target: CollectingRouter, openFilesMax: number) {
  return vi.waitFor(
    async () => {
      const use = await processUse(target);
      expect(use.openFiles).toBeLessThanOrEqual(openFilesMax);
      return use;
    },
    { timeout: 90_000, interval: 1_000 },
  );
}

test(
  `every honest alert is answered in time and decided, and nothing grows: seed ${SEED}, ${SECONDS} s`,
  { timeout: (SECONDS + 240) * 1_000 },
  async () => {
    await insertReference(router.databaseUrl, referenceRows());
    Object.assign(router.env, {
      HTTP_TOKEN: TOKEN,
      WEBHOOK_SECRET: SECRET,
      WEBHOOK_SECRET_TEXT: SECRETS[1][1],
      WEBHOOK_SECRET_TRADINGVIEW_STRATEGY: SECRETS[2][1],
      HTTP_PORT: "0",
      HTTP_BODY_BYTES_MAX: String(BODY_BYTES_MAX),
      NODE_OPTIONS: COLLECTING,
    });
    const running = await router.start();
    const [, url = ""] = /"http":"(http:\/\/[\w.]+:\d+)"/.exec(running.output()) ?? [];
    const target = { url, token: TOKEN, signal: (name: NodeJS.Signals) => running.signal(name) };

    const faults = (await scanRoutes(url, WARM_UP_SECONDS)).faults.slice();
    const before = await processUse(target);
    const openFilesMax = before.openFiles + OPEN_FILES_GROWTH_MAX;
    const first = await attack(url, SECONDS * 0.4);
    const warm = await useAfterwards(target, openFilesMax);
    const second = await attack(url, SECONDS * 0.6);
    const end = await useAfterwards(target, openFilesMax);

    const entries = [...first.honest.entries, ...second.honest.entries];
    const slowest = [first, second].map(({ honest }) => Math.round(honest.slowestMs));
    const slowestMs = Math.max(...slowest);
    console.info(
      `${entries.length} honest alerts, the slowest of each part answered after ${slowest.join(" and ")} ms ` +
        `(${await redisDelays()}); ` +
        `in use ${megabytes(before.bytes)} before, ${megabytes(warm.bytes)} between, ${megabytes(end.bytes)} after`,
    );
    expect([...faults, ...first.faults, ...second.faults].join("\n\n")).toBe("");
    expect(entries.length).toBeGreaterThan(SECONDS);
    expect(end.bytes - warm.bytes).toBeLessThan(GROWTH_BYTES_MAX);
    await vi.waitFor(
      async () => {
        const rows = await router.sql("SELECT entry_id FROM signal_log WHERE invocation = 'live'");
        const decided = new Set(rows.map(({ entry_id }) => entry_id));
        expect(entries.filter((id) => !decided.has(id))).toEqual([]);
      },
      { timeout: 60_000, interval: 500 },
    );
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    // The short form runs beside other tests, where nothing is known about time.
    if (byPace({ short: false, full: true })) expect(slowestMs).toBeLessThan(ANSWERED_MS_MAX);
  },
);

/** What may have delayed answers on the side of Redis: a disk that is busy with something else, or a large dataset. */
async function redisDelays(): Promise<string> {
  const [persistence, stats] = [await router.redis.info("persistence"), await router.redis.info("stats")];
  const valueOf = (text: string, name: string): string => new RegExp(`${name}:(\\d+)`).exec(text)?.[1] ?? "?";
  return `Redis: ${valueOf(persistence, "aof_delayed_fsync")} delayed fsyncs, last fork ${valueOf(stats, "latest_fork_usec")} µs`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
