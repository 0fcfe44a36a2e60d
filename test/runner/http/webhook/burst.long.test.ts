import { setTimeout as after } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { referenceRows } from "../../../builders.ts";
import { byPace } from "../../../long/pace.ts";
import { insertReference } from "../../../servers/insert-reference.ts";
import { useRouters } from "../../../servers/router-fixture.ts";

/** Alerts of many charts at the close of one bar, each on a connection of its own, as TradingView sends them. */

const COUNT = byPace({ short: 50, full: 500 });
const WITHIN_MS = byPace({ short: 100, full: 1_000 });
/** After so long TradingView gives up. */
const ANSWERED_MS_MAX = 3_000;
const SECRET = "a-secret-for-the-burst";

const router = useRouters();

test(`${COUNT} alerts within ${WITHIN_MS} ms are all accepted`, { timeout: 120_000 }, async () => {
  await insertReference(router.databaseUrl, referenceRows());
  Object.assign(router.env, { HTTP_TOKEN: "a-token-for-the-burst", WEBHOOK_SECRET: SECRET, HTTP_PORT: "0" });
  const running = await router.start();
  const [, url = ""] = /"http":"(http:\/\/[\w.]+:\d+)"/.exec(running.output()) ?? [];

  const added = async () => router.redis.xlen(router.keys.stream("signals_stream"));
  const send = async (n: number) => {
    const alert = { message: "SIGNAL_1_LONG", symbol: `COIN${n}`, time: Date.now(), close: "1.10" };
    const sentAt = performance.now();
    const answer = await fetch(`${url}/webhooks/tradingview/${SECRET}`, {
      method: "POST",
      headers: { connection: "close" },
      body: JSON.stringify(alert),
    });
    const { uid } = (await answer.json()) as { uid?: string };
    return { status: answer.status, uid, ms: performance.now() - sentAt };
  };
  // Answers have a uid once the router has made its snapshot.
  await vi.waitFor(async () => expect((await send(COUNT)).uid).toMatch(/^\w+$/), { timeout: 30_000 });
  const before = await added();

  const startedAt = performance.now();
  const sent: ReturnType<typeof send>[] = [];
  while (sent.length < COUNT) {
    const due = Math.ceil(((performance.now() - startedAt) / WITHIN_MS) * COUNT);
    while (sent.length < Math.min(COUNT, due)) sent.push(send(sent.length));
    await after(1);
  }
  const sentMs = Math.round(performance.now() - startedAt);
  const answers = await Promise.all(sent);
  const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  console.info(
    `${COUNT} alerts sent in ${sentMs} ms: median ${times[Math.floor(COUNT / 2)]?.toFixed(1)} ms, slowest ${times.at(-1)?.toFixed(1)} ms`,
  );
  expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
  expect(new Set(answers.map(({ uid }) => uid)).size).toBe(COUNT);
  expect((await added()) - before).toBe(COUNT);
  // The short form runs beside other tests, where nothing is known about time.
  if (byPace({ short: false, full: true })) expect(times.at(-1)).toBeLessThan(ANSWERED_MS_MAX);
});
