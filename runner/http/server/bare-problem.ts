import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { ProblemBody, ProblemOptions } from "../problem.ts";

/** A problem for what never reached the app, such as bytes that are no HTTP; in the form of all others. */
export function bareProblem({ status, ...said }: Omit<ProblemOptions, "headers">): ProblemBody {
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, ...said, request_id: randomUUID() };
}

export const PROBLEM_TYPE = "application/problem+json";

/** The answer for it. */
export function bareProblemResponse(said: Omit<ProblemOptions, "headers">): Response {
  return Response.json(bareProblem(said), {
    status: said.status,
    headers: { "content-type": PROBLEM_TYPE },
  });
}
