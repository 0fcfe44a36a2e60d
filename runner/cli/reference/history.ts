import type { Change } from "../../../shared/io/reference-edits/changes.ts";
import type { EditAnswer, EditOptions } from "../../../shared/io/reference-edits/edit.ts";
import type { ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import { changeLines } from "../../../shared/reference-document/change-lines.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { formatDocument } from "../../../shared/reference-document/format-document.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import { EXIT_DIFFERS, type CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import { textTable } from "../text-table.ts";
import { makeEdit, type ChangeOptions } from "./make-edit.ts";
import { shownDocument } from "./shown-document.ts";

/** `cli reference history`, `show`, `diff` of two changes, and `rollback`. */

export interface HistoryOptions {
  readonly limit: number;
  /** Id of the last change of the page before. */
  readonly before?: number;
  readonly json: boolean;
}

/** Prints a page of changes, the newest first. */
export async function printHistory(
  { limit: countMax, before, json }: HistoryOptions,
  io: CommandIo,
): Promise<void> {
  const page = before === undefined ? { countMax } : { countMax, before };
  const changes = await io.withEdits(async (edits) => edits.history(page));
  if (json) {
    io.print(printableJson(changes));
    return;
  }
  if (changes.length > 0) io.print(textTable(TITLES, changes.map(cellsOf), io));
  const last = changes.at(-1);
  const isMore = last !== undefined && changes.length === countMax;
  io.print(`${changes.length} changes${isMore ? `; older ones with --before ${last.id}` : ""}`);
}

const TITLES = ["change", "at", "kind", "by", "version", "reason"];

function cellsOf({ id, at, kind, by, versionBefore, versionAfter, reason }: Change): readonly string[] {
  const version = versionBefore === versionAfter ? `${versionAfter} (as before)` : versionAfter;
  return [String(id), at, kind, by, version, reason ?? ""];
}

/** Prints one change, and the reference as it was after it. @throws CliError when there is no such change */
export async function showChange(
  id: number,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const { change, document } = await io.withEdits(async (edits) => changeOrRefuse(edits, id));
  if (json) {
    io.print(printableJson({ ...change, document: shownDocument(document) }));
    return;
  }
  const { at, by, kind, reason, versionBefore, versionAfter } = change;
  const why = reason === null ? "" : `: ${reason}`;
  io.print(printable(`# change ${id}, ${kind} at ${at} by ${by}${why}`));
  io.print(`# version ${versionBefore ?? "none"} before, ${versionAfter} after`);
  io.print(rowsText(shownDocument(document)));
}

/** Without the header: it is no file to apply, since addresses are not whole. */
function rowsText(document: ReferenceDocument): string {
  const lines = formatDocument(document, "yaml").trimEnd().split("\n");
  return lines.filter((line) => !line.startsWith("#")).join("\n");
}

/** Prints what differs between the reference after one change and after another. Exit code 3 when anything does. */
export async function diffChanges(
  [from, to]: readonly [number, number],
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const [before, after] = await io.withEdits(async (edits) => [
    await changeOrRefuse(edits, from),
    await changeOrRefuse(edits, to),
  ]);
  const lines = changeLines(before.rows, after.rows);
  if (json) io.print(printableJson({ from, to, differences: lines }));
  else io.print(lines.length === 0 ? "No difference" : lines.map(printable).join("\n"));
  if (lines.length > 0) io.exitWith(EXIT_DIFFERS);
}

async function changeOrRefuse(edits: ReferenceEdits, id: number) {
  const found = await edits.change(id);
  if (found === undefined) throw noChange(id);
  return found;
}

function noChange(id: number): CliError {
  return new CliError(`there is no change ${id}: \`reference history\` lists them`);
}

/** Makes the reference what it was after a change; a change of its own. */
export async function rollBack(id: number, options: ChangeOptions, io: CommandIo): Promise<void> {
  await io.withEdits(async (edits) => {
    await changeOrRefuse(edits, id);
    const { etag } = await edits.read();
    const removes = `Make the reference what it was after change ${id}, as listed?`;
    const run = async (how: EditOptions): Promise<EditAnswer> => {
      const answer = await edits.rollback(id, how);
      if (answer === undefined) throw noChange(id);
      return answer;
    };
    await makeEdit({ run, etag, removes }, options, io);
  });
}
