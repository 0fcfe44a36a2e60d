import { expect, test } from "vitest";
import { entryText } from "../../../../runner/cli/log/entry-text.ts";
import { clockNotes, signalLegs } from "../../../../runner/cli/log/legs.ts";
import type { DecisionView, EntryView, OutcomeView } from "../../../../runner/http/signals/entry-schemas.ts";

/** `cli show`: one entry as text. */

const BASE = Date.parse("2026-01-02T10:00:00.000Z");
const after = (ms: number): string => new Date(BASE + ms).toISOString();
const ENTRY = `${BASE + 112}-0`;
const now = new Date(BASE + 60_000);

const outcome = (changes: Partial<OutcomeView>): OutcomeView => ({
  strategy_id: 4,
  strategy: "Trend",
  stage: "routing",
  status: "dispatched",
  reason: null,
  detail: {},
  attempt: null,
  duration_ms: null,
  at: after(115),
  logged_at: after(300),
  ...changes,
});

const decision: DecisionView = {
  invocation: "live",
  asked_for: null,
  uid: "u-1",
  status: "dispatched",
  reason: null,
  detail: {},
  signal_id: 1,
  direction: "long",
  side: null,
  symbol: "BTCUSDT",
  message: "UP",
  source: "cli",
  bar_time: after(0),
  sent_at: after(100),
  received_at: after(112),
  decided_at: after(115),
  snapshot: "v1",
  duplicate_of: null,
  logged_at: after(300),
  outcomes: [
    outcome({}),
    outcome({
      stage: "attempt",
      status: "failed",
      reason: "retryable_error",
      detail: { error: "503" },
      attempt: 1,
      duration_ms: 5,
      at: after(123),
    }),
    outcome({
      stage: "execution",
      status: "executed",
      attempt: 2,
      duration_ms: 4,
      at: after(1_130),
      logged_at: after(1_400),
    }),
    outcome({ strategy_id: 5, strategy: "Off", status: "ignored", reason: "strategy_disabled" }),
    outcome({ strategy_id: 6, strategy: "Slow" }),
  ],
};

const task = (strategy_id: number, state: "waiting" | "pending" | "ended"): EntryView["tasks"][number] => ({
  id: `${BASE + 116}-${strategy_id}`,
  invocation: "live",
  strategy_id,
  dispatched_at: after(116),
  state,
  consumer: state === "pending" ? "host-1" : null,
  attempts: state === "pending" ? 2 : null,
  idle_ms: state === "pending" ? 1_500 : null,
});

const view: EntryView = {
  entry: { id: ENTRY, fields: {}, source: "log" },
  state: { status: "logged" },
  tasks_in_flight: [],
  decisions: [decision],
  outcomes_without_decision: [],
  tasks: [task(4, "ended"), task(6, "pending")],
  dead_letters: [
    {
      id: "7-0",
      function: "execute-strategies",
      stream: "strategy_input_stream",
      reason: "max_deliveries",
      error: "it failed",
      at: after(500),
    },
  ],
  log: "available",
  truncated: false,
};

test("an entry is shown with its decision, the ms of each leg, each strategy, what is pending, and its dead letters", () => {
  expect(entryText(view, { columns: 100, now }).split("\n")).toEqual([
    `${ENTRY}  UP on BTCUSDT (long)`,
    "  state      decided, and in the log",
    "",
    "Decision",
    "  decided    dispatched",
    "  uid        u-1",
    "  bar        10:00:00 UTC",
    "  source     cli",
    "  reference  v1",
    "",
    "  when, UTC",
    "  10:00:00.100  sent",
    "  10:00:00.112  received  +12 ms",
    "  10:00:00.115  decided   +3 ms",
    "  10:00:00.300  logged    +185 ms",
    "",
    "Strategies",
    "  Trend (4)  executed on attempt 2 in 4 ms",
    "      dispatched +1 ms",
    "      attempt 1  begun +2 ms · ended +5 ms  503",
    "      attempt 2  begun +1.0 s · ended +4 ms  executed",
    "      logged +270 ms",
    "  Off (5)  ignored – the strategy is disabled (strategy_disabled)",
    "  Slow (6)  dispatched, not ended yet",
    "      dispatched +1 ms",
    `      task ${BASE + 116}-6 is with host-1: attempt 2, 1.5 s ago`,
    "",
    "Dead letters",
    "  7-0  of strategy_input_stream, 10:00:00 UTC: max_deliveries: it failed",
  ]);
});

test("a task in flight is shown with what it waits for, also one that a retry has put into the stream again", () => {
  const inFlight = (
    id: string,
    strategy_id: number,
    changes: object,
  ): EntryView["tasks_in_flight"][number] => ({
    id,
    entry_id: ENTRY,
    invocation: "live",
    strategy_id,
    strategy: "x",
    symbol: "BTCUSDT",
    direction: "long",
    side: null,
    state: "running",
    why: "attempt 1 runs",
    attempt: 1,
    attempts_max: 5,
    last_error: null,
    next_try_at: null,
    consumer: "host-1",
    idle_ms: 1_500,
    ...changes,
  });
  const waits = { state: "between_attempts", why: "attempt 2 failed; attempt 3 of 5 follows" };
  const tasks_in_flight = [
    inFlight("17-6", 6, { ...waits, next_try_at: after(5_000) }),
    inFlight("18-4", 4, {}),
  ];
  const text = entryText({ ...view, tasks_in_flight }, { columns: 120, now });
  expect(text).toContain("      task 18-4 is with host-1: attempt 1 runs, begun 1.5 s ago\n  Off (5)");
  expect(text).toContain(
    "      task 17-6 is with host-1: attempt 2 failed; attempt 3 of 5 follows, at 10:00:05 UTC\n\nDead",
  );
});

test("a sender whose clock is ahead makes a leg negative, and that is said", () => {
  const legs = signalLegs(ENTRY, { ...decision, sent_at: after(150) });
  expect(legs.map(({ what, tookMs }) => [what, tookMs])).toEqual([
    ["sent", null],
    ["received", -38],
    ["decided", 3],
    ["logged", 185],
  ]);
  expect(clockNotes(legs)).toEqual([
    'the clock of "sent" is at least 38 ms ahead of that of "received": the two times are of different machines',
  ]);
});

test("an entry that is not decided yet is shown with its fields, and none of them controls the terminal", () => {
  const waiting: EntryView = {
    ...view,
    entry: { id: ENTRY, fields: { message: "UP\u001B[2J", symbol: "BTC" }, source: "stream" },
    state: { status: "waiting" },
    decisions: [],
    tasks: [],
    dead_letters: [],
    log: "unavailable",
  };
  const text = entryText(waiting, { columns: 100, now });
  expect(text).toContain("UP\uFFFD[2J on BTC");
  expect(text).toContain("waits to be decided");
  expect(text).toContain("Postgres is unavailable");
  expect(text).not.toMatch(/\p{Cc}(?<!\n)/u);
});
