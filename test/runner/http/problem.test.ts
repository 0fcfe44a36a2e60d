import { expect, test } from "vitest";
import { problemOf } from "../../../runner/http/problem.ts";

const failure = (message: string, code: string): Error => Object.assign(new Error(message), { code });

test("a client that disconnects in the middle of its body is not an error of the router", () => {
  const problem = problemOf(failure("aborted", "ECONNRESET"), { redisReady: true });
  expect(problem).toMatchObject({ status: 400, code: "body_incomplete" });
});

test("a broken connection of the router's own is", () => {
  expect(problemOf(failure("read ECONNRESET", "ECONNRESET"), { redisReady: true })).toBeUndefined();
});
