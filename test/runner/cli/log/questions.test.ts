import { expect, test } from "vitest";
import { ask, foundSignal, STRATEGY, today } from "./questions-fixture.ts";

/** What the commands that answer questions ask of the routes, and what they print. */

const shown = { version: "v1", log: "available", runners: 1 };
const dispatched = { status: "dispatched", reason: null, detail: {} };
const SIGNALS = {
  signals: [
    foundSignal("10:00:03.000", {
      ...dispatched,
      run: {
        status: "executed",
        reason: null,
        detail: {},
        attempt: 1,
        duration_ms: 12,
        at: today("10:00:03.100"),
      },
      attempts: 1,
    }),
    foundSignal("10:00:02.000", {
      status: "ignored",
      reason: "ticker_not_allowed",
      detail: { symbol: "BTCUSDT", allowed: 1 },
      run: null,
      attempts: 0,
    }),
    foundSignal("10:00:01.000", { ...dispatched, run: null, attempts: 2 }),
    foundSignal("10:00:00.000", {
      ...dispatched,
      run: {
        status: "failed",
        reason: "http_400",
        detail: { error: "the receiver\nrefused" },
        attempt: 3,
        duration_ms: 7,
        at: today("10:00:00.100"),
      },
      attempts: 3,
    }),
  ],
  next_cursor: "WyJ4Il0",
};

test("why: the strategy, and in words what became of each signal; the last line says how to get the next page", async () => {
  const failing = { ...STRATEGY, failing: true, last_ends: { count: 3, failed: 3 } };
  const answers = {
    "/signals": SIGNALS,
    "/strategies/%E7%AA%81%E7%A0%B4%20Trend": { ...shown, strategy: failing },
  };
  const { out, requests, code } = await ask(
    { answers },
    "why",
    "突破 Trend",
    "--last",
    "4",
    "--symbol",
    "BTCUSDT",
    "--reason",
    "stale",
  );
  expect(code).toBe(0);
  expect(requests[0]).toBe("GET /signals?strategy=突破+Trend&limit=4&symbol=BTCUSDT&reason=stale");
  expect(out.split("\n")).toEqual([
    "突破 Trend (4): trades",
    "! failing: 3 of its last 3 tasks",
    "",
    "time, UTC  symbol   signal  entry            what became of it",
    "10:00:03   BTCUSDT  UP      1796034141049-0  executed in 12 ms",
    "10:00:02   BTCUSDT  UP      1796034141049-0  ignored – BTCUSDT is not its one ticker (ticker_not_allowed)",
    "10:00:01   BTCUSDT  UP      1796034141049-0  dispatched, not ended yet; 2 attempts failed",
    "10:00:00   BTCUSDT  UP      1796034141049-0  failed on attempt 3 in 7 ms – http_400: the receiver refused",
    "",
    "older ones: the same with --after WyJ4Il0",
  ]);
  const narrow = await ask({ answers, columns: 60 }, "why", "突破 Trend");
  expect(narrow.out.split("\n").slice(4, 9)).toEqual([
    "10:00:03   BTCUSDT  UP      1796034141049-0",
    "    executed in 12 ms",
    "10:00:02   BTCUSDT  UP      1796034141049-0",
    "    ignored – BTCUSDT is not its one ticker",
    "    (ticker_not_allowed)",
  ]);
});

test("why: of an id that is no longer in the reference there is its history; what the routes refuse is said", async () => {
  const gone = await ask({ answers: { "/signals": { ...SIGNALS, next_cursor: null } } }, "why", "42");
  expect(gone.out).toContain("strategy 42: not in the current reference");
  const json = await ask({ answers: { "/signals": SIGNALS } }, "why", "42", "--json");
  expect(JSON.parse(json.out)).toEqual({ strategy: null, ...SIGNALS });
  expect(await ask({ answers: {} }, "why", "x")).toMatchObject({ code: 1, err: "not there" });
  expect((await ask({ answers: {} }, "why", "x", "--last", "201")).code).toBe(1);
});

test("strategies: a line each, with what needs attention", async () => {
  const paused = { since: today("09:30:00.000"), by: "ann", all: false };
  const list = [STRATEGY, { ...STRATEGY, id: 12, name: "Off", state: "paused", paused }];
  const { out } = await ask({ answers: { "/strategies": { ...shown, strategies: list } } }, "strategies");
  const [head = "", first = "", second = ""] = out.split("\n");
  expect(head).toMatch(
    /^id {2}strategy +state +handler +dispatched +executed +failed +last, UTC +attention$/,
  );
  expect(first).toMatch(/^4 {3}突破 Trend +trades +webhook +3 +2 +1 +10:00:00$/);
  expect(second).toMatch(/! paused since .* 09:30 UTC by ann$/);
});

