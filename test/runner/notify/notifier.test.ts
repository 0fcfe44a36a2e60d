import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openNotifier, type Notifier } from "../../../runner/notify/notifier.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { outgoingPost } from "../../../shared/io/http-client/post.ts";
import { noticesIn, type Notice, type NotificationBody } from "../../../shared/notification/notification.ts";
import { outcomeEntry } from "../../records.ts";
import { startReceiver, type Receiver } from "../../servers/http-receiver.ts";

const TOKEN = "T0K3N-in-the-path";
/** Answers one status after the other, then the last one again and again. */
function answers(...statuses: number[]): (response: ServerResponse) => void {
  let answered = 0;
  return (response) => {
    response.statusCode = statuses[Math.min(answered, statuses.length - 1)] ?? 200;
    answered += 1;
    response.end();
  };
}

let receiver: Receiver;
let events: SystemEvent[];
let drops: [counter: string, by: number][];
let stop: AbortController;
let cutOff: AbortController;

beforeEach(() => {
  events = [];
  drops = [];
  stop = new AbortController();
  cutOff = new AbortController();
});
afterEach(async () => {
  vi.useRealTimers();
  await receiver.close();
});

async function open(
  behave: Parameters<typeof startReceiver>[0],
  { url = (port: number) => `http://127.0.0.1:${port}/services/${TOKEN}`, postsMax = 20 } = {},
): Promise<Notifier> {
  receiver = await startReceiver(behave);
  return openNotifier({
    config: { notifyOutcomes: ["failed"], notifyPerMinuteMax: postsMax },
    url: url(receiver.port),
    post: outgoingPost({ privateAddresses: true }),
    complete: async (notice) => ({ ...notice, strategy: "Trend" }),
    nameStrategies: async () => new Map([[7, "Trend"]]),
    events: { publish: (event) => void events.push(event), flush: async () => undefined },
    count: (counter, by) => void drops.push([counter, by]),
    stopping: stop.signal,
    abort: cutOff.signal,
  });
}

function failure(strategyId = 7): Notice {
  const entry = outcomeEntry({ status: "failed", reason: "timeout", strategy_id: strategyId });
  const [notice] = noticesIn(entry, new Set(["failed"]));
  if (notice === undefined) throw new Error("nothing to tell");
  return notice;
}

const bodies = (): NotificationBody[] =>
  receiver.deliveries.map(({ body }) => JSON.parse(body) as NotificationBody);
const texts = (): string[] => bodies().map(({ text }) => text);
const warnings = (): string[] =>
  events.filter(({ level }) => level === "WARNING").map(({ message }) => message);

