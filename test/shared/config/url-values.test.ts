import { expect, test } from "vitest";
import { readConfig } from "../../../shared/config/config.ts";
import { configOf } from "./config-fixture.ts";

/** Characters of a password that end its place in a URL. */
const PASSWORDS = [
  "hunt@er/w",
  "12/hunter",
  "12?hunter",
  "12#hunter",
  "h/unter",
  "hunter%",
  "hun%zzter",
  "p@hun/t?e#r",
];

test.each(
  ["REDIS_URL=redis", "DATABASE_URL=postgres", "DATABASE_URL=postgresql", "NOTIFY_URL=https"].flatMap(
    (given) => PASSWORDS.map((password) => [given, password] as const),
  ),
)("%s://me:%s@host/0 is refused, with how to encode it and none of it", (given, password) => {
  const [variable = "", scheme = ""] = given.split("=");
  const answer = readConfig({ [variable]: `${scheme}://me:${password}@host/0` });
  expect(answer).toMatchObject({ ok: false, message: expect.stringMatching(/\/ as %2F, @ as %40/) });
  if (answer.ok) return;
  expect(answer.message).toContain(`${variable} (value not shown)`);
  for (const part of ["hun", "me:", "@host"]) expect(answer.message).not.toContain(part);
});

test.each([
  ["REDIS_URL", "redis://me:p%40ss%2Fw@host/1"],
  ["DATABASE_URL", "postgres://me:p%40ss%2Fw@host/d?sslmode=require"],
  ["DATABASE_URL", "postgres://me%40azure:p@host/d?options=-c%20search_path%3Dx"],
  ["NOTIFY_URL", "https://chat.example/@traders/hook?to=me@example.com"],
  ["NOTIFY_URL", "https://me:p%2Fw@chat.example:8443/hook"],
])("%s=%s is accepted", (variable, value) => {
  expect(Object.values(configOf({ [variable]: value }))).toContain(value);
});

test.each(["postgres:me:hunter2@host/d", "redis://host#hunter2", "postgres://h/d#hunter2"])(
  "%s is refused",
  (value) => {
    const answer = readConfig({ [value.startsWith("redis") ? "REDIS_URL" : "DATABASE_URL"]: value });
    expect(answer).toMatchObject({ ok: false, message: expect.not.stringContaining("hunter2") });
  },
);

test("a proxy that is refused is not shown either", () => {
  const answer = readConfig({ DATABASE_URL: "postgres://h/d", NEON_WS_PROXY: "proxy.example:port/hunter2" });
  expect(answer).toMatchObject({ ok: false, message: expect.not.stringContaining("hunter2") });
});
