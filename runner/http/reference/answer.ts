import type { Context } from "hono";
import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { LOCK_NOT_AVAILABLE } from "../../../shared/io/reference-edits/edit-lock.ts";
import type { EditAnswer, EditSummary } from "../../../shared/io/reference-edits/edit.ts";
import { ReferenceNotOwnError } from "../../../shared/io/reference-edits/not-own.ts";
import { exampleAt } from "../../../shared/reference-document/document-fields.ts";
import type { DocumentFault } from "../../../shared/reference-document/document.ts";
import { Problem } from "../problem.ts";
import { NOT_ASKED, type Currency, type MakeCurrent } from "./currency.ts";
import type { EditAnswerBody } from "./schemas.ts";

/** Answers an edit; after a change the router has it before the answer is given. @throws Problem for one that is not made */
export async function answerEdit(
  c: Context,
  answer: EditAnswer,
  makeCurrent: MakeCurrent,
): Promise<EditAnswerBody> {
  switch (answer.status) {
    case "refused":
      throw refused(answer.faults);
    case "not_own":
      throw new Problem({ status: 409, code: "reference_not_own", detail: answer.message });
    case "to_agree":
      throw new Problem({
        status: 409,
        code: "to_agree",
        detail: "it would trade what is not traded now, or remove rows, and that was not agreed to",
        hint: "look at the issues, and repeat it with ?agree=true",
        issues: issuesOf(answer.summary),
      });
    case "conflict":
      throw new Problem({
        status: 409,
        code: "reference_changed",
        detail: "the reference was changed since the document of If-Match was read",
        hint: "GET /reference/document has it as it is; the issues say what your edit would change in it",
        issues: issuesOf(answer.summary),
        headers: { etag: `"${answer.etag}"` },
      });
    case "done":
    case "unchanged":
    case "previewed":
      c.header("etag", `"${answer.etag}"`);
      return bodyOf(answer, await currencyOf(answer, makeCurrent));
  }
}

/** All faults of a document or an edit. */
export function refused(faults: readonly DocumentFault[]): Problem {
  return new Problem({
    status: 422,
    code: "reference_refused",
    detail: `nothing was changed: ${faults.length === 1 ? "1 fault" : `${faults.length} faults`}`,
    issues: faults.map(({ path, message, ...place }) => ({
      path,
      ...place,
      // What is wrong with no place of a document, such as a permission, has no example.
      message: path === "" && place.line === undefined ? message : `${message}; such as ${exampleAt(path)}`,
    })),
  });
}

/** The problem with a reference of another system, or with rows that others hold; anything else is thrown as it is. */
export function asProblem(error: unknown): never {
  if (error instanceof ReferenceNotOwnError)
    throw new Problem({ status: 409, code: "reference_not_own", detail: error.message });
  if (error instanceof DatabaseError && error.sqlstate === LOCK_NOT_AVAILABLE)
    throw new Problem({ status: 503, code: "unavailable", detail: error.message, hint: "then try again" });
  throw error;
}

type Made = Extract<EditAnswer, { readonly changeId: number | null }>;

async function currencyOf({ status, version }: Made, makeCurrent: MakeCurrent): Promise<Currency> {
  return status === "previewed" ? NOT_ASKED : makeCurrent({ status, version });
}

function bodyOf(
  { status, changeId, version, summary }: Made,
  { current, warnings }: Currency,
): EditAnswerBody {
  return {
    status,
    change: changeId,
    version,
    current,
    will_trade_more: [...summary.willTradeMore],
    will_remove: [...summary.willRemove],
    changes: [...summary.changes],
    warnings: [...warnings, ...summary.warnings],
  };
}

function issuesOf(summary: EditSummary): { path: string; message: string }[] {
  const parts = [
    ["will_trade_more", summary.willTradeMore],
    ["will_remove", summary.willRemove],
    ["changes", summary.changes],
    ["warnings", summary.warnings],
  ] as const;
  return parts.flatMap(([path, lines]) => lines.map((message) => ({ path, message })));
}
