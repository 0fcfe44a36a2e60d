import { Command } from "commander";
import { CliError } from "../../../../runner/cli/connection.ts";
import { addLogCommands } from "../../../../runner/cli/log/commands.ts";
import { routesOver } from "../../../../runner/cli/router-routes.ts";

/** The commands over routes that answer what a test says, and what they asked and printed. */

export interface Asked {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** `GET /signals?strategy=4` */
  readonly requests: readonly string[];
  readonly bodies: readonly unknown[];
}

export interface Answers {
  readonly [path: string]: unknown;
}

export async function ask(
  { answers, columns = 200 }: { readonly answers: Answers; readonly columns?: number },
  ...args: string[]
): Promise<Asked> {
  const [out, err, requests]: string[][] = [[], [], []];
  const bodies: unknown[] = [];
  let code = 0;
  const router = routesOver(async (request) => {
    const { pathname, search } = new URL(request.url);
    requests?.push(`${request.method} ${decodeURIComponent(pathname + search)}`);
    if (request.method === "POST") bodies.push(await request.json());
    const answer = answers[pathname];
    if (typeof answer === "string")
      return new Response(answer, { headers: { "content-type": "application/x-ndjson" } });
    if (answer instanceof Response) return answer;
    if (answer !== undefined) return Response.json(answer);
    const problem = {
      type: "about:blank",
      title: "Not Found",
      status: 404,
      code: "x",
      detail: "not there",
      request_id: "",
    };
    return Response.json(problem, { status: 404 });
  });
  const program = new Command().exitOverride().configureOutput({
    writeErr: (text) => err?.push(text),
    writeOut: (text) => out?.push(text),
  });
  addLogCommands(
    program,
    {
      withRouter: async (command) => command(router),
      print: (text) => out?.push(text),
      say: (text) => err?.push(text),
      confirm: async () => undefined,
      exitWith: (exitCode) => {
        code = exitCode;
      },
      user: "ada",
      columns,
    },
    { interrupted: () => new AbortController().signal },
  );
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CliError) err?.push(error.message);
    else if (!(error instanceof Error && error.name === "CommanderError")) throw error;
    code = 1;
  }
  return { code, out: (out ?? []).join("\n"), err: (err ?? []).join("\n"), requests: requests ?? [], bodies };
}

const NOW = new Date().toISOString();
const DAY = NOW.slice(0, 10);

/** A time of today. */
export function today(time: string): string {
  return `${DAY}T${time}Z`;
}

export const STRATEGY = {
  id: 4,
  name: "突破 Trend",
  state: "trades",
  handler: "webhook",
  params: { url: "bot.example.com/…", secret: "BROKER" },
  enabled: true,
  archived: false,
  allow_open: true,
  reverse: false,
  shadow: false,
  signal_age_ms_max: null,
  exits: false,
  exit_age_ms_max: null,
  tickers: ["BTCUSDT"],
  phrases: [
    {
      phrase: "UP",
      direction: "long",
      side: null,
      state: "enabled",
      signal_ids: [1],
      signals: ["EMA cross"],
    },
  ],
  paused: null,
  unusable: [],
  failing: false,
  last_ends: null,
  counters: {
    decided: { dispatched: 3, ignored: 1 },
    ended: { executed: 2, failed: 1 },
    attempts: 5,
    run_ms_mean: 4.25,
  },
  last_dispatch: { at: today("10:00:00.000"), entry_id: "1796034141049-0" },
  last_end: { at: today("10:00:01.000"), entry_id: "1796034141049-0", status: "failed", reason: "timeout" },
};

export function foundSignal(time: string, outcome: object) {
  return {
    entry_id: "1796034141049-0",
    invocation: "live",
    uid: "u",
    status: "dispatched",
    reason: null,
    signal_id: 1,
    direction: "long",
    side: null,
    symbol: "BTCUSDT",
    message: "UP",
    source: null,
    bar_time: null,
    decided_at: today(time),
    snapshot: "v1",
    duplicate_of: null,
    outcome,
  };
}
