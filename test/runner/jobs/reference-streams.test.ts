import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchReferenceStreams } from "../../../runner/jobs/reference-streams.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { openRedis } from "../../../shared/io/redis/connection.ts";
import type { Running } from "../../../shared/running.ts";
import { freshPrefix, redisUrl } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

const redis = connectRedis();
let names: readonly string[] = [];
let published: SystemEvent[] = [];
let calls = 0;
let watching: Running | undefined;

beforeEach(() => {
  const prefix = freshPrefix();
  names = [`${prefix}a`, `${prefix}b`];
  published = [];
  calls = 0;
});

/** Watches both streams, and waits for the call that covers what came before. */
async function watch(): Promise<void> {
  watching = watchReferenceStreams({
    streams: names,
    blocking: openRedis({
      key: "test",
      url: redisUrl(),
      role: "blocking",
      blockMs: 500,
      name: names.join(),
      onError: () => undefined,
    }),
    blockMs: 500,
    onEntries: () => void (calls += 1),
    events: { publish: (event) => void published.push(event), flush: async () => undefined },
  });
  await vi.waitFor(() => expect(calls).toBe(1), UNTIL);
}

const UNTIL = { timeout: 10_000, interval: 5 };
const [a, b] = [(): string => names[0] ?? "", (): string => names[1] ?? ""];
/** Waits until the watch waits for entries, so that what is added next ends exactly one wait. */
const untilItWaits = async (): Promise<void> =>
  vi.waitFor(async () => expect(await ownClient()).toMatch(/ cmd=xread .*/), UNTIL);
const ownClient = async (): Promise<string> =>
  String(await redis.call("CLIENT", "LIST"))
    .split("\n")
    .find((line) => line.includes(` name=${names.join()} `)) ?? "";

afterEach(async () => {
  await watching?.stop();
  await redis.del(...names);
});

test("an entry of any of the streams is one call, also of one that did not exist; many at once are few", async () => {
  await redis.xadd(a(), "5-0", "f", "before the start");
  await watch();
  await redis.xadd(a(), "6-0", "f", "v");
  await vi.waitFor(() => expect(calls).toBe(2), UNTIL);
  await redis.xadd(b(), "1-0", "f", "v");
  await vi.waitFor(() => expect(calls).toBe(3), UNTIL);
  await untilItWaits();
  const burst = redis.multi();
  for (let n = 0; n < 100; n += 1) burst.xadd(a(), "*", "f", "v");
  await burst.exec();
  await vi.waitFor(() => expect(calls).toBe(4), UNTIL);
  // Removed and made anew with lower ids, which no wait for a later id would see.
  await redis.del(a());
  await redis.xadd(a(), "1-0", "f", "v");
  await vi.waitFor(() => expect(calls).toBeGreaterThan(4), UNTIL);
  expect(published).toEqual([]);
  // Nothing was trimmed, and no group was made.
  expect([await redis.xlen(a()), await redis.xinfo("GROUPS", a())]).toEqual([1, []]);
});

test("a key that is no stream is reported once; the other stream goes on", async () => {
  await redis.set(a(), "text");
  await watch();
  for (let n = 2; n < 5; n += 1) {
    await redis.xadd(b(), "*", "f", "v");
    await vi.waitFor(() => expect(calls).toBe(n), UNTIL);
  }
  expect(published.map(({ level, message }) => [level, message])).toEqual([
    [
      "WARNING",
      expect.stringMatching(new RegExp(`^${a()} of REFERENCE_STREAMS .*WRONGTYPE.*REFERENCE_REFRESH_MS$`)),
    ],
  ]);
  await redis.del(a());
  await redis.xadd(a(), "*", "f", "v");
  await vi.waitFor(() => expect(calls).toBeGreaterThan(4), UNTIL);
});

test("after a broken connection it goes on, and calls once for what may have been missed", async () => {
  await watch();
  await untilItWaits();
  await redis.call("CLIENT", "KILL", "ID", /^id=(\d+)/.exec(await ownClient())?.[1] ?? "");
  await vi.waitFor(() => expect(calls).toBe(2), UNTIL);
  await redis.xadd(b(), "*", "f", "v");
  await vi.waitFor(() => expect(calls).toBe(3), UNTIL);
  expect(published.map(({ message }) => message)).toEqual([
    expect.stringContaining("cannot be read"),
    expect.stringContaining("recovered"),
  ]);
});
