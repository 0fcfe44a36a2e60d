import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { CliError } from "../../../../runner/cli/connection.ts";
import { previewText } from "../../../../runner/cli/reference/preview.ts";
import { addReplayCommand } from "../../../../runner/cli/replay/commands.ts";
import { routesOver } from "../../../../runner/cli/router-routes.ts";
import { noCounts } from "../../../../runner/replay/replayed-signal.ts";

/** `cli replay` over a route that answers with given lines, once for each request. */

const NO_OUTCOME = { detail: {}, snapshot: "v", decided_at: "2026-11-20T10:00:00Z", duplicate_of: null };
const dispatched = { status: "dispatched", reason: null };
const OUTCOMES = [
  { strategy_id: 1, strategy: "Trend follower", ...dispatched, detail: {} },
  { strategy_id: 2, strategy: "Ether only", status: "ignored", reason: "not_chosen", detail: {} },
];
const SIGNAL = {
  entry_id: "1795600000000-0",
  uid: "u",
  symbol: "BTCUSDT",
  message: "EMA_CROSS_LONG",
  source: "stream",
  logged: null,
  decided: { ...NO_OUTCOME, ...dispatched, outcomes: OUTCOMES },
  difference: {
    signal: { was: { status: "ignored", reason: "paused" }, now: dispatched },
    strategies: [
      {
        strategy_id: 1,
        strategy: "Trend follower",
        was: { status: "ignored", reason: "paused" },
        now: dispatched,
      },
      { strategy_id: 3, strategy: null, was: dispatched, now: null },
    ],
  },
};
const TASK = { strategy_id: 1, strategy: "Trend follower", idempotency_key: "0f".repeat(16) };
const counts = (some: Readonly<Record<string, number>>) => ({ ...noCounts(), selected: 1, ...some });
const summary = (mode: string, some: Readonly<Record<string, number>>, changes: object = {}) => ({
  replay: {
    mode,
    dry_run: true,
    snapshot: "current",
    invocation: mode === "force" ? "11112222-run" : null,
    strategies: null,
    range: null,
    by: null,
    reason: null,
    counts: counts(some),
    not_found: [],
    ...changes,
  },
});
const FORCED = [
  { ...SIGNAL, outcome: "applied", tasks: [TASK] },
  summary("force", { tasks: 1, dispatched: 1 }),
];
const PROBLEM = {
  problem: {
    type: "about:blank",
    title: "",
    status: 503,
    code: "unavailable",
    detail: "it is gone",
    request_id: "r",
  },
};

