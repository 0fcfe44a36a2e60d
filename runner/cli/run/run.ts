import { randomUUID } from "node:crypto";
import { directionText } from "../../../shared/direction-text.ts";
import type { Direction, Side } from "../../../shared/reference/reference.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import { strategyRunAnswer, type StrategyRunAnswer } from "../../http/functions/run-strategy.ts";
import { EXIT_REFUSED, type CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import type { RouterRoutes } from "../router-routes.ts";
import { doneText, previewText } from "./text.ts";

export interface RunOptions {
  readonly symbol: string;
  readonly direction: Direction;
  /** With `flat`. */
  readonly side?: Side;
  /** As typed. */
  readonly time?: string;
  /** What is to come along, value by field. */
  readonly extra?: Readonly<Record<string, string>>;
  readonly forReal: boolean;
  readonly reason?: string;
  readonly by?: string;
  readonly invocation?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Prints what a strategy would do; with --for-real, and a person's consent, runs it and prints what it came to. */
export async function runStrategy(strategy: string, options: RunOptions, io: CommandIo): Promise<void> {
  const { forReal, reason, yes, json } = options;
  if (options.side !== undefined && options.direction !== "flat")
    throw new CliError("--side needs --direction flat: an exit closes a side");
  if (forReal && reason === undefined) throw new CliError("--for-real needs --reason <text>: it is recorded");
  await io.withRouter(async (router) => {
    // The same in both requests, so that what is shown is what is sent.
    const { invocation = randomUUID(), by = io.user, ...rest } = options;
    const typed = { strategy, options: { ...rest, invocation, by } };
    let time = options.time;
    if (!forReal || !yes) {
      const shown = await showDryRun(typed, router, io);
      if (!forReal) return;
      // A repeated call, which names its invocation, has to ask for the same as the first.
      if (options.invocation === undefined) time ??= shown.time;
      if (shown.isStopped || !(await isConfirmed(shown.name, typed.options, io)))
        return io.exitWith(EXIT_REFUSED);
    }
    const chosen = { ...typed.options, ...(time === undefined ? {} : { time }) };
    // Without it, the command after an answer that was lost would be another run.
    if (options.invocation === undefined)
      io.say(
        `if no answer comes, repeat it with ${repeatOptions(chosen)}: then it is run only if it was not`,
      );
    const answer = await askFor({ strategy, options: chosen, forReal: true }, router);
    io.print(json ? printableJson(answer) : linesOf(doneText(answer)));
    if (!answer.dry_run && answer.execution.status === "failed") io.exitWith(EXIT_REFUSED);
  });
}

function repeatOptions({ invocation, time }: Pick<Typed["options"], "invocation" | "time">): string {
  return `--invocation ${invocation}${time === undefined ? "" : ` --time ${printable(time)}`}`;
}

interface Typed {
  readonly strategy: string;
  readonly options: Pick<
    RunOptions,
    "symbol" | "direction" | "side" | "time" | "extra" | "reason" | "json" | "forReal"
  > & {
    readonly invocation: string;
    readonly by: string;
  };
}

interface Shown {
  /** What people call the strategy. */
  readonly name: string;
  /** Whether something would stop the run. */
  readonly isStopped: boolean;
  /** Of the bar. */
  readonly time?: string;
}

/** Prints the dry run. A handler that has none can be run nevertheless. */
async function showDryRun(typed: Typed, router: RouterRoutes, io: CommandIo): Promise<Shown> {
  const { json, forReal } = typed.options;
  const answer = await askFor({ ...typed, forReal: false }, router).catch((error: unknown) => {
    if (!forReal || !(error instanceof CliError)) throw error;
    io.say(error.message.split("\n").map(printable).join("\n"));
    return undefined;
  });
  if (answer === undefined || !answer.dry_run) return { name: typed.strategy, isStopped: false };
  const text = json ? printableJson(answer) : linesOf(previewText(answer));
  if (forReal) io.say(text);
  else io.print(text);
  const { stops, strategy_id: id, strategy: name } = answer.preview;
  const isStopped = stops.length > 0;
  if (isStopped && !forReal) io.exitWith(EXIT_REFUSED);
  return { name: strategyLabel(id, name), isStopped, time: answer.time };
}

async function isConfirmed(
  name: string,
  { symbol, direction, side }: Typed["options"],
  io: CommandIo,
): Promise<boolean> {
  const what = `${directionText(direction, side)} on ${symbol}`;
  const answer = await io.confirm(printable(`Run ${name} for real, ${what}?`));
  if (answer === undefined) io.say("not run: there is no terminal to ask on; --yes runs it without asking");
  else if (!answer) io.say("not run");
  return answer === true;
}

async function askFor(
  { strategy, options, forReal }: Typed & { readonly forReal: boolean },
  router: RouterRoutes,
): Promise<StrategyRunAnswer> {
  const { symbol, direction, side, time, extra, reason, invocation, by } = options;
  return router.ask({
    method: "POST",
    path: `/strategies/${encodeURIComponent(strategy)}/run`,
    body: { symbol, direction, side, time, extra, reason, invocation, by, for_real: forReal },
    answer: strategyRunAnswer,
  });
}

function linesOf(lines: readonly string[]): string {
  return lines.map(printable).join("\n");
}