describe("reporting an outcome", () => {
  test("is one POST of JSON, with what else is known about it", async () => {
    const notifier = await open(answers(204));
    expect(await notifier.send(failure())).toBe(true);
    expect(receiver.deliveries).toMatchObject([
      { method: "POST", path: `/services/${TOKEN}`, headers: { "content-type": "application/json" } },
    ]);
    const text = "failed (timeout): Trend (7)";
    const outcomes = [{ ...failure(), strategy: "Trend" }];
    expect(bodies()).toMatchObject([{ text, content: text, outcomes, summed_up: [] }]);
    expect(events).toEqual([]);
  });

  test("is retried when the receiver fails or asks for time", async () => {
    const notifier = await open(answers(500, 429, 200));
    expect(await notifier.send(failure())).toBe(true);
    expect(receiver.deliveries).toHaveLength(3);
    expect(events).toEqual([]);
  });

  test("is given up after three attempts, with one warning for all of them and an event when it is over", async () => {
    const notifier = await open(answers(500, 500, 500, 500, 500, 500, 200));
    expect(await notifier.send(failure())).toBe(true);
    expect(await notifier.send(failure())).toBe(true);
    expect(receiver.deliveries).toHaveLength(6);
    expect(warnings()).toEqual([expect.stringContaining("it answered 500")]);
    expect(drops).toEqual([
      ["notifications_dropped:failed", 1],
      ["notifications_dropped:failed", 1],
    ]);
    await notifier.send(failure());
    expect(events.at(-1)).toMatchObject({ level: "INFO", message: expect.stringContaining("recovered: ") });
  });

  test("is given up at once when the receiver does not want it", async () => {
    const notifier = await open((response) => void response.writeHead(404).end("no such channel"));
    await notifier.send(failure());
    expect(receiver.deliveries).toHaveLength(1);
    expect(warnings()).toEqual([expect.stringContaining("it answered 404: no such channel")]);
    expect(drops).toEqual([["notifications_dropped:refused", 1]]);
  });

  test("a redirect is no answer to go after", async () => {
    const elsewhere = { Location: "http://127.0.0.1:1/" };
    const notifier = await open((response) => void response.writeHead(302, elsewhere).end());
    await notifier.send(failure());
    expect(warnings()).toEqual([expect.stringContaining("it answered 302")]);
  });

  test("after one that failed the others of the minute are summed up, so that failing posts take no time", async () => {
    const notifier = await open(answers(404));
    expect(notifier.offer(failure())).toBe(true);
    await notifier.send(failure());
    expect(notifier.offer(failure())).toBe(false);
    stop.abort();
    await notifier.close();
  });

  test("user and password of the URL are sent as a header", async () => {
    const notifier = await open(answers(200), { url: (port) => `http://ann:p%40ss@127.0.0.1:${port}/topic` });
    await notifier.send(failure());
    const authorization = `Basic ${Buffer.from("ann:p@ss").toString("base64")}`;
    expect(receiver.deliveries).toMatchObject([{ path: "/topic", headers: { authorization } }]);
  });

  test("no event about it holds the URL's secrets, even when the receiver repeats them", async () => {
    const query = "?key=qu3ry-s3cret";
    const notifier = await open(
      (response, { path }) => void response.writeHead(403).end(`${path} is not allowed for ann:passw0rd`),
      { url: (port) => `http://ann:passw0rd@127.0.0.1:${port}/services/${TOKEN}${query}` },
    );
    await notifier.send(failure());
    await receiver.close();
    await notifier.send(failure());
    const said = JSON.stringify(events);
    expect(said).toContain(`http://***@127.0.0.1:${receiver.port}/***`);
    for (const secret of [TOKEN, "qu3ry", "passw0rd"]) expect(said).not.toContain(secret);
    receiver = await startReceiver(answers(200));
  });
});

describe("the sum", () => {
  test("is one post when the minute is over, and counts as one of the next", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const notifier = await open(answers(200), { postsMax: 2 });
    const alone = (times: number): boolean[] =>
      Array.from({ length: times }, () => notifier.offer(failure()));
    expect(alone(4)).toEqual([true, true, false, false]);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(receiver.deliveries).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(texts()).toEqual(["and 2 more: 2 failed (timeout) of Trend (7)"]));
    expect(alone(3)).toEqual([true, false, false]);
    await vi.advanceTimersByTimeAsync(59_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(2));
  });

  test("is posted at the stop, without waiting for the minute", async () => {
    const notifier = await open(answers(200), { postsMax: 1 });
    for (let i = 0; i < 36; i += 1) notifier.offer(failure(i === 0 ? 9 : 7));
    stop.abort();
    await notifier.close();
    expect(texts()).toEqual(["and 35 more: 35 failed (timeout) of Trend (7)"]);
  });

  test("that cannot be posted is given up with a warning that says how much was in it", async () => {
    const notifier = await open(answers(500), { postsMax: 1 });
    for (let i = 0; i < 36; i += 1) notifier.offer(failure());
    stop.abort();
    await notifier.close();
    expect(receiver.deliveries).toHaveLength(1);
    expect(warnings()).toEqual([expect.stringContaining("the sum of 35 outcomes")]);
    expect(drops).toEqual([["notifications_dropped:failed", 35]]);
  });

  test("nothing is posted at a stop when there is nothing to say", async () => {
    const notifier = await open(answers(200));
    notifier.offer(failure());
    stop.abort();
    await notifier.close();
    expect(receiver.deliveries).toHaveLength(0);
  });
});

describe("a stop while the receiver says nothing", () => {
  test("ends the post under way and leaves its outcome to the next process", async () => {
    const notifier = await open(() => undefined);
    const telling = notifier.send(failure());
    await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(1));
    stop.abort();
    cutOff.abort(new Error("the router stops"));
    expect(await telling).toBe(false);
    expect(warnings()).toEqual([]);
  });
});