test("strategies show: everything about one", async () => {
  const answers = { "/strategies/4": { ...shown, runners: 0, strategy: STRATEGY } };
  const { out, err } = await ask({ answers }, "strategies", "show", "4");
  for (const line of [
    "突破 Trend (4)",
    "  signals     UP (long) of EMA cross",
    "  tickers     BTCUSDT",
    "  decided     dispatched 3, ignored 1",
    "  attempts    5, mean run 4 ms",
  ])
    expect(out.split("\n")).toContain(line);
  expect(out).toMatch(/last end .*failed – not finished in time; it may have taken effect \(timeout\)/);
  expect(err).toContain("no process runs strategies");
  const json = await ask({ answers }, "strategies", "show", "4", "--json");
  expect(JSON.parse(json.out)).toMatchObject({ strategy: { id: 4 } });
});

const shownEntry = (id: string) => ({
  entry: { id, fields: {}, source: "log" },
  state: { status: "waiting" },
  decisions: [],
  tasks_in_flight: [],
  outcomes_without_decision: [],
  tasks: [],
  dead_letters: [],
  log: "available",
  truncated: false,
});

test("show: an entry, or a uid, also one that looks like an entry", async () => {
  const byUid = { uid: "20261130-7", entries: [shownEntry("17-0")], truncated: false };
  const answers = { "/entries/17-0": shownEntry("17-0"), "/signals/20261130-7": byUid };
  for (const typed of ["17-0", "20261130-7"])
    expect((await ask({ answers }, "show", typed)).out).toContain("17-0  (no message)");
  const json = await ask({ answers }, "show", "20261130-7", "--json");
  expect(JSON.parse(json.out)).toEqual(byUid);
  expect(await ask({ answers }, "show", "18-0")).toMatchObject({ code: 1, err: "not there" });
});

const EVENT = {
  id: "0f8fad5b-d9cb-469f-a165-70867728950e",
  at: today("10:00:00.000"),
  level: "ERROR",
  source: "runner",
  message: "disk\u001B[2J is full",
  details: {},
  action_flag: true,
  done: null,
  logged: true,
};

test("events: what is to do is named with its id, and who has done it", async () => {
  const done = { at: today("11:00:00.000"), by: "ann", note: "freed" };
  const list = {
    events: [EVENT, { ...EVENT, done }],
    next_cursor: null,
    log: "unavailable",
    redis: "unavailable",
  };
  const { out, err, requests } = await ask(
    { answers: { "/events": list } },
    "events",
    "--action",
    "--level",
    "ERROR",
  );
  expect(requests).toEqual(["GET /events?action=true&level=ERROR&limit=50"]);
  expect(out.split("\n").slice(1)).toEqual([
    "10:00:00   ERROR  runner  disk\uFFFD[2J is full",
    `    ! to do, then: events done ${EVENT.id}`,
    "10:00:00   ERROR  runner  disk\uFFFD[2J is full",
    "    ✓ done by ann, 11:00:00 UTC: freed",
  ]);
  expect(err).toContain("Postgres is unavailable");
  expect(err).toContain("Redis does not answer");
  const marked = await ask(
    { answers: { [`/events/${EVENT.id}/done`]: { ...EVENT, done } } },
    "events",
    "done",
    EVENT.id,
    "--note",
    "freed",
  );
  expect(marked.bodies).toEqual([{ by: "ada", note: "freed" }]);
  expect(marked.out).toContain("done by ann");
});

test("invocations: who asked for what, and what it came to", async () => {
  const run = {
    id: "run-1",
    kind: "replay",
    mode: "force",
    snapshot: "v1",
    requested_by: "ann",
    reason: "the broker was down",
    selection: { from: "1-0" },
    started_at: today("10:00:00.000"),
    finished_at: today("10:00:02.500"),
    state: "finished",
    counts: { dispatched: 2, ignored: 0 },
  };
  const open = { ...run, id: "run-2", finished_at: null, state: "unfinished", counts: null };
  const answers = {
    "/invocations": { invocations: [open, run], next_cursor: null },
    "/invocations/run-1": run,
  };
  const { out } = await ask({ answers }, "invocations");
  expect(out).toMatch(
    /replay force {2}ann {2}run-2 {2}no end for .*: still at work, or broken off · the broker/,
  );
  expect(out).toMatch(/run-1 {2}dispatched 2, in 2\.5 s · the broker was down/);
  expect((await ask({ answers }, "invocations", "show", "run-1")).out).toContain(
    'selection   {"from":"1-0"}',
  );
  const retry = { ...run, kind: "retry", selection: { entry_id: "17-0", strategy_id: 4 } };
  const ofRetry = await ask({ answers: { "/invocations/run-3": retry } }, "invocations", "show", "run-3");
  expect(ofRetry.out).toContain("Its run: executions show 17-0");
});

