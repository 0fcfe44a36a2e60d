import { randomUUID } from "node:crypto";
import { PROBLEM_TYPE, problemBody, type ProblemBody, type ProblemOptions } from "../problem.ts";

/** The body of a problem with a request that never reached the app, such as bytes that are not HTTP. */
export function bareProblem(problem: BareProblem): ProblemBody {
  return problemBody(problem, randomUUID());
}

export type BareProblem = Omit<ProblemOptions, "headers">;

/** The answer for such a problem. */
export function bareProblemResponse(problem: BareProblem): Response {
  const headers = { "content-type": PROBLEM_TYPE };
  return Response.json(bareProblem(problem), { status: problem.status, headers });
}
