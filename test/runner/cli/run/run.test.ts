import { Command } from "commander";
import { describe, expect, test } from "vitest";
import type { CommandIo } from "../../../../runner/cli/command-io.ts";
import { routesOver } from "../../../../runner/cli/router-routes.ts";
import { addRunCommands } from "../../../../runner/cli/run/commands.ts";

const RUN = {
  invocation: "by-hand-1",
  entry_id: "17-1",
  symbol: "BTCUSDT",
  direction: "long",
  side: null,
  time: "2026-01-05T10:00:00.000Z",
  idempotency_key: "k1",
};
const POST = {
  method: "POST",
  url: "https://broker.test/…",
  headers: { "X-Signature": "sha256=(made with secret BROKER_A)" },
  body: '{"id":"k1","size":1.0}',
  timeout_ms: 5_000,
};
const preview = (stops: readonly object[] = []) => ({
  strategy_id: 7,
  strategy: "Trend",
  handler: "webhook",
  idempotency_key: "k1",
  stops,
  would: { post: POST },
});
const outcome = (status: string) => ({
  strategy_id: 7,
  status,
  reason: status === "failed" ? "timeout" : null,
  detail: {},
  attempt: 1,
  duration_ms: 12,
  at: "2026-01-05T10:00:01.000Z",
});

interface Stage {
  readonly stops?: readonly object[];
  readonly status?: string;
  readonly confirmed?: boolean;
  /** The dry run is refused. */
  readonly noDryRun?: boolean;
}

async function cli(
  { stops = [], status = "executed", confirmed, noDryRun = false }: Stage,
  ...args: string[]
) {
  const [out, err, asked]: string[][] = [[], [], []];
  const bodies: Record<string, unknown>[] = [];
  const paths: string[] = [];
  let code = 0;
  const router = routesOver(async (request) => {
    const body = (await request.json()) as Record<string, unknown>;
    bodies.push(body);
    paths.push(new URL(request.url).pathname);
    const run = { ...RUN, direction: body["direction"], side: body["side"] ?? null };
    if (body["for_real"] === true)
      return Response.json({ dry_run: false, ...run, execution: outcome(status) });
    if (!noDryRun) return Response.json({ dry_run: true, ...run, preview: preview(stops) });
    const problem = {
      type: "about:blank",
      title: "Conflict",
      status: 409,
      code: "no_dry_run",
      request_id: "",
    };
    return Response.json({ ...problem, detail: "handler broker has no dry run" }, { status: 409 });
  });
  const io: CommandIo = {
    withRouter: async (command) => command(router),
    print: (text) => out?.push(text),
    say: (text) => err?.push(text),
    confirm: async (question) => {
      asked?.push(question);
      return confirmed;
    },
    exitWith: (given) => (code = given),
    user: "ann",
    columns: undefined,
  };
  const program = new Command().exitOverride();
  addRunCommands(program, io);
  const line = ["run", "Trend follower", "--symbol", "BTCUSDT", "--direction", "long", ...args];
  await program.parseAsync(line, { from: "user" });
  return { code, out: out?.join("\n") ?? "", err: err?.join("\n") ?? "", asked, bodies, paths };
}

const FOR_REAL = ["--for-real", "--reason", "lost"];

describe("cli run", () => {
  test("prints the request, with its body indented and its numbers as they are, and runs nothing", async () => {
    const { code, out, bodies, paths, asked } = await cli({});
    expect({ code, asked }).toEqual({ code: 0, asked: [] });
    expect(paths).toEqual(["/strategies/Trend%20follower/run"]);
    expect(bodies).toMatchObject([{ for_real: false, symbol: "BTCUSDT", direction: "long", by: "ann" }]);
    expect(out).toContain(
      'POST https://broker.test/…\nX-Signature: sha256=(made with secret BROKER_A)\n\n{\n  "id": "k1",\n  "size": 1.0\n}',
    );
  });

  test("exits with 1 when something would stop it, and does not ask to run it", async () => {
    const stops = [{ reason: "paused", text: "the strategy is paused" }];
    const { code, out } = await cli({ stops });
    expect(code).toBe(1);
    expect(out).toContain("would be stopped by\n  paused: the strategy is paused");
    expect(await cli({ stops, confirmed: true }, ...FOR_REAL)).toMatchObject({ code: 1, asked: [] });
  });

  test("for real asks first, and runs what it has shown: with one invocation", async () => {
    const { code, out, asked, bodies } = await cli({ confirmed: true }, ...FOR_REAL);
    expect({ code, asked }).toEqual({ code: 0, asked: ["Run Trend (7) for real, long on BTCUSDT?"] });
    expect(bodies.map((body) => body["for_real"])).toEqual([false, true]);
    expect(bodies[0]?.["invocation"]).toBe(bodies[1]?.["invocation"]);
    expect(bodies[1]).toMatchObject({ time: RUN.time });
    expect(out).toContain("executed in 12 ms, long on BTCUSDT");
  });

  test.each([
    ["a person says no", { confirmed: false }, "not run"],
    ["there is no terminal", {}, "--yes runs it without asking"],
  ])("is not run when %s", async (_, stage, said) => {
    const { code, err, bodies } = await cli(stage, ...FOR_REAL);
    expect({ code, runs: bodies.filter((body) => body["for_real"] === true) }).toEqual({ code: 1, runs: [] });
    expect(err).toContain(said);
  });

  test("asks also when the handler has no dry run, and says after a timeout that it may have acted", async () => {
    const { code, out, err, asked } = await cli(
      { noDryRun: true, confirmed: true, status: "failed" },
      ...FOR_REAL,
    );
    expect({ code, asked: asked?.length }).toEqual({ code: 1, asked: 1 });
    expect(err).toContain("handler broker has no dry run");
    expect(out).toContain("the receiver may have acted");
  });

  test("asks for an exit of one side, which openings do not have", async () => {
    const exit = ["--direction", "flat", "--side", "short"];
    const { bodies, out } = await cli({}, ...exit);
    expect(bodies).toMatchObject([{ direction: "flat", side: "short" }]);
    expect(out).toContain(": exit short on BTCUSDT, bar");
    await expect(cli({}, "--side", "short")).rejects.toThrow("--side needs --direction flat");
  });

  test("needs a reason for real, and with --yes asks nothing", async () => {
    await expect(cli({}, "--for-real")).rejects.toThrow("--for-real needs --reason");
    const { code, asked, bodies, err } = await cli({}, ...FOR_REAL, "--yes");
    expect({ code, asked, runs: bodies.length }).toEqual({ code: 0, asked: [], runs: 1 });
    expect(err).toContain(
      `repeat it with --invocation ${String(bodies[0]?.["invocation"])}: then it is run only`,
    );
    const { err: shown } = await cli({ confirmed: true }, ...FOR_REAL);
    expect(shown).toMatch(/repeat it with --invocation [\w-]+ --time 2026-01-05T10:00:00.000Z: then/);
  });
});
