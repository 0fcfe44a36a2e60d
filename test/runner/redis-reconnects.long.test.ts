import { readdir } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { byPace } from "../long/pace.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { KEYS, useOwnRedis } from "./own-redis-fixture.ts";

const router = useRouters();
const own = useOwnRedis(router);
const { publish, untilLogged } = own;

const ROUNDS = byPace({ short: 5, full: 100 });

describe("trouble with Redis", () => {
  test.runIf(process.platform === "linux")(
    "reconnecting again and again leaves no file descriptor and no consumer behind",
    async () => {
      const running = await router.start();
      await publish();
      await untilLogged(1);
      const open = async (): Promise<number> => (await readdir(`/proc/${running.pid}/fd`)).length;
      const clients = async (): Promise<number> =>
        String(await own.redis.call("CLIENT", "LIST"))
          .split("\n")
          .filter((line) => line.includes(" name=")).length;
      const [openBefore, clientsBefore] = [await open(), await clients()];
      for (let round = 0; round < ROUNDS; round += 1) {
        await own.redis.call("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal");
        await vi.waitFor(async () => expect(await clients()).toBe(clientsBefore), {
          timeout: 10_000,
          interval: 5,
        });
      }
      await publish();
      await untilLogged(2);
      await vi.waitFor(async () => expect(await open()).toBeLessThanOrEqual(openBefore), { timeout: 15_000 });
      const consumers = await own.redis.xinfo("CONSUMERS", KEYS.stream("signals_stream"), "signal_processor");
      expect(consumers).toHaveLength(1);
    },
    180_000,
  );
});
