import { expect, test } from "vitest";
import { problemOf } from "../../../runner/http/problem.ts";

const failure = (message: string, code: string): Error => Object.assign(new Error(message), { code });

test("a client that goes away in the middle of its body is no fault of the router's", () => {
  const problem = problemOf(failure("aborted", "ECONNRESET"), { redisReady: true });
  expect(problem).toMatchObject({ status: 400, code: "body_incomplete" });
});

test("a connection of the router's own that breaks is", () => {
  expect(problemOf(failure("read ECONNRESET", "ECONNRESET"), { redisReady: true })).toBeUndefined();
});
