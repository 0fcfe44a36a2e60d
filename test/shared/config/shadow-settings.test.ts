import { expect, test } from "vitest";
import { configRemarks } from "../../../shared/config/config-remarks.ts";
import { readConfig } from "../../../shared/config/config.ts";
import { configOf } from "./config-fixture.ts";

const messageOf = (env: Record<string, string>): string => {
  const answer = readConfig(env);
  return answer.ok ? "" : answer.message;
};

test("a suffix needs SHADOW, since with it every signal would be traded twice", () => {
  expect(messageOf({ GROUP_SUFFIX: "_new" })).toMatch(/^GROUP_SUFFIX is set: expected SHADOW=true/);
  expect(messageOf({ GROUP_SUFFIX: "_new", SHADOW: "true" })).toBe("");
  expect(messageOf({ GROUP_SUFFIX: "a:b", SHADOW: "true" })).toMatch(/such as _new$/);
});

test("a shadow runs all functions but execute-strategies, which cannot be asked for", () => {
  expect(configOf({ SHADOW: "true" }).functions).not.toContain("execute-strategies");
  expect(configOf({}).functions).toContain("execute-strategies");
  const FUNCTIONS = "process-signals,execute-strategies";
  expect(messageOf({ SHADOW: "true", FUNCTIONS })).toMatch(/^FUNCTIONS names execute-strategies/);
});

test("a shadow without a suffix is warned of: it takes the signals away from whatever trades", () => {
  const warned = (env: Record<string, string>) =>
    configRemarks(env, configOf(env)).map(({ message }) => message);
  expect(warned({ SHADOW: "true" })).toEqual([expect.stringMatching(/takes the signals away/)]);
  expect(warned({ SHADOW: "true", GROUP_SUFFIX: "_new" })).toEqual([]);
});

test("a router with a suffix collects no reports: they are about tasks of the router that trades", () => {
  const OUTCOME_STREAMS = "signal_log_queue";
  expect(configOf({ OUTCOME_STREAMS, GROUP_SUFFIX: "_new", SHADOW: "true" }).outcomeStreams).toEqual([]);
  expect(configOf({ OUTCOME_STREAMS }).outcomeStreams).toEqual([OUTCOME_STREAMS]);
});
