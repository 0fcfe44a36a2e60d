import { describe, expect, test, vi } from "vitest";
import { asRead, mixedReference, mixedSignal } from "../mixed-signals.ts";
import { freshDatabase } from "../servers/fixtures.ts";
import { insertReference, sql } from "../servers/insert-reference.ts";
import { startRedis } from "../servers/redis.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { startCommand, untilItRuns } from "../servers/router-process.ts";

const router = useRouters();

describe("starting", () => {
  test("signals published before the first start are decided, or stale, not skipped", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    const signal = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z" };
    await router.publish({ ...signal, uid: "new" });
    await router.publish({ ...signal, uid: "old", sent_at: "2026-01-01T00:00:01Z" });
    await router.start();
    await router.settled();
    expect(await router.sql("SELECT uid, status, reason FROM signal_log ORDER BY uid")).toEqual([
      { uid: "new", status: "dispatched", reason: null },
      { uid: "old", status: "ignored", reason: "stale" },
    ]);
  });

  test("a bad environment is refused with every fault at once and exit code 2", async () => {
    Object.assign(router.env, {
      BATCH_COUNT_MAX: "many",
      BLOCK_MS: "-1",
      REDIS_URL: "http://user:hunter2@host",
    });
    const { code, output } = await router.run("main.ts");
    expect(code).toBe(2);
    expect(output).toMatch(/BATCH_COUNT_MAX[^]*BLOCK_MS|BLOCK_MS[^]*BATCH_COUNT_MAX/);
    expect(output).toContain("REDIS_URL");
    expect(output).not.toContain("hunter2");
  });

  test("a database without the schema is refused with the command that makes it, which then does", async () => {
    const empty = await freshDatabase();
    try {
      router.env["DATABASE_URL"] = empty.url;
      const refused = await router.run("main.ts");
      expect(refused).toMatchObject({ code: 2, output: expect.stringContaining("npm run migrate") });
      expect(await router.run("migrate.ts")).toMatchObject({ code: 0 });
      expect(await router.run("migrate.ts")).toMatchObject({
        code: 0,
        output: expect.stringContaining("up to date"),
      });
      await sql(empty.url, "CREATE TABLE strategies_v4 (id integer); INSERT INTO strategies_v4 VALUES (1)");
      const started = await router.start();
      started.signal("SIGTERM");
      expect(await started.ended()).toBe(0);
      expect(started.output()).toContain("`npm run migrate -- --reference v4 --switch`");
      expect(await router.run("migrate.ts", "--reference", "none")).toMatchObject({
        code: 1,
        output: expect.stringMatching(/nothing was changed: .*add --switch/),
      });
      router.env["DATABASE_SCHEMA"] = "trading";
      expect(await router.run("main.ts")).toMatchObject({
        code: 2,
        output: expect.stringContaining('ALTER TABLE \\"public\\".strategies SET SCHEMA \\"trading\\";'),
      });
    } finally {
      await empty.drop();
    }
  }, 60_000);

  test("a password that Redis refuses is spoken of, and never shown, however much is logged", async () => {
    const url = new URL(router.env["REDIS_URL"] ?? "");
    url.username = "bob";
    url.password = "S3cretPw";
    Object.assign(router.env, { REDIS_URL: url.href, LOG_LEVEL: "trace" });
    const running = router.spawn("runner/main.ts");
    await vi.waitFor(() => expect(running.output()).toContain("The router is running"), {
      timeout: 20_000,
    });
    await vi.waitFor(() => expect(running.output().match(/WRONGPASS/g)?.length).toBeGreaterThan(5), {
      timeout: 20_000,
    });
    expect(running.output()).not.toContain("S3cretPw");
  }, 60_000);

  test("without a terminal every line is JSON: for a Redis user without INFO too, which is said, with no signal to paste", async () => {
    const name = `u${router.keys.prefix.replace(":", "")}`;
    await router.redis.acl("SETUSER", name, "reset", "on", ">pw", "~*", "&*", "+@all", "-info");
    const url = Object.assign(new URL(router.env["REDIS_URL"] ?? ""), { username: name, password: "pw" });
    Object.assign(router.env, {
      REDIS_URL: url.href,
      SIGNAL_AGE_MAX_MS: "1",
      HTTP_TOKEN: "short",
      HTTP_PORT: "0",
    });
    await insertReference(router.databaseUrl, mixedReference());
    const running = await router.start();
    await router.publish({ message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z" });
    await vi.waitFor(() => expect(running.output()).toContain("DISPATCHED"), { timeout: 20_000 });
    running.signal("SIGTERM");
    expect(await running.ended()).toBe(0);
    await router.redis.acl("DELUSER", name);
    const lines = running.output().trimEnd().split("\n");
    const messages = lines.map((line) => String((JSON.parse(line) as { msg: unknown }).msg));
    expect(messages.filter((message) => message.includes("\n"))).toEqual([]);
    for (const said of [
      /^INFO is not permitted: version/,
      /SIGNAL_AGE_MAX_MS.*did you mean SIGNAL_AGE_MS_MAX/,
      /^HTTP_TOKEN has less than 16/,
      /^The router is running/,
    ])
      expect(messages).toEqual(expect.arrayContaining([expect.stringMatching(said)]));
    expect(running.output()).not.toMatch(/cli -- send|ready check/);
  }, 60_000);

  test("Postgres being down at the start does not keep the router from starting and deciding", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    const first = await router.start();
    await vi.waitFor(async () => expect(await router.redis.get(router.keys.referenceCurrent)).not.toBeNull());
    first.signal("SIGTERM");
    await first.ended();
    const reachable = router.env["DATABASE_URL"] ?? "";
    router.env["DATABASE_URL"] = reachable.replace(/:\d+\//, ":1/");
    const without = await router.start();
    await router.publish({ message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z" });
    await vi.waitFor(
      async () => expect(await router.redis.xlen(router.keys.stream("strategy_input_stream"))).toBe(4),
      { timeout: 10_000 },
    );
    without.signal("SIGTERM");
    expect(await without.ended()).toBe(0);
    router.env["DATABASE_URL"] = reachable;
    await router.start();
    await router.settled();
  }, 60_000);
});

describe("stopping", () => {
  test("a SIGTERM to `npm start` reaches the router, which stops in order and leaves nothing running", async () => {
    router.env["CONSUMER_NAME"] = `npm-${router.keys.prefix}`;
    const npm = startCommand("npm", ["start"], router.env);
    await untilItRuns(npm);
    npm.signal("SIGTERM");
    await npm.ended();
    await vi.waitFor(async () => {
      const events = await router.sql("SELECT message FROM system_log WHERE source = 'runner' ORDER BY at");
      expect(events.at(-1)).toEqual({ message: "router stopped: SIGTERM" });
    });
    // Its connections end with it: whoever is left behind would go on reading.
    await vi.waitFor(async () => {
      const clients = String(await router.redis.call("CLIENT", "LIST"));
      expect(clients).not.toContain(`${router.env["CONSUMER_NAME"]}:`);
    });
  }, 60_000);

  test("SIGTERM under load finishes what is in hand, logs the stop and exits 0 with nothing pending", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    const running = await router.start();
    const sending = Array.from({ length: 2_000 }, async (_, i) =>
      router.publish(asRead(mixedSignal(i % 15, Date.now()))),
    );
    await vi.waitFor(
      async () => expect(await router.redis.xlen(router.keys.stream("signal_results"))).toBeGreaterThan(50),
      { timeout: 20_000, interval: 5 },
    );
    running.signal("SIGTERM");
    expect(await running.ended()).toBe(0);
    await Promise.all(sending);
    const [pending] = await router.redis.xpending(router.keys.stream("signals_stream"), "signal_processor");
    expect(pending).toBe(0);
    const events = await router.sql("SELECT level, message FROM system_log ORDER BY at");
    expect(events).toContainEqual({ level: "INFO", message: "router stopped: SIGTERM" });
    expect(events).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining("router started") }),
    );
    await router.start();
    await router.settled();
  }, 60_000);

  test("what cannot be finished within SHUTDOWN_MS_MAX is left to others, with exit code 1", async () => {
    const frozen = await startRedis();
    try {
      Object.assign(router.env, { REDIS_URL: frozen.url, SHUTDOWN_MS_MAX: "1500" });
      const running = await router.start();
      process.kill(frozen.pid, "SIGSTOP");
      running.signal("SIGTERM");
      expect(await running.ended()).toBe(1);
      expect(running.output()).toContain("other routers will reclaim it");
    } finally {
      await frozen.stop();
    }
  });

  test("a second signal exits at once, whatever the first one is waiting for", async () => {
    const frozen = await startRedis();
    try {
      Object.assign(router.env, { REDIS_URL: frozen.url, SHUTDOWN_MS_MAX: "600000" });
      const running = await router.start();
      process.kill(frozen.pid, "SIGSTOP");
      running.signal("SIGTERM");
      await vi.waitFor(() => expect(running.output()).toContain("send it again to exit at once"));
      // Again and again, since what comes right behind the first counts as the same.
      const again = setInterval(() => running.signal("SIGTERM"), 100);
      expect(await running.ended().finally(() => clearInterval(again))).toBe(143);
    } finally {
      await frozen.stop();
    }
  });

  test("Ctrl-C counts once, although the terminal and npm each send a signal", async () => {
    const running = await router.start();
    running.signal("SIGINT");
    await vi.waitFor(() => expect(running.output()).toContain("send it again to exit at once"), {
      interval: 1,
    });
    running.signal("SIGINT");
    expect(await running.ended()).toBe(0);
    expect(running.output()).toContain("router stopped");
  });

  test.each([
    ["first", 0],
    ["second", 1],
  ])("stopping does not wait for the %s blocking read to end by itself", async (_, signals) => {
    await insertReference(router.databaseUrl, mixedReference());
    Object.assign(router.env, { BLOCK_MS: "300000", SHUTDOWN_MS_MAX: "20000" });
    const running = await router.start();
    await vi.waitFor(() => expect(running.output()).toContain("is current"), { timeout: 10_000 });
    if (signals > 0) {
      await router.publish(asRead(mixedSignal(0, Date.now())));
      await router.settled();
    }
    running.signal("SIGTERM");
    expect(await running.ended()).toBe(0);
    expect(running.output()).not.toContain("SHUTDOWN_MS_MAX");
  });
});
