import type { Context } from "hono";
import { messageOf } from "../../../shared/error-message.ts";
import type { EditAnswer, EditSummary } from "../../../shared/io/reference-edits/edit.ts";
import { ReferenceNotOwnError } from "../../../shared/io/reference-edits/not-own.ts";
import { exampleAt } from "../../../shared/reference-document/document-fields.ts";
import type { DocumentFault } from "../../../shared/reference-document/document.ts";
import type { Services } from "../../setup/services.ts";
import { Problem } from "../problem.ts";
import type { EditAnswerBody } from "./schemas.ts";

/** Answers an edit; after a change the router has it before the answer is given. @throws Problem for one that is not made */
export async function answerEdit(
  c: Context,
  answer: EditAnswer,
  services: Pick<Services, "refresh" | "logger">,
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
      return bodyOf(answer, await currency(answer, services));
  }
}

/** All faults of a document or an edit. */
export function refused(faults: readonly DocumentFault[]): Problem {
  return new Problem({
    status: 422,
    code: "reference_refused",
    detail: `nothing was changed: ${faults.length === 1 ? "1 fault" : `${faults.length} faults`}`,
    issues: faults.map(({ path, line, column, message }) => ({
      path,
      message: `${line === undefined ? "" : `line ${line}, column ${column ?? 1}: `}${message}; such as ${exampleAt(path)}`,
    })),
  });
}

/** A reference of another system is a problem of its own; anything else is thrown as it is. */
export function asProblem(error: unknown): never {
  if (!(error instanceof ReferenceNotOwnError)) throw error;
  throw new Problem({ status: 409, code: "reference_not_own", detail: error.message });
}

type Made = Extract<EditAnswer, { readonly changeId: number | null }>;

interface Currency {
  readonly current: boolean | null;
  readonly warnings: readonly string[];
}

/** Makes what was stored current. It stays stored when that fails, so that is no failure of the edit. */
async function currency(
  { status, version }: Made,
  { refresh, logger }: Pick<Services, "refresh" | "logger">,
): Promise<Currency> {
  if (status === "previewed") return { current: null, warnings: [] };
  try {
    const { state, version: published } = await refresh();
    const current = published === version && (state === "published" || state === "unchanged");
    return {
      current,
      warnings: current ? [] : [`it is stored, and version ${published} was read (${state})`],
    };
  } catch (error) {
    logger.warn({ err: error }, `the edited reference is not current yet: ${messageOf(error)}`);
    const warning =
      "it is stored, but signals are not decided on it yet: it is read within REFERENCE_REFRESH_MS";
    return { current: false, warnings: [warning] };
  }
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