async function run(
  answers: readonly (readonly object[])[],
  confirmed: boolean | undefined,
  ...args: string[]
) {
  const [out, err, bodies]: [string[], string[], Record<string, unknown>[]] = [[], [], []];
  let code = 0;
  const router = routesOver(async (request) => {
    bodies.push((await request.json()) as Record<string, unknown>);
    const lines = answers[bodies.length - 1] ?? [];
    return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  });
  const program = new Command().exitOverride();
  addReplayCommand(program, {
    withRouter: async (command) => command(router),
    print: (text) => out.push(text),
    say: (text) => err.push(text),
    confirm: async (question) => {
      err.push(question);
      return confirmed;
    },
    exitWith: (exitCode) => {
      code = exitCode;
    },
    user: "ada",
    columns: 100,
  });
  try {
    await program.parseAsync(["replay", ...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    err.push(error.message);
    code = error.exitCode;
  }
  return { out: out.join("\n"), err: err.join("\n"), code, bodies };
}

describe("cli replay", () => {
  test("shows at once what would be traded more and what no longer, signal by signal and by strategy", async () => {
    const lines = [SIGNAL, summary("dry-run", { changed: 1, unchanged: 2, selected: 3 })];
    const { out, code, bodies } = await run([lines], undefined, "--since", "2h", "--snapshot", "logged");
    expect(bodies).toEqual([{ since: "2h", mode: "dry-run", snapshot: "logged", by: "ada" }]);
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "2026-11-25T09:46:40.000Z  EMA_CROSS_LONG on BTCUSDT  1795600000000-0",
      "  + Trend follower (1): ignored: paused → dispatched",
      "  - strategy 3: dispatched → no decision",
      "    signal: ignored: paused → dispatched",
      "",
      "MORE  FEWER  STRATEGY",
      "+1    -0     Trend follower (1)",
      "+0    -1     strategy 3",
      "",
      "3 signals: 1 decided differently, 2 alike",
    ]);
  });

  test("shows the tasks of force, asks, and adds these very tasks under the invocation of the dry run", async () => {
    const done = [FORCED[0], summary("force", { tasks: 1, dispatched: 1 }, { dry_run: false })] as object[];
    const args = ["1795600000000-0", "--mode", "force", "--strategy", "Trend follower", "--reason", "lost"];
    const { out, err, bodies, code } = await run([FORCED, done], true, ...args);
    const body = {
      ids: ["1795600000000-0"],
      mode: "force",
      strategies: ["Trend follower"],
      by: "ada",
      reason: "lost",
    };
    expect(bodies).toEqual([
      { ...body, dryRun: true },
      { ...body, invocation: "11112222-run" },
    ]);
    expect(code).toBe(0);
    expect(err.split("\n")).toEqual([
      "Add 1 task, also where the signal was traded before?",
      "If no answer comes, repeat it with --invocation 11112222-run: what was done is not done again",
    ]);
    expect(out).toContain(
      `  + Trend follower (1)  key ${TASK.idempotency_key}\n    Ether only (2): ignored: not_chosen\n`,
    );
    expect(out).toContain("1 signal: 1 task would be added, 1 dispatched\nInvocation: 11112222-run");
    expect(out).toContain("1 signal: 1 task added, 1 dispatched");
  });

  test("adds tasks for the signals that it has shown, and for none that has come while it asked", async () => {
    const range = { from: "1795600000000-0", to: "1795607200000-18446744073709551615" };
    const answer = (dry_run: boolean) => [summary("force", { tasks: 1 }, { dry_run, range })];
    const args = ["--since", "2h", "--mode", "force", "--reason", "lost"];
    const { bodies } = await run([answer(true), answer(false)], true, ...args);
    expect(bodies).toMatchObject([
      { since: "2h", dryRun: true },
      { since: "2h", to: range.to, invocation: "11112222-run" },
    ]);
  });

  test.each([
    [false, "nothing was done: it was not confirmed"],
    [undefined, "there is no terminal to ask on: add --yes"],
  ])("does nothing when the answer is %s", async (confirmed, why) => {
    const { err, bodies, code } = await run([FORCED], confirmed, "1-1", "--mode", "force", "--reason", "x");
    expect([bodies.length, code]).toEqual([1, 1]);
    expect(err).toContain(why);
  });

  test("says how to go on when it was stopped before its end, and that a reason and signals are needed", async () => {
    const left = summary("force", { left: 1, selected: 2 }, { dry_run: false });
    const args = ["1-1", "--mode", "force", "--yes"];
    const stopped = await run(
      [FORCED, [FORCED[0] as object, left, PROBLEM]],
      undefined,
      ...args,
      "--reason",
      "x",
    );
    expect(stopped.code).toBe(1);
    expect(stopped.err).toContain(
      "It was stopped before its end: it is gone\nRepeat it with --invocation 11112222-run",
    );
    expect((await run([], undefined, ...args)).err).toContain("say why with --reason");
    expect((await run([], undefined)).err).toContain("choose signals");
  });
});

test("the preview of an edit says what the file would trade more and what no longer", () => {
  const total = { strategy_id: 1, strategy: "Trend follower", was: 2, now: 3, more: 1, fewer: 0 };
  const { entry_id, uid, symbol, message, difference } = SIGNAL;
  const text = previewText(
    {
      from: "2026-11-24T10:00:00.000Z",
      to: "2026-11-25T10:00:00.000Z",
      decided: 20_000,
      limited: true,
      version: "a",
      version_draft: "b",
      differing: 2,
      strategies: [total],
      signals: [{ entry_id, uid, symbol, message, difference }],
    },
    100,
  );
  expect(text).toBe(
    [
      "20000 signals from 2026-11-24T10:00:00.000Z to 2026-11-25T10:00:00.000Z decided by both, only the newest of this time: 2 differ",
      "MORE  FEWER  DISPATCHED NOW  WITH THE FILE  STRATEGY",
      "+1    -0     2               3              Trend follower (1)",
      "2026-11-25T09:46:40.000Z  EMA_CROSS_LONG on BTCUSDT  1795600000000-0",
      "  + Trend follower (1): ignored: paused → dispatched",
      "  - strategy 3: dispatched → no decision",
      "    signal: ignored: paused → dispatched",
      "… and 1 older signal more",
    ].join("\n"),
  );
});
