import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readConfig } from "../../../shared/config/config.ts";
import { NAMES, faultsOf } from "./config-fixture.ts";

const value = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.integer().map(String),
  fc.constantFrom("", "true", "redis://h", "postgres://h/d", "{a}:", "127.0.0.1/8", "failed", "reclaim"),
);
const environment = fc.dictionary(fc.constantFrom(...NAMES), value);

test("any environment gives a config or names a variable on every line", () => {
  const property = fc.property(environment, (env) => {
    const answer = readConfig(env);
    // One more for the secrets of sources, which have a variable each.
    if (answer.ok) return Object.keys(answer.config).length === NAMES.length + 1;
    return faultsOf(env).every((name) => NAMES.includes(name));
  });
  expect(() => fc.assert(property)).not.toThrow();
});

test("no secret appears in a message, wherever it was put", () => {
  const secret = "s3cr3t-v4lue";
  const places = [
    secret,
    `bad ${secret}`,
    `mongo://me:${secret}@host/db`,
    `redis://me:${secret}@`,
    `${secret}@host`,
  ];
  const leaks = fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...places)));
  const property = fc.property(environment, leaks, (env, leaked) => {
    const answer = readConfig({ ...env, ...Object.fromEntries(leaked), HTTP_TOKEN: secret });
    return answer.ok || !answer.message.includes(secret);
  });
  expect(() => fc.assert(property)).not.toThrow();
});
