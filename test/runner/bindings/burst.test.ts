import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLanes } from "../../../runner/bindings/ordered-lanes.ts";
import { onDemandDeps } from "../../../runner/engine/on-demand-deps.ts";
import { retry, FOR_EVER } from "../../../runner/engine/retry.ts";
import { timeLimit } from "../../../runner/engine/time-limit.ts";
import { outgoingPost } from "../../../shared/io/http-client/post.ts";
import { portsFrom, resultsOf, task, type Run } from "../../functions/execute-strategies-fixture.ts";
import { useReceivers } from "../../servers/http-receiver.ts";

/** What waits for a stop does so on one signal, which Node takes for a leak from eleven listeners on. */

const BURST = 60;
const receiver = useReceivers();

const warnings: string[] = [];
const note = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
beforeEach(() => {
  warnings.length = 0;
  process.on("warning", note);
});
afterEach(() => void process.off("warning", note));

async function expectNoWarning(): Promise<void> {
  // One comes in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
}

/** The run of a strategy that posts to this address with several posts at a time, all ended by one signal. */
const postingTo =
  (url: string, posts: number): Run =>
  async ({ post, abort }) => {
    const request = { url, headers: {}, body: "", timeoutMs: 20_000, abort };
    await Promise.all(Array.from({ length: posts }, async () => post(request)));
    return { status: "executed" };
  };

test.each([
  ["one symbol, of which each waits for the one before", () => "BTCUSDT"],
  ["as many symbols, which run at the same time", (i: number) => `S${i}`],
])("a burst of tasks on %s, with their posts, gives no warning", async (_what, symbolOf) => {
  const { url, deliveries } = await receiver((response) => response.end());
  const closing = new AbortController();
  const lanes = openLanes({
    concurrencyMax: BURST,
    concurrencyPerStrategyMax: BURST,
    closing: closing.signal,
  });
  const post = outgoingPost({ privateAddresses: true });
  const ports = { lanes, post, stopping: closing.signal, abort: new AbortController().signal };
  const tasks = Array.from({ length: BURST }, (_, i) =>
    task(`1-${i + 1}`, { symbol: symbolOf(i), log_uid: `${i}` }),
  );
  const results = await resultsOf(tasks, portsFrom({ run: postingTo(url, 1), ports }));
  expect(results.map(({ status }) => status)).toEqual(tasks.map(() => "done"));
  expect(deliveries).toHaveLength(BURST);
  await expectNoWarning();
});

test("one run with as many posts gives no warning, whether or not connections are limited", async () => {
  const { url, deliveries } = await receiver((response) => response.end());
  for (const connectionsPerHostMax of [undefined, 2]) {
    const post = outgoingPost({ privateAddresses: true, connectionsPerHostMax });
    const [result] = await resultsOf([task()], portsFrom({ run: postingTo(url, BURST), ports: { post } }));
    expect(result).toMatchObject({ status: "done" });
  }
  expect(deliveries).toHaveLength(2 * BURST);
  await expectNoWarning();
});

test("as many waits and retries on the signals of a call on demand give no warning", async () => {
  const stop = new AbortController();
  const limit = timeLimit(60_000, stop.signal);
  const { abort } = onDemandDeps({} as Parameters<typeof onDemandDeps>[0], { msMax: 60_000 });
  const limits = Array.from({ length: BURST }, () => timeLimit(60_000, stop.signal));
  const waits = limits.map(async () => sleep(60_000, undefined, { signal: limit }).catch(() => "ended"));
  let failures = BURST;
  const retries = limits.map(async () =>
    retry(
      async () => {
        failures -= 1;
        if (failures >= 0) throw new Error("unavailable");
        return "done";
      },
      { ...FOR_EVER, minTimeout: 1, signal: abort },
    ),
  );
  expect(await Promise.all(retries)).toEqual(limits.map(() => "done"));
  stop.abort();
  expect(await Promise.all(waits)).toEqual(limits.map(() => "ended"));
  expect(limits.every(({ aborted }) => aborted)).toBe(true);
  await expectNoWarning();
});
