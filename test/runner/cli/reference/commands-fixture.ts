import { Command } from "commander";
import { markedAddresses } from "../../../../functions/strategies/marked-addresses.ts";
import { HANDLERS } from "../../../../functions/strategies/registry.ts";
import { CliError } from "../../../../runner/cli/connection.ts";
import { addReferenceCommands } from "../../../../runner/cli/reference/commands.ts";
import { routesOver } from "../../../../runner/cli/router-routes.ts";
import { problemOf, problemResponse } from "../../../../runner/http/problem.ts";
import type { PreviewBody } from "../../../../runner/http/reference/preview.ts";
import { editRoutesOver } from "../../../../runner/http/reference/routes.ts";
import { TextFileError } from "../../../../shared/io/files/text-files.ts";
import type { Change } from "../../../../shared/io/reference-edits/changes.ts";
import type { Edit, EditAnswer, EditOptions } from "../../../../shared/io/reference-edits/edit.ts";
import { ROUTER_KINDS } from "../../../../shared/io/reference-edits/not-own.ts";
import type { ReferenceEdits } from "../../../../shared/io/reference-edits/reference-edits.ts";
import { changeLines } from "../../../../shared/reference-document/change-lines.ts";
import { DOCUMENT_KINDS } from "../../../../shared/reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../../../shared/reference-document/document.ts";
import { parseDocument } from "../../../../shared/reference-document/parse-document.ts";
import type { AddressesIn } from "../../../../shared/reference-document/shown-params.ts";
import { NO_ROWS, type StoredRows } from "../../../../shared/reference-document/stored-rows.ts";

/** The commands and the routes over a reference in memory, and what they printed, asked and were given. */

export const NONE = { willTradeMore: [], willRemove: [], changes: [], warnings: [] };
export const ETAG = "e1".repeat(16);

export function documentFrom(text: string): ReferenceDocument {
  const read = parseDocument(text);
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return read.document;
}

interface Stage {
  readonly document: ReferenceDocument;
  /** What the edit answers; default: done. */
  readonly answer?: (edit: EditOptions) => EditAnswer;
  /** Why tickers, signals and strategies cannot be edited. */
  readonly notOwn?: string;
  /** What a person answers; default: there is no terminal. */
  readonly confirmed?: boolean;
  readonly changes?: readonly { readonly change: Change; readonly document: ReferenceDocument }[];
  /** What the preview of any edit answers. */
  readonly preview?: PreviewBody;
}

/** The rows of a document, whose ids are its places. */
function rowsOf({ tickers, signals, strategies }: ReferenceDocument): StoredRows {
  return {
    ...NO_ROWS,
    tickers: tickers.map((row) => ({ ...row, exchanges: row.exchanges === "*" ? ["*"] : row.exchanges })),
    signals: signals.map((row, at) => ({ ...row, id: at + 1 })),
    strategies: strategies.map((row, at) => ({ ...row, id: at + 1, use_all_tickers: row.tickers === "all" })),
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly string[];
  readonly edits: readonly Edit[];
  readonly rollbacks: readonly (EditOptions & { readonly id: number })[];
}

export async function run(stage: Stage, ...args: string[]): Promise<Ran> {
  const [out, err, asked]: string[][] = [[], [], []];
  const edits: Edit[] = [];
  const rollbacks: (EditOptions & { readonly id: number })[] = [];
  let code = 0;
  const answer =
    stage.answer ??
    (() => ({ status: "done", changeId: 2, version: "v2", etag: "e2", summary: NONE }) as const);
  const { changes = [] } = stage;
  const owner =
    stage.notOwn === undefined ? { kinds: DOCUMENT_KINDS } : { kinds: ROUTER_KINDS, notOwn: stage.notOwn };
  const reference: ReferenceEdits = {
    read: async () => ({ document: stage.document, etag: ETAG, version: "v1", unreadable: [], ...owner }),
    apply: async (edit) => {
      edits.push(edit);
      return answer(edit);
    },
    history: async ({ countMax, before = Infinity }) =>
      changes
        .map(({ change }) => change)
        .filter(({ id }) => id < before)
        .slice(0, countMax),
    change: async (id, since) => {
      const found = changes.find(({ change }) => change.id === id);
      if (found === undefined) return "no_change";
      const before = changes.find(({ change }) => change.id === since);
      const rows = before === undefined ? NO_ROWS : rowsOf(before.document);
      const addressesIn: AddressesIn = (strategy) => markedAddresses(strategy, HANDLERS);
      const lines = changeLines(rows, rowsOf(found.document), { addressesIn });
      return { ...found, changes: lines, kinds: owner.kinds };
    },
    rollback: async (id, options) => {
      if (!changes.some(({ change }) => change.id === id)) return undefined;
      rollbacks.push({ id, ...options });
      return answer(options);
    },
  };
  const app = editRoutesOver({
    edits: reference,
    makeCurrent: async () => ({ current: true, warnings: [] }),
  });
  app.onError((error, c) => {
    const problem = problemOf(error, { redisReady: true });
    if (problem === undefined) throw error;
    return problemResponse(c, problem);
  });
  const program = new Command().exitOverride().configureOutput({ writeErr: (text) => err?.push(text) });
  addReferenceCommands(program, {
    withRouter: async (command) =>
      command(
        routesOver(async (request) =>
          new URL(request.url).pathname === "/reference/preview"
            ? Response.json(stage.preview)
            : app.fetch(request),
        ),
      ),
    print: (text) => out?.push(text),
    say: (text) => err?.push(text),
    confirm: async (question) => {
      asked?.push(question);
      return stage.confirmed;
    },
    exitWith: (exitCode) => {
      code = exitCode;
    },
    user: "ada",
    columns: 100,
  });
  try {
    await program.parseAsync(["reference", ...args], { from: "user" });
  } catch (error) {
    if (error instanceof CliError || error instanceof TextFileError) err?.push(error.message);
    else if (!(error instanceof Error && error.name === "CommanderError")) throw error;
    code = 1;
  }
  return {
    code,
    out: (out ?? []).join("\n"),
    err: (err ?? []).join("\n"),
    asked: asked ?? [],
    edits,
    rollbacks,
  };
}
