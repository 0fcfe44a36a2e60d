import { printableJson } from "../../../shared/text.ts";
import { EXIT_DIFFERS, EXIT_REFUSED, titled, type CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import type { Question, RouterRoutes } from "../router-routes.ts";
import { askEdit, type EditReply, type EditSummary } from "./edit-reply.ts";
import { faultsText } from "./fault-text.ts";

/** Options that every command which changes the reference has. */
export interface ChangeOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly by?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export interface EditToMake {
  /** What the route is asked for, beside the options. */
  readonly question: Omit<Question<never>, "answer">;
  /** ETag of the rows that were looked at: others than these are not changed. */
  readonly etag: string;
  /** What is asked before rows are removed; absent when none are. */
  readonly removes?: string;
  /** The file that faults are in. */
  readonly file?: string;
  /** Differences are an exit code of their own. */
  readonly isDiff?: boolean;
  /** What the edit would have changed in past decisions, as JSON and for people; not asked for an edit that is refused. */
  readonly preview?: () => Promise<{ readonly json: unknown; readonly text: string }>;
}

/** Makes a change through its route, after asking for what has to be agreed to, and says what became of it. */
export async function makeEdit(
  router: RouterRoutes,
  edit: EditToMake,
  options: ChangeOptions,
  io: CommandIo,
): Promise<void> {
  const { removes } = edit;
  const { dryRun = false, yes = false } = options;
  const mustAsk = !yes && !dryRun;
  const ask = async (how: { readonly dryRun: boolean; readonly agree: boolean }): Promise<EditReply> =>
    askEdit(router, questionFor(edit, { by: options.by ?? io.user, reason: options.reason, ...how }));
  let reply = await ask({ dryRun: dryRun || (mustAsk && removes !== undefined), agree: yes });
  const question = mustAsk ? toConfirm(reply, removes) : undefined;
  if (question !== undefined && reply.status !== "refused") {
    io.say(summaryText(reply).join("\n"));
    await askOrRefuse(question, io);
    reply = await ask({ dryRun: false, agree: true });
  }
  await show(reply, { ...edit, dryRun, json: options.json === true }, io);
}

function questionFor(
  { question, etag }: EditToMake,
  query: Readonly<Record<string, string | boolean | undefined>>,
): Omit<Question<never>, "answer"> {
  return {
    ...question,
    query: { ...question.query, ...query },
    headers: { ...question.headers, "if-match": etag },
  };
}

function toConfirm({ status }: EditReply, removes: string | undefined): string | undefined {
  if (status === "previewed") return removes;
  return status === "to_agree" ? "Shall it be done, as listed first?" : undefined;
}

async function askOrRefuse(question: string, io: CommandIo): Promise<void> {
  const isAgreed = await io.confirm(question);
  if (isAgreed === true) return;
  const why =
    isAgreed === undefined ? "there is no terminal to ask on: add --yes to confirm" : "it was not confirmed";
  throw new CliError(`nothing was changed: ${why}`);
}

interface Shown extends EditToMake {
  readonly dryRun: boolean;
  readonly json: boolean;
}

async function show(
  reply: EditReply,
  { file, isDiff, dryRun, json, preview }: Shown,
  io: CommandIo,
): Promise<void> {
  const code = exitCodeOf(reply, { isDiff: isDiff === true, dryRun });
  if (code !== 0) io.exitWith(code);
  const isMade = reply.status !== "refused" && reply.status !== "conflict";
  if (json) {
    const previewed = isMade ? await preview?.() : undefined;
    io.print(printableJson(previewed === undefined ? reply : { ...reply, preview: previewed.json }));
    return;
  }
  showText(reply, file, io);
  const previewed = isMade ? await preview?.() : undefined;
  if (previewed !== undefined) io.print(previewed.text);
}

function showText(reply: EditReply, file: string | undefined, io: CommandIo): void {
  if (reply.status !== "refused") for (const line of summaryText(reply)) io.print(line);
  switch (reply.status) {
    case "done":
      io.print(`Done as change ${reply.change}; ${versionText(reply)}`);
      return;
    case "unchanged":
      io.print(`No difference; ${versionText(reply)}`);
      return;
    case "previewed":
    case "to_agree":
      io.print("Nothing was changed");
      return;
    case "refused": {
      const { length } = reply.faults;
      io.say(faultsText(reply.faults, file));
      io.say(`Nothing was changed: ${length === 1 ? "there is a fault" : `there are ${length} faults`}`);
      return;
    }
    case "conflict":
      io.say(
        "Nothing was changed: the reference was changed meanwhile, as listed. Look at it (history), and run this command again",
      );
  }
}

/** Why signals are not decided on it yet is a warning. */
function versionText({
  version,
  current,
}: {
  readonly version: string;
  readonly current: boolean | null;
}): string {
  return `the reference is version ${version}${current === true ? ", and signals are decided on it" : ""}`;
}

function exitCodeOf(
  { status }: EditReply,
  { isDiff, dryRun }: { readonly isDiff: boolean; readonly dryRun: boolean },
): number {
  if (status === "done" || status === "unchanged") return 0;
  if (status === "previewed" || (status === "to_agree" && dryRun)) return isDiff ? EXIT_DIFFERS : 0;
  return EXIT_REFUSED;
}

/** What trades more comes first: it must not be overlooked. */
export function summaryText(summary: EditSummary): readonly string[] {
  return [
    ...titled("Will trade more:", summary.will_trade_more),
    ...titled("Will be removed:", summary.will_remove),
    ...titled("Changes:", summary.changes),
    ...titled("Warnings:", summary.warnings),
  ];
}
