import { expect, test } from "vitest";
import { serverlessApp } from "../../runner/serverless/app.ts";
import { redisUrl } from "../servers/fixtures.ts";
import { useRouters } from "../servers/router-fixture.ts";

/** A database of REDIS_URL that cannot be selected ends every entry point, with what to do. */

const router = useRouters();
const url = (): string => `${redisUrl().replace(/\/\d*$/, "")}/99`;
const REFUSED =
  /(?:^|"msg":")REDIS_URL names database 99, which cannot be used: the server has no such database/m;

test.each([
  ["main.ts", []],
  ["cli.ts", ["status"]],
])("%s exits with code 2", async (script, args) => {
  router.env["REDIS_URL"] = url();
  const { code, output } = await router.run(script, ...args);
  expect({ code, output }).toEqual({ code: 2, output: expect.stringMatching(REFUSED) });
  expect(output).not.toContain("    at ");
});

test("a serverless instance answers that it is misconfigured, and names the variable", async () => {
  const env = { ...router.env, REDIS_URL: url(), HTTP_TOKEN: "a-token-for-tests" };
  const app = serverlessApp({ env: () => env, peerAddressOf: () => undefined });
  const response = await app.request("/readyz");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    code: "misconfigured",
    detail: expect.stringContaining("REDIS_URL"),
  });
});
