import type * as z from "zod";
import { DOCUMENT_KINDS, type DocumentKind } from "../../../shared/reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { formatDocument, wholeDocument } from "../../../shared/reference-document/format-document.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import { changesSchema, shownChangeSchema, type changeSchema } from "../../http/reference/schemas.ts";
import { EXIT_DIFFERS, type CommandIo } from "../command-io.ts";
import { plural } from "../replay/replay-text.ts";
import type { RouterRoutes } from "../router-routes.ts";
import { textTable } from "../text-table.ts";
import { makeEdit, type ChangeOptions } from "./make-edit.ts";
import { readReference } from "./read-reference.ts";
import { shownDocument } from "./shown-document.ts";

/** `cli reference history`, `show`, `diff` of two changes, and `rollback`. */

export interface HistoryOptions {
  readonly limit: number;
  /** Id of the last change of the page before. */
  readonly before?: number;
  readonly json: boolean;
}

type Change = z.infer<typeof changeSchema>;

/** Prints a page of changes, the newest first. */
export async function printHistory(options: HistoryOptions, io: CommandIo): Promise<void> {
  const { changes, next } = await io.withRouter(async (router) => readChanges(router, options));
  if (options.json) {
    io.print(printableJson(changes));
    return;
  }
  if (changes.length > 0) io.print(textTable(TITLES, changes.map(cellsOf), io));
  io.print(`${plural(changes.length, "change")}${next === null ? "" : `; older ones with --before ${next}`}`);
}

/** The route answers so many at once. */
const PAGE_COUNT_MAX = 200;

async function readChanges(router: RouterRoutes, { limit, before }: HistoryOptions) {
  const changes: Change[] = [];
  let next: number | null = before ?? null;
  do {
    const query = { limit: Math.min(PAGE_COUNT_MAX, limit - changes.length), before: next ?? undefined };
    const page: z.infer<typeof changesSchema> = await router.ask({
      path: "/reference/changes",
      query,
      answer: changesSchema,
    });
    changes.push(...page.changes);
    next = page.next;
  } while (next !== null && changes.length < limit);
  return { changes, next };
}

const TITLES = ["change", "at", "kind", "by", "version", "reason"];

function cellsOf({ id, at, kind, by, reason, ...versions }: Change): readonly string[] {
  const { version_before: before, version_after: after } = versions;
  return [String(id), at, kind, by, before === after ? `${after} (as before)` : after, reason ?? ""];
}

/** Prints one change, and the reference as it was after it. @throws CliError when there is no such change */
export async function showChange(
  id: number,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const shown = await io.withRouter(async (router) => readChange(router, id));
  const document = shownDocument(wholeDocument(shown.document));
  if (json) {
    io.print(printableJson({ ...shown, document }));
    return;
  }
  const { at, by, kind, reason, version_before: before, version_after: after } = shown;
  const why = reason === null ? "" : `: ${reason}`;
  io.print(printable(`# change ${id}, ${kind} at ${at} by ${by}${why}`));
  io.print(`# version ${before ?? "none"} before, ${after} after`);
  io.print(
    rowsText(
      document,
      DOCUMENT_KINDS.filter((one) => shown.document[one] !== undefined),
    ),
  );
}

async function readChange(router: RouterRoutes, id: number, since?: number) {
  return router.ask({ path: `/reference/changes/${id}`, query: { since }, answer: shownChangeSchema });
}

/** Without the header: it is no file to apply, since addresses are not whole. */
function rowsText(document: ReferenceDocument, kinds: readonly DocumentKind[]): string {
  const lines = formatDocument(document, "yaml", { kinds }).trimEnd().split("\n");
  return lines.filter((line) => !line.startsWith("#")).join("\n");
}

/** Prints what differs between the reference after one change and after another. Exit code 3 when anything does. */
export async function diffChanges(
  [from, to]: readonly [number, number],
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const { changes } = await io.withRouter(async (router) => readChange(router, to, from));
  if (json) io.print(printableJson({ from, to, differences: changes }));
  else io.print(changes.length === 0 ? "No difference" : changes.map(printable).join("\n"));
  if (changes.length > 0) io.exitWith(EXIT_DIFFERS);
}

/** Makes the reference what it was after a change; a change of its own. */
export async function rollBack(id: number, options: ChangeOptions, io: CommandIo): Promise<void> {
  await io.withRouter(async (router) => {
    const { etag } = await readReference(router);
    const question = { method: "POST", path: "/reference/rollback", query: { change: id } } as const;
    const removes = `Make the reference what it was after change ${id}, as listed?`;
    await makeEdit(router, { question, etag, removes }, options, io);
  });
}
