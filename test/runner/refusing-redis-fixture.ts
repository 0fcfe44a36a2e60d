import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import pino from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import * as z from "zod";
import { createHttpApp } from "../../runner/http/app.ts";
import { startRouter } from "../../runner/router.ts";
import { openServices, type Services } from "../../runner/setup/services.ts";
import { readConfig } from "../../shared/config/config.ts";
import { strategySecrets } from "../../shared/config/secrets.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { openSignalIngest } from "../../shared/io/streams/signal-ingest.ts";
import { defineStrategy } from "../../shared/strategy.ts";
import { rowsWithStrategies, signalFields, strategyRow } from "../builders.ts";
import { migratedDatabase } from "../servers/fixtures.ts";
import { insertReference, sql } from "../servers/insert-reference.ts";
import { connectRedis } from "../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../servers/redis.ts";
import { startRelay, type Relay } from "../servers/relay.ts";
import { gateStrategy, type Gate } from "./gate-strategy.ts";
import { callApp, PEER, TOKEN, type Answered } from "./http/http-fixture.ts";

/** A whole router, in this process, on a Redis of its own that can be made to refuse writes, and a Postgres that can be cut off. */

const SECRET = "s3cret-value";
export const CLAIM_IDLE_MS = 300;

export type Refusing = ReturnType<typeof useRefusingRedis>;

