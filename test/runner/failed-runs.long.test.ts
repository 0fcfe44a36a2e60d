import { expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, strategyRow } from "../builders.ts";
import { byPace } from "../long/pace.ts";
import { useReceivers } from "../servers/http-receiver.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

/** Ten strategies, of which three fail for three causes, put right from the command line beside the running router. */

const routers = useRouters();
const receiver = useReceivers();
const UNTIL = { timeout: 60_000, interval: 100 };
const SIGNALS = byPace({ short: 1, full: 3 });

const cli = async (...args: string[]) => routers.run("cli.ts", "executions", ...args);
const retry = async (entry: string, strategy: string) =>
  cli("retry", entry, "--strategy", strategy, "--reason", "the cause is removed", "--allow-stale");

async function failedRuns(): Promise<{ entry_id: string; strategy: string; reason: string }[]> {
  const { output } = await cli("list", "--failed", "--json");
  return JSON.parse(output).executions;
}

test("three of ten fail: found, explained, run again; one order each, the seven others untouched", async () => {
  const receives = { unknown: true };
  const orders = new Map<unknown, string>();
  const { url, deliveries } = await receiver((response, { path, headers }) => {
    const key = headers["idempotency-key"];
    if (path === "/unknown" && receives.unknown) return void response.writeHead(404).end();
    const isRepeated = orders.has(key);
    orders.set(key, path);
    // It has taken the order, and its answer comes too late.
    if (path === "/late" && !isRepeated) return;
    response.end(isRepeated ? "taken before" : "taken");
  });
  const named = (id: number, name: string, params: Record<string, unknown>) =>
    strategyRow(id, { name, handler: "webhook", params });
  const fine = Array.from({ length: 7 }, (_, i) => named(101 + i, `Fine ${i}`, { url: `${url}/fine-${i}` }));
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies([
      ...fine,
      named(108, "Late", { url: `${url}/late`, timeout_ms: 60_000 }),
      named(109, "Unknown", { url: `${url}/unknown` }),
      named(110, "Misspelt", { urll: `${url}/misspelt` }),
    ]),
  );
  Object.assign(routers.env, {
    FUNCTIONS: "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim",
    STRATEGY_PRIVATE_ADDRESSES: "true",
    STRATEGY_TIMEOUT_MS: "1500",
    DELIVERIES_MAX: "1",
    REFERENCE_REFRESH_MS: "500",
  });
  await routers.start();
  const entries: string[] = [];
  for (let i = 0; i < SIGNALS; i += 1)
    entries.push(await routers.publish(signalFields({ uid: `u${i}`, sent_at: new Date().toISOString() })));
  const ended = async () =>
    routers.sql("SELECT FROM signal_log_entries WHERE stage = 'execution'").then((rows) => rows.length);
  await vi.waitFor(async () => expect(await ended()).toBe(10 * SIGNALS), UNTIL);

  const found = await failedRuns();
  expect(new Set(found.map(({ strategy, reason }) => `${strategy}: ${reason}`))).toEqual(
    new Set(["Late: attempts_exhausted", "Unknown: http_404", "Misspelt: invalid_params"]),
  );
  expect(found).toHaveLength(3 * SIGNALS);
  const { output: explained } = await cli("show", entries[0] ?? "");
  expect(explained).toContain("! the first run may have taken effect (attempts_exhausted)");
  expect(explained).toContain("its params do not fit the handler webhook");

  // The cause of the third is still there.
  expect(await retry(entries[0] ?? "", "Misspelt")).toMatchObject({
    code: 1,
    output: expect.stringContaining("Misspelt (110) cannot run: its params do not fit"),
  });
  const before = await routers.redis.get(routers.keys.referenceCurrent);
  receives.unknown = false;
  const params = JSON.stringify({ url: `${url}/misspelt` });
  await routers.sql(`UPDATE strategies SET params = '${params}' WHERE id = 110`);
  await vi.waitFor(
    async () => expect(await routers.redis.get(routers.keys.referenceCurrent)).not.toBe(before),
    UNTIL,
  );
  for (const entry of entries) {
    // Two people at once: of a dead letter, and of a task that is put into the stream again.
    for (const strategy of ["Late", "Unknown"]) {
      const both = await Promise.all([retry(entry, strategy), retry(entry, strategy)]);
      expect(both.map(({ code }) => String(code)).toSorted()).toEqual(["0", "1"]);
    }
    expect(await retry(entry, "110")).toMatchObject({ code: 0, output: expect.stringContaining("executed") });
  }

  await vi.waitFor(async () => expect(await ended()).toBe(13 * SIGNALS), UNTIL);
  expect(await failedRuns()).toEqual([]);
  // One order for each task; what was sent twice had the same key.
  const paths = [...orders.values()];
  const eachOnce = [...fine.map((_, i) => `/fine-${i}`), "/late", "/misspelt", "/unknown"];
  expect(paths.toSorted()).toEqual(eachOnce.flatMap((path) => entries.map(() => path)).toSorted());
  const sent = (path: string) => deliveries.filter((delivery) => delivery.path === path).length;
  expect(eachOnce.map(sent)).toEqual([...fine.map(() => SIGNALS), 2 * SIGNALS, SIGNALS, 2 * SIGNALS]);
  expect(await routers.redis.xlen(routers.keys.stream("dead_letters"))).toBe(0);
}, 240_000);
