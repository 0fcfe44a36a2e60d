import { describe, expect, onTestFinished, test, vi } from "vitest";
import { signalBinding } from "../../runner/bindings/signal-binding.ts";
import { CliError, withRedis } from "../../runner/cli/connection.ts";
import { openSession } from "../../runner/consume/consumer-session.ts";
import { workBetweenReads } from "../../runner/consume/work-between-reads.ts";
import { onDemandDeps } from "../../runner/engine/on-demand-deps.ts";
import { readStatus } from "../../shared/io/status/status.ts";
import { ensureGroup } from "../../shared/io/streams/groups.ts";
import { CLAIM_IDLE_MS, useRefusingRedis } from "./refusing-redis-fixture.ts";

const own = useRefusingRedis();

/** Of a line of `pendingSignals`. */
const idOf = (line: string): string => line.split(" ", 1).join("");

const lengthOf = async (stream: Parameters<typeof own.keys.stream>[0]) =>
  own.admin.xlen(own.keys.stream(stream));

interface Refused {
  readonly code: string;
  readonly meaning: string;
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

describe("a Redis that refuses every write", () => {
  test.each<Refused>([
    {
      code: "MISCONF",
      meaning: "cannot save its data",
      begin: async () => own.failSaving(),
      end: async () => own.letSave(),
    },
    {
      code: "READONLY",
      meaning: "is a replica",
      begin: async () => own.admin.replicaof("127.0.0.1", 1),
      end: async () => own.admin.replicaof("NO", "ONE"),
    },
  ])(
    "with $code is named at once and throughout, and everything goes on after it",
    async ({ code, meaning, begin, end }) => {
      await own.start();
      await own.publish(3);
      await own.untilDecided(3);
      await own.untilReady();
      await begin();
      const said = expect.stringMatching(new RegExp(`${meaning}.*${code}`));
      for (let n = 0; n < 20; n += 1) {
        expect(await own.readiness()).toEqual({ status: 503, reasons: [said] });
      }
      expect(await own.readiness("?for=intake")).toEqual({ status: 503, reasons: [said] });
      expect(await own.sendAlert()).toMatchObject({ status: 503, body: { code: "not_confirmed" } });
      const { body: metrics } = await own.call("GET", "/metrics");
      expect(metrics).toContain(`signal_router_redis_refuses_writes{code="${code}"} 1`);
      const env = { REDIS_URL: own.services.redisUrl };
      expect(
        await withRedis(env, async ({ redis, keys }) => (await readStatus(redis, keys)).server.refusals),
      ).toMatchObject([{ code }]);
      await expect(own.call("POST", "/pause")).resolves.toMatchObject({
        status: 503,
        body: { detail: said },
      });
      await vi.waitFor(() => expect(own.log).toContain(code), { timeout: 10_000 });
      await end();
      await own.publish(2, "after");
      await own.untilDecided(5);
      await own.untilReady();
      expect(own.log).not.toContain("cannot be reached");
      expect(await lengthOf("dead_letters")).toBe(0);
    },
    60_000,
  );

  test("leaves a consumer that could not give heartbeats the time for one, before its entries are claimed", async () => {
    const { services, keys } = own;
    own.gate.open();
    await own.publish(1);
    const key = keys.stream("signals_stream");
    await ensureGroup(own.admin, keys, "signals_stream", "signal_processor");
    await own.admin.xreadgroup("GROUP", "signal_processor", "alive", "STREAMS", key, ">");
    const [line = ""] = await own.pendingSignals();
    await own.admin.xclaim(key, "signal_processor", "alive", 0, idOf(line), "IDLE", 60_000, "JUSTID");
    // The clock of the loop moves only where the test advances it.
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const deps = { ...services, ...services.config, ...onDemandDeps(services, { msMax: 60_000 }) };
    const stopping = new AbortController().signal;
    const session = openSession(signalBinding(services), { ...deps, stopping }, { consumer: "second" });
    onTestFinished(async () => session.leave());
    const work = workBetweenReads(session, { reclaims: true, claimIdleMs: CLAIM_IDLE_MS });
    await own.failSaving();
    await work.run();
    await own.letSave();
    vi.advanceTimersByTime(CLAIM_IDLE_MS - 1);
    await work.run();
    expect(await own.pendingSignals()).toEqual([line]);
    vi.advanceTimersByTime(CLAIM_IDLE_MS);
    await work.run();
    expect(await own.pendingSignals()).toEqual([]);
    expect(await own.decisions()).toBe(1);
  });

  test("is named when it refuses the password, or asks for one", async () => {
    await own.admin.config("SET", "requirepass", "secret-password");
    try {
      await own.admin.auth("secret-password");
      const stranger = async (url: string) =>
        withRedis({ REDIS_URL: url }, async ({ redis }) => redis.dbsize());
      const url = new URL(own.services.redisUrl);
      await expect(stranger(url.href)).rejects.toThrow(/expects a password.*NOAUTH/);
      url.password = "wrong";
      await expect(stranger(url.href)).rejects.toThrow(CliError);
      await expect(stranger(url.href)).rejects.toThrow(/refuses the user name or password.*WRONGPASS/);
      own.services.redis.disconnect(true);
      await vi.waitFor(async () =>
        expect((await own.readiness()).reasons).toEqual([expect.stringMatching(/NOAUTH/)]),
      );
    } finally {
      await own.admin.config("SET", "requirepass", "");
    }
  });
});