export function useRefusingRedis() {
  let server: RedisServer;
  let folder: string;
  const ends: (() => Promise<unknown> | void)[] = [];
  let current: Awaited<ReturnType<typeof open>> | undefined;
  const there = (): NonNullable<typeof current> => {
    if (current === undefined) throw new Error("the router is there during a test only");
    return current;
  };

  beforeAll(async () => {
    server = await startRedis({ aof: "everysec" });
    const admin = connectRedis(server.url);
    [, folder = ""] = await admin.config("GET", "dir");
    // Snapshots are on, though none is due, so that one that fails matters.
    await admin.config("SET", "save", "3600 1000000", "stream-node-max-entries", "5");
    admin.disconnect();
  });
  afterAll(async () => server.stop());
  beforeEach(async () => {
    current = await open();
  });
  afterEach(async () => {
    current?.gate.open();
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function open() {
    const admin = connectRedis(server.url);
    ends.push(() => admin.disconnect());
    await admin.config("SET", "maxmemory", 0);
    await admin.replicaof("NO", "ONE");
    await admin.flushall();
    const fresh = await migratedDatabase();
    ends.push(async () => fresh.drop());
    const rows = rowsWithStrategies([strategyRow(10), strategyRow(11, { handler: "gated" })]);
    await insertReference(fresh.url, rows);
    const relay = await startRelay(Number(new URL(fresh.url).port));
    ends.push(async () => relay.stop());
    const url = new URL(fresh.url);
    Object.assign(url, { hostname: "127.0.0.1", port: String(relay.port) });
    const gate = gateStrategy();
    const lines: string[] = [];
    const services = await servicesOn({ database: url.href, consumer: "first", gate, lines });
    const { keys } = services;
    const ingest = openSignalIngest({ url: server.url, keys, name: "intake", onError: () => undefined });
    ends.push(() => ingest.close());
    const app = createHttpApp({ services, token: TOKEN, peerAddressOf: () => PEER, ingest });
    await services.refresh();
    return { admin, databaseUrl: fresh.url, relayed: url.href, relay, gate, lines, services, ingest, app };
  }

  async function servicesOn(options: {
    database: string;
    consumer: string;
    gate: Gate;
    lines: string[];
  }): Promise<Services> {
    const answer = readConfig({
      CLAIM_IDLE_MS: String(CLAIM_IDLE_MS),
      BLOCK_MS: "50",
      SIGNAL_AGE_MS_MAX: "0",
      WEBHOOK_SECRET: SECRET,
      DELIVERIES_MAX: "2",
    });
    if (!answer.ok) throw new Error(answer.message);
    const database = await openDatabase({ url: options.database, dataDir: "", onError: () => undefined });
    ends.push(async () => database.close());
    const services = openServices({
      config: answer.config,
      redisUrl: server.url,
      consumer: options.consumer,
      database,
      logger: pino({ level: "info" }, { write: (line: string) => options.lines.push(line) }),
      secrets: strategySecrets({}),
      handlers: [options.gate.handler, plain],
    });
    ends.push(() => services.close());
    return services;
  }

  const fixture = {
    get services(): Services {
      return there().services;
    },
    /** A connection of the test's own. */
    get admin() {
      return there().admin;
    },
    get gate(): Gate {
      return there().gate;
    },
    get relay(): Relay {
      return there().relay;
    },
    get keys() {
      return there().services.keys;
    },
    /** The lines of the process log. */
    get log(): string {
      return there().lines.join("");
    },
    async start(): Promise<void> {
      const router = await startRouter(there().services);
      ends.push(async () => router.stop({ msMax: 2_000 }));
    },
    /** A second router beside it. */
    async startNeighbour(): Promise<void> {
      const { relayed, gate, lines } = there();
      const services = await servicesOn({ database: relayed, consumer: "second", gate, lines });
      const router = await startRouter(services);
      ends.push(async () => router.stop({ msMax: 2_000 }));
    },
    call: async (...request: [method: string, path: string, body?: unknown]): Promise<Answered> =>
      callApp(there().app, ...request),
    async sendAlert(): Promise<Answered> {
      const alert = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", time: "2026-01-05T10:00:00Z" };
      return callApp(there().app, "POST", `/webhooks/tradingview/${SECRET}`, alert);
    },
    /** Adds signals with different uids; also to a full Redis, as the last ones that still had room. */
    async publish(count: number, prefix = "u", idOf: (n: number) => string = () => "*"): Promise<void> {
      const add = "#!lua flags=allow-oom\nreturn redis.call('XADD', KEYS[1], unpack(ARGV))";
      const stream = there().services.keys.stream("signals_stream");
      for (let n = 0; n < count; n += 1) {
        const fields = Object.entries(signalFields({ uid: `${prefix}${n}` })).flat();
        await there().admin.eval(add, 1, stream, idOf(n), ...fields);
      }
    },
    /** Status and reasons of `/readyz`, asked anew. */
    async readiness(query = ""): Promise<{ status: number; reasons: string[] }> {
      // A second app has no answer kept.
      const { services, ingest } = there();
      const app = createHttpApp({ services, token: TOKEN, peerAddressOf: () => PEER, ingest });
      const { status, body } = await callApp(app, "GET", `/readyz${query}`);
      return { status, reasons: body.reasons as string[] };
    },
    untilReady: async () =>
      vi.waitFor(async () => expect(await fixture.readiness()).toEqual({ status: 200, reasons: [] }), WAIT),
    sql: async (statement: string) => sql(there().databaseUrl, statement),
    /** How many decisions stand in `signal_results`. */
    async decisions(): Promise<number> {
      const entries = await there().admin.xrange(there().services.keys.stream("signal_results"), "-", "+");
      return entries.filter(([, fields]) => fields[fields.indexOf("kind") + 1] === "signal").length;
    },
    async untilDecided(count: number): Promise<void> {
      await vi.waitFor(async () => expect(await fixture.decisions()).toBe(count), WAIT);
    },
    /** What is pending for the group that decides: id, consumer, deliveries. */
    async pendingSignals(): Promise<string[]> {
      const stream = there().services.keys.stream("signals_stream");
      const pending = (await there().admin.xpending(stream, "signal_processor", "-", "+", 1_000)) as [
        string,
        string,
        number,
        number,
      ][];
      return pending.map(([id, consumer, , deliveries]) => `${id} ${consumer} ${deliveries}`);
    },
    /** Resolves when loops have gone on for several times CLAIM_IDLE_MS, as their heartbeats show. */
    async whileLoopsTurn(idleTimes: number): Promise<void> {
      const latest = async (): Promise<number> =>
        Math.max(...Object.values(await there().admin.hgetall(there().services.keys.loops)).map(Number));
      const from = await latest();
      await vi.waitFor(
        async () => expect(await latest()).toBeGreaterThan(from + idleTimes * CLAIM_IDLE_MS),
        WAIT,
      );
    },
    setMaxMemory: async (bytes: number) => there().admin.config("SET", "maxmemory", bytes),
    /** Redis cannot save its snapshot, as on a full disk, and refuses writes for that. */
    async failSaving(): Promise<void> {
      await rm(join(folder, "dump.rdb"), { force: true });
      await mkdir(join(folder, "dump.rdb", "in-the-way"), { recursive: true });
      await saved("err");
    },
    async letSave(): Promise<void> {
      await rm(join(folder, "dump.rdb"), { recursive: true, force: true });
      await saved("ok");
    },
  };

  /** Not with vi.waitFor, which moves a faked clock. */
  async function saved(result: "ok" | "err"): Promise<void> {
    const { admin } = there();
    const isSaved = async (): Promise<boolean> =>
      (await admin.info("persistence")).includes(`rdb_last_bgsave_status:${result}`);
    while (!(await isSaved())) await admin.bgsave().catch(() => undefined);
  }
  return fixture;
}

const WAIT = { timeout: 20_000, interval: 20 };

const plain = defineStrategy({
  name: "log",
  params: z.object({}),
  run: () => ({ status: "executed" }),
});