test("tail: a line for each decision, attempt and outcome", async () => {
  const common = {
    id: "9-0",
    entry_id: "1-0",
    invocation: "live",
    uid: "u",
    at: "2026-01-02T10:00:00.000Z",
    symbol: "BTCUSDT",
    message: "UP",
    reason: null,
    detail: {},
  };
  const strategies = [
    { strategy_id: 4, strategy: "Trend", ...dispatched },
    { strategy_id: 5, strategy: "Off", status: "ignored", reason: "strategy_disabled", detail: {} },
  ];
  const decision = {
    ...common,
    kind: "decision",
    status: "dispatched",
    direction: "long",
    source: null,
    duplicate_of: null,
    strategies,
  };
  const ended = { ...common, kind: "outcome", strategy_id: 4, strategy: "Trend", attempt: 2, duration_ms: 5 };
  const failed = { status: "failed", reason: "retryable_error", detail: { error: "503" }, attempt: 1 };
  const lines = [
    { kind: "began", at: common.at },
    decision,
    { ...ended, ...failed, kind: "attempt" },
    { ...ended, status: "executed" },
    { ...decision, status: "ignored", reason: "unknown_ticker", detail: { symbol: "NO" }, strategies: [] },
    { kind: "missed", count: 3 },
    { kind: "heartbeat", at: common.at, redis: "available" },
    { kind: "heartbeat", at: common.at, redis: "unavailable" },
    { kind: "heartbeat", at: common.at, redis: "unavailable" },
    { kind: "heartbeat", at: common.at, redis: "available" },
    { ...decision, message: "x".repeat(10_000), symbol: "\u009B2J" },
    { ...decision, message: "OUT", direction: "flat", side: "long" },
  ];
  const answers = { "/tail": lines.map((line) => `${JSON.stringify(line)}\n`).join("") };
  const { out, err, requests } = await ask({ answers }, "tail", "--strategy", "Trend", "--failed");
  expect(err.split("\n").slice(0, -1)).toEqual([
    "following; Ctrl-C ends it",
    "Redis does not answer: what is decided follows when it does",
    "Redis answers again",
  ]);
  expect(requests).toEqual(["GET /tail?strategy=Trend&failed=true"]);
  expect(out.split("\n")).toEqual([
    "10:00:00  DISPATCHED  UP on BTCUSDT (long)  → Trend (4); 1 not  1-0",
    "10:00:00  retrying    Trend (4)  UP on BTCUSDT  after attempt 1 of 5 ms – 503  1-0",
    "10:00:00  executed    Trend (4)  UP on BTCUSDT  on attempt 2 in 5 ms  1-0",
    "10:00:00  IGNORED     UP on BTCUSDT (long)  NO is not among the tickers (unknown_ticker)  1-0",
    "… 3 not shown: more came than could be printed",
    `10:00:00  DISPATCHED  ${"x".repeat(200)} on \uFFFD2J (long)  → Trend (4); 1 not  1-0`,
    "10:00:00  DISPATCHED  OUT on BTCUSDT (exit long)  → Trend (4); 1 not  1-0",
  ]);
  const json = await ask({ answers }, "tail", "--json");
  expect(json.out).not.toMatch(/[^\P{C}\n]/u);
  expect(json.out.split("\n").map((line) => JSON.parse(line))).toEqual(lines);
});

test("tail: a router that is killed is said, and the exit code is 1", async () => {
  const began = new TextEncoder().encode(`${JSON.stringify({ kind: "began", at: today("10:00:00.000") })}\n`);
  const reset = new Error("aborted");
  const pulls = [(to: ReadableStreamDefaultController) => to.enqueue(began)];
  const broken = new ReadableStream({ pull: (to) => (pulls.shift() ?? ((of) => of.error(reset)))(to) });
  const { code, err } = await ask({ answers: { "/tail": new Response(broken) } }, "tail");
  expect(code).toBe(1);
  expect(err).toContain("the router ended in the middle of its answer (aborted)");
});
