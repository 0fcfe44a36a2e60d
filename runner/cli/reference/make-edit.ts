import type { EditAnswer, EditOptions, EditSummary } from "../../../shared/io/reference-edits/edit.ts";
import type { DocumentFault } from "../../../shared/reference-document/document.ts";
import { printableJson } from "../../../shared/text.ts";
import { EXIT_DIFFERS, EXIT_REFUSED, titled, type CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
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
  readonly run: (options: EditOptions) => Promise<EditAnswer>;
  /** ETag of the rows that were looked at: others than these are not changed. */
  readonly etag: string;
  /** What is asked before rows are removed; absent when none are. */
  readonly removes?: string;
  /** The file that faults are in. */
  readonly file?: string;
  /** Adds places to faults. */
  readonly placed?: (faults: readonly DocumentFault[]) => readonly DocumentFault[];
  /** Differences are an exit code of their own. */
  readonly isDiff?: boolean;
}

/** Makes a change, after asking for what has to be agreed to, and says what became of it. */
export async function makeEdit(edit: EditToMake, options: ChangeOptions, io: CommandIo): Promise<void> {
  const { run, etag, removes } = edit;
  const { dryRun = false, yes = false, by = io.user, reason = null } = options;
  const base: EditOptions = { by, reason, dryRun, agreed: yes, ifMatch: etag };
  const mustAsk = !yes && !dryRun;
  let answer = await run(mustAsk && removes !== undefined ? { ...base, dryRun: true } : base);
  const question = mustAsk ? questionOf(answer, removes) : undefined;
  if (question !== undefined && "summary" in answer && answer.summary !== undefined) {
    io.say(summaryText(answer.summary).join("\n"));
    await askOrRefuse(question, io);
    answer = await run({ ...base, agreed: true });
  }
  show(answer, { ...edit, dryRun, json: options.json === true }, io);
}

function questionOf({ status }: EditAnswer, removes: string | undefined): string | undefined {
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

function show(answer: EditAnswer, { file, placed, isDiff, dryRun, json }: Shown, io: CommandIo): void {
  const faults = answer.status === "refused" ? (placed?.(answer.faults) ?? answer.faults) : [];
  if (json) io.print(printableJson(answer.status === "refused" ? { ...answer, faults } : answer));
  const code = exitCodeOf(answer, { isDiff: isDiff === true, dryRun });
  if (code !== 0) io.exitWith(code);
  if (json) return;
  if (answer.status === "not_own") throw new CliError(`nothing was changed: ${answer.message}`);
  if (answer.summary !== undefined) for (const line of summaryText(answer.summary)) io.print(line);
  switch (answer.status) {
    case "done":
      io.print(`Done as change ${answer.changeId}; the reference is version ${answer.version}`);
      return;
    case "unchanged":
      io.print(`No difference; the reference is version ${answer.version}`);
      return;
    case "previewed":
    case "to_agree":
      io.print("Nothing was changed");
      return;
    case "refused":
      io.say(faultsText(faults, file));
      io.say(
        `Nothing was changed: ${faults.length === 1 ? "there is a fault" : `there are ${faults.length} faults`}`,
      );
      return;
    case "conflict":
      io.say(
        "Nothing was changed: the reference was changed meanwhile, as listed. Look at it (history), and run this command again",
      );
  }
}

function exitCodeOf(
  { status }: EditAnswer,
  { isDiff, dryRun }: { readonly isDiff: boolean; readonly dryRun: boolean },
): number {
  if (status === "done" || status === "unchanged") return 0;
  if (status === "previewed" || (status === "to_agree" && dryRun)) return isDiff ? EXIT_DIFFERS : 0;
  return EXIT_REFUSED;
}

/** What trades more comes first: it must not be overlooked. */
export function summaryText({
  willTradeMore,
  willRemove,
  changes,
  warnings,
}: EditSummary): readonly string[] {
  return [
    ...titled("Will trade more:", willTradeMore),
    ...titled("Will be removed:", willRemove),
    ...titled("Changes:", changes),
    ...titled("Warnings:", warnings),
  ];
}
