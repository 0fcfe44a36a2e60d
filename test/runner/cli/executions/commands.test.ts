import { Command } from "commander";
import { expect, test } from "vitest";
import type { CommandIo } from "../../../../runner/cli/command-io.ts";
import { addExecutionCommands } from "../../../../runner/cli/executions/commands.ts";
import { routesOver } from "../../../../runner/cli/router-routes.ts";
import type { EntryExecutionsView, FoundExecutionsView } from "../../../../runner/http/executions/schemas.ts";

const AT = "2026-01-05T10:00:00.000Z";
type Task = EntryExecutionsView["tasks"][number];

const failed: Task["runs"][number] = {
  status: "failed",
  reason: "timeout",
  detail: { error: "late\nand long" },
  attempt: 1,
  duration_ms: 500,
  at: AT,
  retry: null,
};
const retried = { ...failed, status: "executed", reason: null, detail: {}, duration_ms: 7 };

function entryWith(runs: Task["runs"]): EntryExecutionsView {
  const task: Task = {
    strategy_id: 7,
    strategy: "Trend\u001b",
    invocation: "live",
    uid: "u",
    symbol: "BTCUSDT",
    direction: "long",
    side: null,
    dispatched_at: AT,
    idempotency_key: "k1",
    status: "failed",
    runs,
    attempts: [{ ...failed, attempt: 1, reason: "retryable_error" }],
    running_retries: [],
    dead_letters: ["5-0"],
    retry: { possible: true, why_not: null, warning: "the first run may have taken effect (timeout)" },
  };
  return { entry_id: "17-0", tasks: [task], truncated: false };
}

/** Runs a command over routes that answer like this, and gives what it asked and printed. */
async function run(answers: Readonly<Record<string, unknown>>, ...args: string[]) {
  const asked: string[] = [];
  const out: string[] = [];
  const err: string[] = [];
  let code = 0;
  const routes = routesOver(async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = request.method === "GET" ? "" : ` ${await request.text()}`;
    asked.push(`${request.method} ${pathname}${search}${body}`);
    return Response.json(answers[`${request.method} ${pathname}`]);
  });
  const io: CommandIo = {
    withRouter: async (command) => command(routes),
    print: (text) => out.push(text),
    say: (text) => err.push(text),
    confirm: async () => undefined,
    exitWith: (exitCode) => {
      code = exitCode;
    },
    user: "ada",
    columns: undefined,
  };
  const program = new Command().exitOverride();
  addExecutionCommands(program, io);
  await program.parseAsync(["executions", ...args], { from: "user" });
  return { asked, out: out.join("\n"), err: err.join("\n"), code };
}

test("list: a line for each, the strategy with its id, and how to get the next page", async () => {
  const { detail: _, retry: __, ...shown } = failed;
  const found = {
    ...shown,
    entry_id: "17-0",
    invocation: "live",
    strategy_id: 7,
    strategy: "Trend",
    error: "late",
  };
  const more = {
    uid: "u",
    symbol: "BTCUSDT",
    direction: "long",
    side: null,
    message: "UP",
    status: "failed",
    retry: null,
  } as const;
  const page: FoundExecutionsView = { executions: [{ ...found, ...more }], next_cursor: "abc" };
  const answers = { "GET /executions": page };
  const { asked, out } = await run(answers, "list", "--failed", "--strategy", "Trend follower", "--from", AT);
  expect(asked).toEqual([
    "GET /executions?status=failed&strategy=Trend+follower&limit=50&from=2026-01-05T10%3A00%3A00.000Z",
  ]);
  expect(out).toMatch(/17-0 +(2026-)?01-05 10:00:00 +Trend \(7\) +long BTCUSDT +failed +.*\(timeout\): late/);
  expect(out).toContain("1 execution; older ones: the same with --after abc");
});

test("show: every run, what may have happened already, and no control characters", async () => {
  const { out } = await run({ "GET /executions/17-0": entryWith([failed]) }, "show", "17-0");
  expect(out).toContain("Trend\uFFFD (7)  BTCUSDT  long  live");
  expect(out).toContain("failed (timeout): late and long, 500 ms");
  expect(out).toContain("dead letter      5-0");
  expect(out).toContain("! the first run may have taken effect (timeout)");
});

const RETRIED = {
  retry: "r1",
  entry_id: "17-0",
  strategy_id: 7,
  strategy: "Trend",
  invocation: "live",
  idempotency_key: "k1",
  warning: "the first run may have taken effect",
  dead_letter: null,
};
const byAnn = { id: "r1", by: "ann", reason: "why", at: AT };

test.each([
  ["executed", { ...retried, retry: byAnn }, 0, "executed, 7 ms"],
  ["failed again", { ...failed, retry: byAnn }, 1, "failed (timeout): late and long, 500 ms"],
])("retry: waits for what the task came to, %s", async (_, end, code, line) => {
  const answers = {
    "POST /executions/17-0/retry": RETRIED,
    "GET /executions/17-0": entryWith([failed, end]),
  };
  const ran = await run(
    answers,
    "retry",
    "17-0",
    "--strategy",
    "Trend",
    "--reason",
    "up again",
    "--allow-stale",
  );
  expect(ran.asked).toEqual([
    'POST /executions/17-0/retry {"strategy":"Trend","invocation":"live","allow_stale":true,"by":"ada","reason":"up again"}',
    "GET /executions/17-0",
  ]);
  expect(ran).toMatchObject({ code, err: "! the first run may have taken effect" });
  expect(ran.out).toContain("Trend (7) runs its task of entry 17-0 again: retry r1");
  expect(ran.out.split("\n").at(-1)).toBe(line);
});

test.each([
  ["executed", false, 0],
  ["ignored: stale", false, 1],
  ["failed: error", true, 1],
])("retry of a dead letter that comes to %s", async (note, isFailed, code) => {
  const dead_letter = { id: "5-0", status: "done", note, failed: isFailed };
  const answers = { "POST /executions/17-0/retry": { ...RETRIED, dead_letter } };
  const ran = await run(answers, "retry", "17-0", "--strategy", "7", "--reason", "r");
  expect(ran.code).toBe(code);
  expect(ran.out).toContain(`its dead letter 5-0 was retried: ${note}`);
});
