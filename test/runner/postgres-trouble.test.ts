import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { mixedReference } from "../mixed-signals.ts";
import { insertReference, sql } from "../servers/insert-reference.ts";
import { startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { startRelay, type Relay } from "../servers/relay.ts";
import { useRouters } from "../servers/router-fixture.ts";

const router = useRouters();
/** A Postgres that may be maltreated, unlike the one all test files share. */
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

/** Empties the server's database and makes the router use it. */
async function useServer(url = server.url): Promise<void> {
  await sql(server.url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  const database = await openDatabase({ url: server.url, dataDir: "", onError: () => undefined });
  await database.migrate();
  await database.close();
  await insertReference(server.url, mixedReference());
  router.env["DATABASE_URL"] = url;
}

const signal = (uid: string) => ({
  message: "SIGNAL_1_LONG",
  symbol: "BTCUSDT",
  bar_time: "2026-01-01T00:00:00Z",
  uid,
});

async function publishMany(prefix: string, count: number): Promise<void> {
  const sent = Array.from({ length: count }, async (_, i) => router.publish(signal(`${prefix}${i}`)));
  await Promise.all(sent);
}

async function untilRouted(entries: number): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await router.redis.xlen(router.keys.stream("strategy_input_stream"))).toBe(entries * 4),
    { timeout: 20_000, interval: 20 },
  );
}

async function untilLogged(entries: number, timeout = 40_000): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await sql(server.url, "SELECT count(*)::int AS n FROM signal_log")).toEqual([{ n: entries }]),
    { timeout, interval: 100 },
  );
}

async function deadLetters(): Promise<number> {
  return router.redis.xlen(router.keys.stream("dead_letters"));
}

describe("trouble with Postgres", () => {
  test("an outage ten times longer than CLAIM_IDLE_MS × DELIVERIES_MAX stops no signal and dead-letters nothing", async () => {
    await useServer();
    Object.assign(router.env, { CLAIM_IDLE_MS: "300", DELIVERIES_MAX: "2" });
    await Promise.all([router.start(), router.start()]);
    await publishMany("before", 10);
    await untilRouted(10);
    const stoppedAt = Date.now();
    await server.kill();
    let published = 10;
    while (Date.now() - stoppedAt < 10 * 300 * 2) {
      await publishMany(`during${published}-`, 20);
      published += 20;
      await untilRouted(published);
    }
    await server.start();
    await untilLogged(published);
    // Each batch writes its signals first.
    await vi.waitFor(async () =>
      expect(await sql(server.url, "SELECT count(*)::int AS n FROM signal_log_entries")).toEqual([
        { n: published * 9 },
      ]),
    );
    expect(await deadLetters()).toBe(0);
  }, 120_000);

  test("a server that freezes in mid-statement holds up nothing but the log", async () => {
    const relay: Relay = await startRelay(server.port);
    try {
      const url = new URL(server.url);
      url.port = String(relay.port);
      await useServer(url.href);
      await router.start();
      await publishMany("before", 10);
      await untilLogged(10);
      relay.freeze();
      await publishMany("during", 50);
      await untilRouted(60);
      relay.cut();
      await untilLogged(60);
    } finally {
      await relay.stop();
    }
  }, 120_000);

  test("backends terminated again and again while rows are written lose none", async () => {
    await useServer();
    const running = await router.start();
    const killer = new Client({ connectionString: server.url });
    await killer.connect();
    for (let round = 0; round < 10; round += 1) {
      await publishMany(`r${round}-`, 50);
      await killer.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name <> ''",
      );
    }
    await killer.end();
    try {
      await untilRouted(500);
    } catch (error) {
      console.log(
        running.output(),
        await router.redis.hgetall(router.keys.metrics),
        await router.redis.xpending(router.keys.stream("signals_stream"), "signal_processor"),
        await router.redis.hgetall(router.keys.loops),
        Date.now(),
      );
      throw error;
    }
    await untilLogged(500);
    expect(await deadLetters()).toBe(0);
  }, 120_000);

  test("a row it refuses becomes a dead letter, its neighbours are stored", async () => {
    await useServer();
    await sql(server.url, "ALTER TABLE signal_log ADD CONSTRAINT no_bad CHECK (uid <> 'bad3')");
    await router.start();
    await publishMany("bad", 10);
    await untilLogged(9);
    await vi.waitFor(async () => expect(await deadLetters()).toBe(1), { timeout: 10_000 });
    await untilRouted(10);
  }, 60_000);

  test("a disk that is full is an outage, not a reason to give up on a record", async () => {
    await useServer();
    await sql(
      server.url,
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
       CREATE TRIGGER full_disk BEFORE INSERT ON signal_log EXECUTE FUNCTION full_disk()`,
    );
    const running = await router.start();
    await publishMany("a", 10);
    await untilRouted(10);
    await vi.waitFor(() => expect(running.output()).toContain("No space left"), { timeout: 10_000 });
    await sql(server.url, "DROP TRIGGER full_disk ON signal_log");
    await untilLogged(10);
    expect(await deadLetters()).toBe(0);
  }, 60_000);
});
