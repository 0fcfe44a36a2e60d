import { expect, test } from "vitest";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();

const paused = async () => http.services.redis.hgetall(http.services.keys.control);

test("a strategy is paused and resumed, and the answer names who did it", async () => {
  const first = await http.call("POST", "/pause", { strategy: 10, by: "ann" });
  expect(first).toMatchObject({ status: 200, body: { message: "strategy 10 (10) paused by ann over HTTP" } });
  expect(await paused()).toMatchObject({ "10": expect.stringContaining('"by":"ann"') });
  await http.call("POST", "/resume", { strategy: 10 });
  expect(Object.keys(await paused())).toEqual(["epoch"]);
});

test("a strategy is paused by its name, and a name that none has is refused with the closest", async () => {
  expect(await http.call("POST", "/pause", { strategy: "strategy 10" })).toMatchObject({ status: 200 });
  expect(Object.keys(await paused()).toSorted()).toEqual(["10", "epoch"]);
  expect(await http.call("POST", "/resume", { strategy: "strategy 1o" })).toMatchObject({
    status: 422,
    body: {
      issues: [{ path: "strategy", message: expect.stringContaining('the closest is "strategy 10"') }],
    },
  });
});

test("without a strategy everything is paused", async () => {
  await http.call("POST", "/pause", {});
  expect(await http.call("POST", "/pause")).toMatchObject({ status: 200 });
  expect(Object.keys(await paused()).toSorted()).toEqual(["*", "epoch"]);
});

test("pausing a strategy that the snapshot does not have works, with a warning", async () => {
  const { status, body } = await http.call("POST", "/pause", { strategy: 77 });
  expect({ status, warning: body.warning }).toEqual({
    status: 200,
    warning: expect.stringContaining("There is no strategy 77"),
  });
});

test("an invalid request is refused with every error in it, and nothing is paused", async () => {
  const { status, body } = await http.call("POST", "/pause", { strategy: [], who: "me" });
  expect(status).toBe(422);
  expect(body).toMatchObject({ code: "invalid_request", status: 422 });
  expect(body.issues).toHaveLength(2);
  expect(await paused()).toEqual({});
});
