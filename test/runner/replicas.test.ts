import { expect, test, vi } from "vitest";
import * as z from "zod";
import { startRouter } from "../../runner/router.ts";
import { defineStrategy } from "../../shared/strategy.ts";
import { rowsWithStrategies, signalFields, strategyRow } from "../builders.ts";
import { onReplicas, WEBHOOK_PATH } from "./replicated-fixture.ts";

/** What waits, and what is refused, while replicas that must have it do not. */

test("while a replica stands still nothing is accepted or begun, and it goes on by itself", async () => {
  const attempts: number[] = [];
  const counting = defineStrategy({
    name: "counting",
    params: z.object({}),
    async run({ attempt }) {
      attempts.push(attempt);
      return { status: "executed" };
    },
  });
  const options = {
    replicas: 1,
    settings: { REDIS_REPLICAS_MIN: "1", REDIS_REPLICAS_MS_MAX: "100", BLOCK_MS: "50" },
    rows: rowsWithStrategies([strategyRow(10, { name: "Trend", handler: "counting" })]),
    handlers: [counting],
  };
  await onReplicas(options, async ({ servers, services, call }) => {
    const { redis, keys } = services;
    const router = await startRouter(services);
    try {
      const ready = async (question = "") => (await call("GET", `/readyz${question}`)).body;
      await vi.waitFor(async () => expect(await ready()).toEqual({ status: "ready", reasons: [] }));
      servers.replicas[0]?.freeze();

      const fields = signalFields({ bar_time: new Date().toISOString(), uid: "u1" });
      await redis.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
      const tasks = keys.stream("strategy_input_stream");
      await vi.waitFor(async () => expect((await redis.xpending(tasks, "strategy_executor"))[0]).toBe(1));
      const words =
        /no signal is accepted by the webhook and no task is begun.*0 replicas had confirmed it after 100 ms, REDIS_REPLICAS_MIN is 1/;
      for (const question of ["", "?for=intake"]) {
        await vi.waitFor(async () => {
          const { status, reasons } = await ready(question);
          expect([status, reasons[0]]).toEqual(["not_ready", expect.stringMatching(words)]);
        });
      }
      const alert = { message: "EMA_CROSS_LONG", symbol: "BTCUSDT", time: Date.now() };
      const list = [alert, { ...alert, symbol: "ETHUSDT" }];
      for (const [path, body] of [
        [WEBHOOK_PATH, alert],
        [WEBHOOK_PATH, list],
        ["/pause", {}],
        ["/resume", {}],
        ["/reference/refresh", undefined],
      ] as const) {
        const refused = await call("POST", path, body);
        expect([path, refused.status, refused.body.code]).toEqual([path, 503, "not_confirmed"]);
        expect(refused.body.detail).toMatch(/too few replicas have/);
        expect(refused.body.hint).toMatch(/again/);
      }
      const run = { symbol: "BTCUSDT", direction: "long", for_real: true, reason: "a test", by: "ann" };
      for (const [path, body] of [
        ["/functions/execute-strategies/poll", undefined],
        ["/strategies/10/run", run],
      ] as const)
        expect(JSON.stringify((await call("POST", path, body)).body)).toMatch(
          /confirmation by replicas is not available \(0 replicas had confirmed it/,
        );
      expect(attempts).toEqual([]);
      const [[, , , deliveries] = []] = (await redis.xpending(tasks, "strategy_executor", "-", "+", 1)) as [
        string,
        string,
        number,
        number,
      ][];
      expect(deliveries).toBe(0);
      // The decision could be taken back, too.
      const logged = async () => services.database.query("SELECT entry_id, status FROM signal_log");
      expect(await logged()).toEqual([]);

      servers.replicas[0]?.wake();
      await vi.waitFor(() => expect(attempts).toEqual([1]));
      await vi.waitFor(async () => expect(await logged()).not.toEqual([]));
      await vi.waitFor(async () => expect((await ready()).status).toBe("ready"));
      expect((await ready("?for=intake")).status).toBe("ready");
      // Sent again it is accepted, and is one signal.
      expect((await call("POST", WEBHOOK_PATH, alert)).status).toBe(202);
    } finally {
      await router.stop({ reason: "test over" });
    }
  });
});
