import { describe, expect, it, vi } from "vitest";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { NODE_ENTRIES, numbers, useTrimmer } from "./stream-trimmer-fixture.ts";

const fixture = useTrimmer();

describe("a stream that others use meanwhile", () => {
  it("of 200,000 entries goes in small steps, between which everyone is served", async () => {
    const key = fixture.keys.stream("signals_stream");
    const other = connectRedis(fixture.url);
    await fixture.redis.config("SET", "stream-node-max-entries", 100);
    await fixture.redis.eval(
      `for n = 1, 200000 do redis.call('XADD', KEYS[1], n .. '-0', 'n', n) end
       redis.call('XGROUP', 'CREATE', KEYS[1], 'signal_processor', '$')`,
      1,
      key,
    );
    let pings = 0;
    const done = new AbortController();
    const pinging = (async () => {
      for (; !done.signal.aborted; pings += 1) expect(await other.ping()).toBe("PONG");
    })();
    const steps: number[] = [];
    do {
      const pingsBefore = pings;
      steps.push((await fixture.trimmer.step("signals_stream")).removed);
      await vi.waitFor(() => expect(pings).toBeGreaterThan(pingsBefore), { interval: 1 });
    } while (steps.at(-1) !== 0);
    done.abort();
    await pinging;
    await fixture.redis.config("SET", "stream-node-max-entries", NODE_ENTRIES);
    other.disconnect();

    expect(Math.max(...steps)).toBeLessThanOrEqual(2_000);
    expect(steps.length).toBeGreaterThanOrEqual(100);
    expect(pings).toBeGreaterThanOrEqual(steps.length);
    expect(await fixture.redis.xlen(key)).toBe(0);
  }, 60_000);

  it("is read and acknowledged to the last entry while it is trimmed all the time", async () => {
    const key = fixture.keys.stream("signals_stream");
    const count = 6_000;
    const [producer, consumer] = [connectRedis(fixture.url), connectRedis(fixture.url)];
    await fixture.redis.xgroup("CREATE", key, "signal_processor", "0", "MKSTREAM");
    const produced = (async () => {
      for (let n = 1; n <= count; n += 20) {
        const pipeline = producer.pipeline();
        // Older than the retention from the beginning: only the group protects them.
        for (let i = n; i < n + 20; i += 1) pipeline.xadd(key, `${i}-0`, "n", i);
        await pipeline.exec();
      }
    })();
    const read: string[] = [];
    const consumed = (async () => {
      const open: string[] = [];
      while (read.length < count) {
        const reply = (await consumer.call(
          ...(["XREADGROUP", "GROUP", "signal_processor", "c", "COUNT", "37", "STREAMS", key, ">"] as const),
        )) as [string, [string, string[]][]][] | null;
        const ids = (reply?.[0]?.[1] ?? []).map(([id]) => id);
        read.push(...ids);
        open.push(...ids);
        // The entry worked on for longest is still in the stream, then acknowledged in no particular order.
        if (open[0] !== undefined) expect(await consumer.xrange(key, open[0], open[0])).toHaveLength(1);
        const done = open.splice(0, Math.max(0, open.length - 50)).toReversed();
        if (done.length > 0) await consumer.xack(key, "signal_processor", ...done);
      }
    })();
    let removed = 0;
    const processed = new AbortController();
    const trimmed = (async () => {
      while (!processed.signal.aborted) removed += (await fixture.trimmer.step("signals_stream")).removed;
    })();
    await Promise.all([produced, consumed]);
    processed.abort();
    await trimmed;
    producer.disconnect();
    consumer.disconnect();

    expect(read).toStrictEqual(numbers(1, count + 1).map((n) => `${n}-0`));
    expect(removed).toBeGreaterThan(count / 2);
    expect(await fixture.redis.xlen(key)).toBe(count - removed);
  }, 60_000);
});
