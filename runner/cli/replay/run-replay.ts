import { printable, printableJsonLine } from "../../../shared/text.ts";
import type { ReplayMode } from "../../replay/request.ts";
import { EXIT_REFUSED, type CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import type { RouterRoutes } from "../router-routes.ts";
import { textTable } from "../text-table.ts";
import { progressBar } from "./progress.ts";
import { readReplay, type ReadReplay } from "./read-replay.ts";
import { countsText, differenceLines, plural, taskLines } from "./replay-text.ts";

/** `cli replay`: decides signals again, and shows what would be traded before anything is. */

export interface ReplayCliOptions {
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly uid?: readonly string[];
  readonly mode: ReplayMode;
  readonly dryRun: boolean;
  readonly strategy?: readonly string[];
  readonly snapshot?: string;
  readonly invocation?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly limit: number;
  readonly yes: boolean;
  readonly json: boolean;
}

/** @throws CliError when it is refused, or was not confirmed */
export async function replayFromCli(
  ids: readonly string[],
  options: ReplayCliOptions,
  io: CommandIo,
): Promise<void> {
  const { mode, dryRun } = options;
  const body = bodyOf(ids, options, io);
  const writes = mode !== "dry-run" && !dryRun;
  if (writes && mode === "force" && options.reason === undefined)
    throw new CliError("force dispatches again what was dispatched before: say why with --reason");
  await io.withRouter(async (router) => {
    if (!writes) {
      const dry = mode === "dry-run" ? body : { ...body, dryRun: true };
      finish(await read(router, dry, { ...options, isSilent: false }, io), options, io);
      return;
    }
    const agreed = await agreedTo(router, body, options, io);
    if (agreed === undefined) return;
    // Without it, the command after an answer that was lost would be another replay.
    if (agreed.invocation !== undefined && options.invocation === undefined)
      io.say(
        `If no answer comes, repeat it with --invocation ${agreed.invocation}: what was done is not done again`,
      );
    const done = await read(
      router,
      { ...body, ...agreed },
      { ...options, isSilent: false, what: "replaying" },
      io,
    );
    finish(done, options, io);
  });
}

/** Shows what it would do and asks for it; undefined when there is nothing to do. */
async function agreedTo(
  router: RouterRoutes,
  body: object,
  options: ReplayCliOptions,
  io: CommandIo,
): Promise<{ readonly invocation?: string; readonly to?: string } | undefined> {
  const { mode, yes, json } = options;
  const dry = await read(router, { ...body, dryRun: true }, { ...options, isSilent: json }, io);
  const { summary } = dry;
  if (summary === undefined) throw new CliError(`nothing was done: ${problemText(dry)}`);
  const { counts } = summary;
  const [tasks, left] = [counts["tasks"] ?? 0, decidable(counts)];
  const isNothing = mode === "force" ? tasks === 0 : left === 0;
  if (!json) show(dry, options, io);
  if (isNothing) {
    io.say("There is nothing to do");
    return undefined;
  }
  const question =
    mode === "force"
      ? `Add ${plural(tasks, "task")}, also where the signal was traded before?`
      : `Decide ${plural(left, "signal")}, and add ${plural(tasks, "task")}?`;
  if (!yes) await askOrRefuse(question, io);
  // With the invocation of the dry run the tasks have the keys that were shown; with its end they are for no later signal.
  return {
    ...(mode === "force" && summary.invocation !== null ? { invocation: summary.invocation } : {}),
    ...(summary.range === null ? {} : { to: summary.range.to }),
  };
}

function decidable(counts: Readonly<Record<string, number>>): number {
  return ["dispatched", "ignored", "duplicate", "rejected"].reduce(
    (sum, name) => sum + (counts[name] ?? 0),
    0,
  );
}

async function askOrRefuse(question: string, io: CommandIo): Promise<void> {
  const isAgreed = await io.confirm(question);
  if (isAgreed === true) return;
  const why =
    isAgreed === undefined ? "there is no terminal to ask on: add --yes to confirm" : "it was not confirmed";
  throw new CliError(`nothing was done: ${why}`);
}

interface Reading extends ReplayCliOptions {
  readonly isSilent: boolean;
  readonly what?: string;
}

async function read(
  router: RouterRoutes,
  body: object,
  { mode, json, limit, isSilent, what = "deciding" }: Reading,
  io: CommandIo,
): Promise<ReadReplay> {
  return readReplay(router, body, {
    progress: progressBar(what),
    linesMax: limit,
    linesOf: mode === "dry-run" ? differenceLines : taskLines,
    ...(json && !isSilent ? { onLine: (line) => io.print(printableJsonLine(line)) } : {}),
  });
}

/** Shows what has become of it; exit code 1 when it was stopped before its end. */
function finish(done: ReadReplay, options: ReplayCliOptions, io: CommandIo): void {
  if (!options.json) show(done, options, io);
  const { summary, problem } = done;
  if (problem === undefined && summary !== undefined && summary.counts["left"] === 0) return;
  io.exitWith(EXIT_REFUSED);
  io.say(`It was stopped before its end: ${problemText(done)}`);
  const invocation = summary?.dry_run === false && summary.mode === "force" ? summary.invocation : null;
  if (invocation !== null)
    io.say(`Repeat it with --invocation ${invocation} to do the rest: what was done is not done again`);
}

function problemText({ problem }: ReadReplay): string {
  if (problem === undefined) return "some signals are left; the lines above say why";
  const { detail, hint } = problem;
  return printable(hint === undefined ? detail : `${detail}; ${hint}`);
}

function show(
  { lines, leftOut, strategies, summary }: ReadReplay,
  options: ReplayCliOptions,
  io: CommandIo,
): void {
  const kind = options.mode === "dry-run" ? "differences" : "tasks";
  for (const line of lines) io.print(line);
  if (leftOut > 0) io.print(`… and ${plural(leftOut, "signal")} more: a higher --limit shows them`);
  const rows = strategies.rows(kind);
  const head = kind === "tasks" ? ["TASKS", "STRATEGY"] : ["MORE", "FEWER", "STRATEGY"];
  if (rows.length > 0) io.print(`\n${textTable(head, rows, { columns: io.columns })}\n`);
  if (summary === undefined) return;
  io.print(countsText(summary));
  if (summary.not_found.length > 0)
    io.print(printable(`Not found: ${summary.not_found.slice(0, NOT_FOUND_SHOWN_MAX).join(", ")}`));
  if (summary.invocation !== null) io.print(`Invocation: ${summary.invocation}`);
}

const NOT_FOUND_SHOWN_MAX = 20;

function bodyOf(
  ids: readonly string[],
  options: ReplayCliOptions,
  io: CommandIo,
): Readonly<Record<string, unknown>> {
  const { from, to, since, uid: uids, mode, strategy: strategies, snapshot, invocation, reason } = options;
  if (ids.length === 0 && uids === undefined && (from ?? to ?? since) === undefined)
    throw new CliError(
      "choose signals: entry ids, --uid, --from (with or without --to), or --since, such as --since 2h",
    );
  const by = options.by ?? io.user;
  const selection = { from, to, since, uids, ...(ids.length === 0 ? {} : { ids }) };
  const body = { ...selection, mode, strategies, snapshot, invocation, by, reason };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
