import { describe, expect, test } from "vitest";
import { entryView, isKnown, type EntryFindings } from "../../../../runner/http/signals/entry-view.ts";
import type { DeadLetter } from "../../../../shared/dead-letter.ts";
import type { Fields } from "../../../../shared/entry.ts";
import type { LoggedDecision, LoggedOutcome } from "../../../../shared/io/log/signal-log-reader.ts";
import { at, logged, ran, routed } from "../../../shared/io/log/logged.ts";

const FINDINGS: EntryFindings = {
  id: "5-0",
  stream: { fields: { n: "1" }, delivery: { status: "acknowledged" } },
  logged: { decisions: [], outcomes: [], raw: undefined },
  published: { signals: [], attempts: [], outcomes: [] },
  tasks: [],
  tasksInFlight: [],
  deadLetters: [],
  moreDecisions: false,
  truncated: false,
};

function decision(invocation = "live"): LoggedDecision {
  const { outcomes: _, raw: __, side = null, ...record } = logged("5-0").record;
  const rest = { entry_id: "5-0", invocation, logged_at: at("00:00:09.000"), asked_for: null };
  return { ...record, side, ...rest };
}

function outcome(invocation = "live"): LoggedOutcome {
  const { record } = ran("5-0", { attempt: 3 });
  return {
    ...record,
    entry_id: "5-0",
    invocation,
    strategy: "ten",
    stage: "execution",
    part: "",
    logged_at: at("00:00:09.000"),
  };
}

function letter(stream: string, fields: Fields = {}): DeadLetter {
  const entry = { id: "5-0", fields };
  const why = { reason: "r", error: "e", deliveries: 5, at: at("00:00:00.000") };
  return { id: "9-9", entry, stream, functionName: "f", ...why };
}

const inLog = (...decisions: LoggedDecision[]) => ({ logged: { decisions, outcomes: [], raw: undefined } });
const waiting = { stream: { fields: { n: "1" }, delivery: { status: "waiting" } } } as const;
const pending = { status: "pending", consumer: "c", idleMs: 1, deliveries: 2 } as const;
const ofOutcome = letter("signal_results", { kind: "outcome", invocation: "live" });
const ofRun = letter("signal_results", { kind: "signal", invocation: "a run" });

describe("the state of an entry", () => {
  test.each<[string, string, Partial<EntryFindings>]>([
    ["acknowledged", "nothing else is known of it", {}],
    ["acknowledged", "only an outcome of it was given up on", { deadLetters: [ofOutcome] }],
    ["acknowledged", "only a run's record of it was given up on", { deadLetters: [ofRun] }],
    [
      "acknowledged",
      "only a run's decision is published",
      { published: { signals: [{ ...logged("5-0"), invocation: "a run" }], attempts: [], outcomes: [] } },
    ],
    ["logged", "only a run's decision is in the log", inLog(decision("a run"))],
    [
      "logged",
      "it has both a dead letter and a row",
      { ...inLog(decision()), deadLetters: [letter("signals_stream")] },
    ],
    [
      "dead_letter",
      "a run has decided it since",
      { ...inLog(decision("a run")), deadLetters: [letter("signals_stream")] },
    ],
    [
      "dead_letter",
      "Postgres is unavailable",
      { logged: undefined, deadLetters: [letter("signals_stream")] },
    ],
    ["waiting", "a run has already decided it", { ...waiting, ...inLog(decision("a run")) }],
    ["pending", "it was deleted meanwhile", { stream: { fields: undefined, delivery: pending } }],
    [
      "logged",
      "it has left the stream and the group was created again",
      { stream: { fields: undefined, delivery: { status: "waiting" } }, ...inLog(decision()) },
    ],
  ])("is %s when %s", (status, _when, findings) => {
    expect(entryView({ ...FINDINGS, ...findings }).state.status).toBe(status);
  });
});

test("an entry is known by any trace of it", () => {
  const absent = { ...FINDINGS, stream: { fields: undefined, delivery: { status: "waiting" } } } as const;
  expect(isKnown(absent)).toBe(false);
  expect(isKnown({ ...absent, logged: undefined })).toBe(false);
  const traces: Partial<EntryFindings>[] = [
    waiting,
    { stream: { fields: undefined, delivery: pending } },
    inLog(decision()),
    { logged: { decisions: [], outcomes: [outcome()], raw: undefined } },
    { published: { signals: [logged("5-0")], attempts: [], outcomes: [] } },
    { published: { signals: [], attempts: [], outcomes: [ran("5-0")] } },
    { deadLetters: [ofOutcome] },
  ];
  for (const trace of traces) expect(isKnown({ ...absent, ...trace })).toBe(true);
});

describe("what is both logged and published", () => {
  const published = {
    signals: [
      logged("5-0", { outcomes: [routed(10), routed(11)] }),
      { ...logged("5-0"), invocation: "a run" },
    ],
    attempts: [],
    outcomes: [ran("5-0")],
  };

  test("is shown once, as the log has it", () => {
    const findings = {
      ...FINDINGS,
      logged: { decisions: [decision("a run")], outcomes: [outcome()], raw: undefined },
      published,
    };
    const { decisions, outcomes_without_decision } = entryView(findings);
    expect(decisions.map(({ invocation, logged_at }) => [invocation, logged_at !== null])).toEqual([
      ["a run", true],
      ["live", false],
    ]);
    const live = decisions[1]?.outcomes.map(({ stage, strategy_id, attempt }) => [
      stage,
      strategy_id,
      attempt,
    ]);
    expect(live).toEqual([
      ["execution", 10, 3],
      ["routing", 10, null],
      ["routing", 11, null],
    ]);
    expect(outcomes_without_decision).toEqual([]);
  });

  test("leaves out outcomes whose decision may be among those not shown", () => {
    const findings = {
      ...FINDINGS,
      logged: { decisions: [decision()], outcomes: [outcome("another")], raw: undefined },
    };
    expect(entryView(findings).outcomes_without_decision).toHaveLength(1);
    expect(entryView({ ...findings, moreDecisions: true }).outcomes_without_decision).toEqual([]);
  });
});

test("the fields of an entry come from the first source that still has them", () => {
  const removed = {
    ...FINDINGS,
    stream: { fields: undefined, delivery: { status: "acknowledged" } },
  } as const;
  const letters = { deadLetters: [ofOutcome, letter("signals_stream", { from: "letter" })] };
  const published = {
    published: { signals: [logged("5-0", { raw: { from: "record" } })], attempts: [], outcomes: [] },
  };
  const raw = { logged: { decisions: [], outcomes: [], raw: { from: "log" } } };
  const sourceOf = (findings: Partial<EntryFindings>) => entryView({ ...removed, ...findings }).entry;
  expect(sourceOf(letters)).toEqual({ id: "5-0", fields: { from: "letter" }, source: "dead_letter" });
  expect(sourceOf({ ...letters, ...published })).toMatchObject({
    fields: { from: "record" },
    source: "signal_results",
  });
  expect(sourceOf({ ...letters, ...published, ...raw })).toMatchObject({
    fields: { from: "log" },
    source: "log",
  });
  expect(sourceOf({ ...raw, stream: FINDINGS.stream })).toMatchObject({
    fields: { n: "1" },
    source: "stream",
  });
  expect(sourceOf({})).toEqual({ id: "5-0", fields: null, source: null });
});
