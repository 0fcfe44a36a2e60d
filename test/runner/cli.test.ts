import { describe, expect, test, vi } from "vitest";
import { mixedReference } from "../mixed-signals.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

const router = useRouters();

async function running(): Promise<void> {
  await insertReference(router.databaseUrl, mixedReference());
  await router.start();
  await vi.waitFor(async () => expect(await router.redis.get(router.keys.referenceCurrent)).not.toBeNull());
}

const send = async (...more: string[]) =>
  router.run("cli.ts", "send", "--symbol", "btcusdt", "--message", "signal_1_long", ...more);

describe("the command line", () => {
  test("send prints the entry id and the decision with every strategy's outcome and reason", async () => {
    await running();
    const barTime = ["--bar-time", "2026-01-01T00:00:00Z"];
    const { code, output } = await send(...barTime);
    expect(code).toBe(0);
    const [added] = await router.redis.xrange(router.keys.stream("signals_stream"), "-", "+");
    expect(output).toContain(`${added?.[0]}  sent`);
    expect(output).toMatch(/DISPATCHED {2}signal_1_long on BTCUSDT \(long\)/);
    expect(output).toMatch(/strategy 10 +dispatched/);
    expect(output).toMatch(/strategy 12 +ignored: strategy_disabled/);
    expect(output).toMatch(/strategy 15 +ignored: ticker_not_allowed/);
    expect(output).toMatch(/strategy 16 +shadow/);
    expect((await send(...barTime)).output).toMatch(/DUPLICATE[^]*duplicate_uid of/);
  });

  test("send says what to check when the signal is not decided", async () => {
    const { code, output } = await send("--wait", "0.2");
    expect(code).toBe(1);
    expect(output).toMatch(/no decision within 0.2 s.*check.*that a router is running/);
  });

  test("pause and resume apply to the next signal", async () => {
    await running();
    expect(await router.run("cli.ts", "pause", "10")).toMatchObject({ code: 0 });
    expect((await send("--uid", "1")).output).toMatch(/strategy 10 +ignored: paused/);
    await router.run("cli.ts", "pause");
    expect((await send("--uid", "2")).output).toMatch(/IGNORED.*paused/);
    await router.run("cli.ts", "resume");
    await router.run("cli.ts", "resume", "10");
    expect((await send("--uid", "3")).output).toMatch(/strategy 10 +dispatched/);
  });

  test("status shows streams, groups, snapshot, pauses, counters and processing time", async () => {
    await running();
    await send();
    await router.run("cli.ts", "pause", "11");
    await router.settled();
    const { output } = await router.run("cli.ts", "status");
    expect(output).toMatch(
      /signals_stream +1 entries\n +signal_processor +0 waiting, 0 pending, 1 consumers/,
    );
    expect(output).toMatch(/version [0-9a-f]{16}, confirmed \d+ s ago/);
    expect(output).toMatch(/strategy 11 \(11\) since .* UTC by /);
    expect(output).toMatch(/dispatched +1\n/);
    expect(output).toMatch(/strategy 10 \(10\) +dispatched 1/);
    expect(output).toMatch(/process-signals +1 entries, mean/);
    const json = JSON.parse((await router.run("cli.ts", "status", "--json")).output);
    expect(json.metrics["signals:dispatched"]).toBe(1);
  });

  test("a lost group stops its loop with a CRITICAL event until an operator creates it again", async () => {
    await running();
    await send("--uid", "1");
    await router.redis.xgroup("DESTROY", router.keys.stream("signals_stream"), "signal_processor");
    await vi.waitFor(
      async () =>
        expect(await router.sql("SELECT message FROM system_log WHERE level = 'CRITICAL'")).toEqual([
          { message: expect.stringContaining("groups create signal_processor") },
        ]),
      { timeout: 10_000 },
    );
    expect((await send("--uid", "2", "--wait", "1")).code).toBe(1);
    const refused = await router.run("cli.ts", "groups", "create", "log_writer", "--from", "0");
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("--stream") });
    await router.run("cli.ts", "groups", "create", "signal_processor", "--from", "0");
    await vi.waitFor(
      async () => expect(await router.sql("SELECT uid, status FROM signal_log ORDER BY uid")).toHaveLength(2),
      { timeout: 20_000 },
    );
    // The first signal was read a second time; its uid belongs to its own entry, so nothing was done twice.
    const tasks = await router.redis.xrange(router.keys.stream("strategy_input_stream"), "-", "+");
    expect(tasks).toHaveLength(2 * 4);
    expect((await router.run("cli.ts", "groups", "list")).output).toMatch(
      /signal_processor +on signals_stream +0 waiting/,
    );
  }, 60_000);

  test("wrong commands and values are refused with the expected ones", async () => {
    expect(await router.run("cli.ts", "send", "--symbol", "X")).toMatchObject({
      code: 1,
      output: expect.stringContaining("--message"),
    });
    expect((await router.run("cli.ts", "pause", "everything")).output).toContain("or nothing for all");
    expect((await router.run("cli.ts", "stauts")).output).toMatch(/unknown command.*stauts/);
  });
});
