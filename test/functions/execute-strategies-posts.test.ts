import { expect, test, vi } from "vitest";
import type { ExecutePorts } from "../../functions/execute-strategies.ts";
import { webhook } from "../../functions/strategies/webhook.ts";
import { openLanes } from "../../runner/bindings/ordered-lanes.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";
import { RetryableError } from "../../shared/strategy.ts";
import { NOW, rowsWithStrategies, snapshotFrom, strategyRow } from "../builders.ts";
import { useReceivers } from "../servers/http-receiver.ts";
import { portsFrom, recordOf, resultsOf, task, type Run } from "./execute-strategies-fixture.ts";

const receiver = useReceivers();
const request = { url: "http://x.test/", headers: {}, body: "", timeoutMs: 1_000 };

/** Posts once, and takes any answer. */
const posting: Run = async ({ post, abort }) => {
  const { status } = await post({ ...request, abort });
  return { status: "executed", detail: { status } };
};

/** What the nth post does: it has no connection, it is sent without an answer, or it is answered. */
function postsThat(...does: ("fails" | "is sent" | "is answered")[]): ExecutePorts["post"] {
  let nth = 0;
  return async (_request, progress) => {
    const what = does[nth];
    nth += 1;
    if (what === "fails") throw new RetryableError("nothing was sent");
    progress.onSend();
    if (what === "is sent") throw new RetryableError("it may have arrived");
    return { status: 200, text: "" };
  };
}

test("with the defaults, no order waits for a connection and is sent twice because of that", async () => {
  const strategies = Array.from({ length: 20 }, (_, i) => i + 1);
  const answers: (() => void)[] = [];
  const { url, deliveries } = await receiver((response) => {
    answers.push(() => void response.end());
    // As many as may run at a time have to be there at the same time.
    if (deliveries.length < 50) return;
    for (const answer of answers.splice(0)) answer();
  });
  const rows = rowsWithStrategies(
    strategies.map((id) => strategyRow(id, { handler: "webhook", params: { url } })),
  );
  const context = {
    snapshot: snapshotFrom(rows),
    control: { epoch: "0", allPaused: false, pausedStrategies: new Set<number>() },
    now: NOW,
    signalAgeMsMax: 0,
  };
  const attempts = new Map<string, number>();
  const ports = portsFrom({
    ports: {
      handlers: [webhook],
      lanes: openLanes({
        concurrencyMax: 50,
        concurrencyPerStrategyMax: 10,
        closing: new AbortController().signal,
      }),
      post: outgoingPost({ privateAddresses: true }),
      timeoutMs: 10_000,
      async claimAttempt(id) {
        attempts.set(id, (attempts.get(id) ?? 0) + 1);
        return { status: "held", attempt: attempts.get(id) ?? 0, context };
      },
    },
  });
  const tasks = strategies.flatMap((id) =>
    ["A", "B", "C"].map((symbol) =>
      task(`${id}-${symbol.charCodeAt(0)}`, { strategy_id: String(id), symbol, log_uid: symbol }),
    ),
  );
  const results = await resultsOf(tasks, ports);
  expect(results.map(({ status }) => status)).toEqual(tasks.map(() => "done"));
  const keys = new Set(deliveries.map(({ headers }) => headers["idempotency-key"]));
  expect({ posts: deliveries.length, keys: keys.size }).toEqual({ posts: 60, keys: 60 });
}, 30_000);

test.each<[string, Parameters<typeof postsThat>, Record<string, unknown>]>([
  ["answered", ["is answered"], { status: 200 }],
  ["answered after it had no connection", ["fails", "fails", "is answered"], { status: 200 }],
  [
    "answered after it was sent and not answered",
    ["is sent", "fails", "is answered"],
    { status: 200, may_have_arrived: [1] },
  ],
  ["never sent", ["fails", "fails", "fails"], { error: "nothing was sent" }],
  [
    "sent and never answered",
    ["is sent", "is sent", "is sent"],
    { error: "it may have arrived", may_have_arrived: [1, 2, 3] },
  ],
])("the record of an order that is %s says whether it may have arrived", async (_what, does, detail) => {
  expect((await recordOf({ run: posting, ports: { post: postsThat(...does) } })).detail).toEqual(detail);
});

test("so does that of a run whose time is up while its post has no answer", async () => {
  const post: ExecutePorts["post"] = async (_request, progress) => {
    progress.onSend();
    return new Promise(() => undefined);
  };
  const record = await recordOf({ run: posting, ports: { post, timeoutMs: 20 } });
  expect(record).toMatchObject({ status: "failed", reason: "timeout" });
  expect(record.detail).toEqual({ timeout_ms: 20, may_have_arrived: [1] });
});

test("and that of a task which is stale, or paused, when it is to be tried again", async () => {
  const holding = portsFrom({ run: posting });
  const claimAttempt: ExecutePorts["claimAttempt"] = async (id) => {
    const claimed = await holding.claimAttempt(id);
    if (claimed.status !== "held" || claimed.attempt === 1) return claimed;
    return { ...claimed, context: { ...claimed.context, signalAgeMsMax: 1 } };
  };
  const record = await recordOf({ run: posting, ports: { claimAttempt, post: postsThat("is sent") } });
  expect(record).toMatchObject({ status: "ignored", reason: "stale", attempt: 2 });
  expect(record.detail).toMatchObject({ may_have_arrived: [1] });
});

test("the time of a run stands still until its post has a connection", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const post: ExecutePorts["post"] = async (_request, progress) => {
      vi.advanceTimersByTime(4_000);
      progress.onSend();
      return { status: 200, text: "" };
    };
    const ports = { post, timeoutMs: 100, connectionMsMax: 5_000 };
    expect(await recordOf({ run: posting, ports })).toMatchObject({ status: "executed" });
  } finally {
    vi.useRealTimers();
  }
});

test.each<[string, boolean, number[]]>([
  ["is not counted when its run still waited for a connection", false, [1]],
  ["stays counted when its run had sent something", true, []],
])("an attempt that a stop ends %s", async (_what, sends, uncounted) => {
  const stop = new AbortController();
  const uncounts: number[] = [];
  const post: ExecutePorts["post"] = async ({ abort }, progress) => {
    if (sends) progress.onSend();
    stop.abort();
    throw abort.reason;
  };
  const ports: Partial<ExecutePorts> = {
    post,
    abort: stop.signal,
    uncount: async (_id, attempt) => void uncounts.push(attempt),
  };
  const results = await resultsOf([task()], portsFrom({ run: posting, ports }));
  expect(results).toMatchObject([{ status: "retry", expected: true }]);
  expect(uncounts).toEqual(uncounted);
});
