import { Argument, InvalidArgumentError, type Command } from "commander";
import {
  DOCUMENT_KINDS,
  KIND_OF_ONE,
  type DocumentKind,
} from "../../../shared/reference-document/document-fields.ts";
import type { CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import { applyFile, diffFile, exportReference, schemaText, type ApplyOptions } from "./files.ts";
import { diffChanges, printHistory, rollBack, showChange, type HistoryOptions } from "./history.ts";
import { listReference } from "./list.ts";
import type { ChangeOptions } from "./make-edit.ts";
import { editRow, type RowToEdit } from "./rows.ts";

/** `cli reference …`: what the router trades, as a file, row by row, and its history. */
export function addReferenceCommands(program: Command, io: CommandIo): void {
  const reference = program
    .command("reference")
    .description(
      "tickers, signals, strategies, aliases and sources: as a file, row by row, and their history",
    )
    .addHelpText("after", EXIT_CODES);
  addFileCommands(reference, io);
  addRowCommands(reference, io);
  addHistoryCommands(reference, io);
}

const REPLAY_TEXT = "also print what it would have changed in the decisions of the last 90m, 24h or 7d";

const EXIT_CODES = `
Exit codes: 0 done, or no difference; 1 refused, not confirmed, or it cannot be done now;
2 the environment is not valid; 3 diff found differences.`;

function addFileCommands(reference: Command, io: CommandIo): void {
  reference
    .command("export")
    .description("write the reference to a file to edit (.yaml or .json), or print it as YAML")
    .argument("[file]", "a new file, that only this user may read")
    .option("--force", "replace the file", false)
    .option("--json", "as JSON", false)
    .action(async (file: string | undefined, options: { force: boolean; json: boolean }) =>
      exportReference(file, options, io),
    );
  reference
    .command("diff")
    .description(
      "print what applying a file would change, or what differs between two changes of the history",
    )
    .argument("<file-or-change>", "a file, - for standard input, or with a second one the id of a change")
    .argument("[change]", "id of another change", changeId)
    .option("--prune", "as with apply --prune", false)
    .option("--replay <duration>", REPLAY_TEXT)
    .option("--json", "as JSON", false)
    .action(async (first: string, second: number | undefined, options: ApplyOptions & { json: boolean }) =>
      second === undefined
        ? diffFile(first, options, io)
        : diffChanges([changeId(first), second], options, io),
    );
  withChangeOptions(
    reference
      .command("apply")
      .description("make the reference what a file says; asks before anything trades more")
      .argument("<file>", "a file, or - for standard input")
      .option("--prune", "remove the rows that the file does not have; asks first", false)
      .option("--replay <duration>", `with --dry-run: ${REPLAY_TEXT}`),
  ).action(async (file: string, options: ApplyOptions) => applyFile(file, options, io));
  reference
    .command("schema")
    .description("print the JSON Schema of the file, for editors")
    .action(() => io.print(schemaText()));
}

function addRowCommands(reference: Command, io: CommandIo): void {
  reference
    .command("list")
    .description("print tickers, signals, strategies, aliases and sources")
    .argument("[kind]", KINDS_TEXT, kindOf)
    .option("--json", "as JSON", false)
    .action(async (kind: DocumentKind | undefined, options: { json: boolean }) =>
      listReference(kind, options, io),
    );
  const verbs = {
    add: "add a row; fields that are not given have their defaults",
    set: "change a row: what is given, and nothing else",
    remove: "remove a row; asks first",
  } as const;
  for (const [verb, description] of Object.entries(verbs) as [RowToEdit["verb"], string][]) {
    const command = reference
      .command(verb)
      .description(description)
      .argument("<kind>", KINDS_TEXT, kindOf)
      .argument("<name>", "its name, symbol or alias");
    if (verb !== "remove")
      command.argument(
        verb === "set" ? "<field=value...>" : "[field=value...]",
        "such as enabled=false, tickers=BTCUSDT,ETHUSDT, tickers+=XRPUSDT, params.url=https://…, template.symbol={{ticker}}; field= for the default",
      );
    withChangeOptions(command).action(async (kind: DocumentKind, name: string, ...rest: unknown[]) => {
      const [typed, options] = verb === "remove" ? [[], rest[0]] : rest;
      return editRow({ verb, kind, name, typed: typed as readonly string[] }, options as ChangeOptions, io);
    });
  }
}

function addHistoryCommands(reference: Command, io: CommandIo): void {
  reference
    .command("history")
    .description("print the changes of the reference, the newest first")
    .option("--limit <count>", "maximum number of lines", lineCount, 20)
    .option("--before <change>", "continue before this change", changeId)
    .option("--json", "as JSON", false)
    .action(async (options: HistoryOptions) => printHistory(options, io));
  reference
    .command("show")
    .description("print one change, and the reference as it was after it")
    .addArgument(change())
    .option("--json", "as JSON", false)
    .action(async (id: number, options: { json: boolean }) => showChange(id, options, io));
  withChangeOptions(
    reference
      .command("rollback")
      .description("make the reference what it was after a change; asks first, lifts no pause")
      .addArgument(change()),
  ).action(async (id: number, options: ChangeOptions) => rollBack(id, options, io));
}

function withChangeOptions(command: Command): Command {
  return command
    .option("--dry-run", "print what would be changed, and change nothing", false)
    .option("--yes", "confirm what is asked for", false)
    .option("--by <name>", "who changes it (default: the user of this shell)")
    .option("--reason <text>", "why; it is recorded")
    .option("--json", "as JSON", false);
}

function change(): Argument {
  return new Argument("<change>", "id of a change, as `history` prints it").argParser(changeId);
}

const KINDS_TEXT = "ticker, signal, strategy, alias or source";
const KINDS: Readonly<Record<string, DocumentKind>> = Object.fromEntries(
  DOCUMENT_KINDS.flatMap((kind) => [
    [KIND_OF_ONE[kind], kind],
    [kind, kind],
  ]),
);

function kindOf(text: string): DocumentKind {
  const kind = Object.hasOwn(KINDS, text) ? KINDS[text] : undefined;
  if (kind === undefined) throw new InvalidArgumentError(`Expected ${KINDS_TEXT}.`);
  return kind;
}

function changeId(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new CliError(`found ${text}; expected the id of a change, such as 12`);
  return Number(text);
}

function lineCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("Expected a whole number from 1 to 9999.");
  return Number(text);
}
