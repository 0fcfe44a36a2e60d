import type { DocumentFault } from "../../../shared/reference-document/document.ts";
import type { ProblemBody } from "../../http/problem.ts";
import { editAnswerSchema, type EditAnswerBody } from "../../http/reference/schemas.ts";
import { CliError } from "../connection.ts";
import { errorOf, problemIn, type Question, type RouterRoutes } from "../router-routes.ts";

/** What the route of an edit answers, as commands act on it. */
export type EditReply =
  | EditAnswerBody
  | ({ readonly status: "to_agree" | "conflict" } & EditSummary)
  | { readonly status: "refused"; readonly faults: readonly DocumentFault[] };

/** What an edit changes, as lines for people. */
export type EditSummary = Pick<EditAnswerBody, "will_trade_more" | "will_remove" | "changes" | "warnings">;

/** Asks the route for an edit. @throws CliError for a problem that is none of the edit itself */
export async function askEdit(
  router: RouterRoutes,
  question: Omit<Question<never>, "answer">,
): Promise<EditReply> {
  const response = await router.fetch(question);
  if (response.ok) return editAnswerSchema.parse(await response.json());
  const problem = await problemIn(response);
  switch (problem.code) {
    case "to_agree":
      return { status: "to_agree", ...summaryIn(problem) };
    case "reference_changed":
      return { status: "conflict", ...summaryIn(problem) };
    case "reference_refused":
      return { status: "refused", faults: (problem.issues ?? []).map(faultOf) };
    case "exists":
      throw new CliError(`${problem.detail}: use set`);
    default:
      throw errorOf({ ...problem, detail: `${whatWasDone(problem, question)}: ${problem.detail}` });
  }
}

/** Postgres may have stored the change although its answer to the commit was lost. */
const MAY_BE_DONE: ReadonlySet<string> = new Set(["postgres_unavailable", "internal_error"]);

function whatWasDone({ code }: ProblemBody, { query }: Pick<Question<never>, "query">): string {
  if (query?.["dryRun"] === true || !MAY_BE_DONE.has(code)) return "nothing was changed";
  return "whether anything was changed is not known, look at it (reference history) before you run this again";
}

/** Its lines are issues, whose paths say what they are. */
function summaryIn({ issues = [] }: ProblemBody): EditSummary {
  const linesOf = (part: string): string[] =>
    issues.filter(({ path }) => path === part).map(({ message }) => message);
  return {
    will_trade_more: linesOf("will_trade_more"),
    will_remove: linesOf("will_remove"),
    changes: linesOf("changes"),
    warnings: linesOf("warnings"),
  };
}

type Issue = NonNullable<ProblemBody["issues"]>[number];

function faultOf({ path, message, line, column }: Issue): DocumentFault {
  return { path, message, ...(line === undefined || column === undefined ? {} : { line, column }) };
}
