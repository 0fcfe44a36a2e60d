import { expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { FUNCTIONS: "process-signals,trim" } });

test("a tick runs only what FUNCTIONS names; on demand every function can be called", async () => {
  await http.publish(signalFields());
  const { body } = await http.call("POST", "/tick");
  const parts = body.parts.map((part: { part: string; function?: string }) => [part.part, part.function]);
  expect(parts).toEqual([
    ["poll", "process-signals"],
    ["trim", undefined],
  ]);
  expect(await http.sql("SELECT 1 FROM signal_log")).toEqual([]);
  expect((await http.call("POST", "/functions/persist-log/poll")).status).toBe(200);
  expect(await http.sql("SELECT status FROM signal_log")).toEqual([{ status: "dispatched" }]);
  expect((await http.call("POST", "/functions/refresh-reference")).body).toMatchObject({
    state: "unchanged",
  });
});
