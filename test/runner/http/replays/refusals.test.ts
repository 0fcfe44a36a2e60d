import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { everything } from "../../replay/replay-fixture.ts";
import { decideAll, skipAll } from "../../replay/route-in-process.ts";
import { useHttpApp } from "../http-fixture.ts";
import { ALL, FORCE } from "./replay-requests.ts";

const http = useHttpApp();

const REFUSED: readonly [body: object, messages: readonly string[]][] = [
  [{}, ["expected exactly one of"]],
  [{ from: 1_700_000_000, ids: ["1-1"] }, ["expected exactly one of"]],
  [{ to: "2026-01-01" }, ["required with `to`"]],
  [{ from: "soon", to: -1 }, ["expected an entry id", "expected an entry id"]],
  [{ from: "2026-01-02", to: "2026-01-01" }, ["that is not before"]],
  [{ ids: [] }, ["expected a list of 1 to 10000 entry ids"]],
  [{ ids: ["1"] }, ["expected an entry id such as"]],
  [{ ids: Array<string>(10_001).fill("1-1") }, ["expected a list of 1 to 10000 entry ids"]],
  [{ uids: [""] }, ["expected a uid, 1 to 262 characters"]],
  [{ ids: ["1-1"], mode: "again" }, ["expected one of `dry-run`"]],
  [{ ids: ["1-1"], mode: "missing", snapshot: "logged" }, ["only for a dry run"]],
  [{ ids: ["1-1"], mode: "force" }, ["required for `force`", "required for `force`"]],
  [{ ids: ["1-1"], invocations: "mine" }, ['not known: "invocations"']],
  [{ from: 1_700_000_000, since: "2h" }, ["expected exactly one of"]],
  [{ since: "2 hours" }, ["expected minutes, hours or days"]],
  [{ ids: ["1-1"], dryRun: true }, ["only for `missing` and `force`"]],
  [
    { ids: ["1-1"], mode: "force", dryRun: true, strategies: [] },
    ["expected a list of 1 to 1000 ids or names of strategies"],
  ],
  [{ ids: ["1-1"], mode: "force", dryRun: true, invocation: "live" }, ["expected 8 to 64 of the characters"]],
  [
    { ids: ["1-1"], mode: "missing", strategies: [1], invocation: "mine-1234" },
    ["only for `force`", "`missing` may be repeated as it is"],
  ],
];

describe("POST /replays", () => {
  test("refuses an invalid request with every error in it, and does nothing", async () => {
    await http.publish(signalFields());
    const before = await everything(http);
    for (const [body, messages] of REFUSED) {
      const answer = await http.call("POST", "/replays", body);
      expect(answer).toMatchObject({ status: 422, body: { code: "invalid_request" } });
      const given = (answer.body.issues as { message: string }[]).map(({ message }) => message);
      expect(given).toEqual(messages.map((message) => expect.stringContaining(message)));
    }
    expect(await everything(http)).toEqual(before);
  });

  test("refuses an unknown snapshot", async () => {
    const answer = await http.call("POST", "/replays", { ...ALL, snapshot: "0123456789abcdef" });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: "unknown_snapshot", hint: expect.any(String) },
    });
  });

  test("answers 409 and what to do while it is not known which decisions are missing", async () => {
    await http.publish(signalFields());
    const noGroup = await http.call("POST", "/replays", { ...ALL, mode: "missing" });
    expect(noGroup).toMatchObject({ status: 409, body: { code: "no_group" } });
    expect(noGroup.body.hint).toContain("groups create signal_processor");
    await decideAll(http.services);
    const behind = await http.call("POST", "/replays", { ...ALL, mode: "missing" });
    expect(behind).toMatchObject({ status: 409, body: { code: "log_behind" } });
  });

  test("answers 409 to a forced replay before the first tick, which then dispatches the signal once", async () => {
    const id = await http.publish(signalFields({ uid: "a" }));
    const forced = { ids: [id], mode: "force", by: "ann", reason: "no decision" };
    expect(await http.call("POST", "/replays", forced)).toMatchObject({
      status: 409,
      body: {
        code: "no_group",
        detail: expect.stringContaining(`entry ${id} may still be decided`),
        hint: expect.stringContaining("call POST /tick"),
      },
    });
    expect(await http.fieldsIn("strategy_input_stream")).toEqual([]);
    expect(await http.call("POST", "/tick")).toMatchObject({ status: 200 });
    expect(await http.fieldsIn("strategy_input_stream")).toMatchObject([
      { entry_id: id, invocation: "live" },
    ]);
  });

  test("answers 503 while Postgres, or the snapshot to decide on, is unavailable", async () => {
    await http.publish(signalFields());
    await skipAll(http.services);
    await http.services.redis.del(http.services.keys.referenceCurrent);
    http.services.routing.invalidate();
    const forced = await http.call("POST", "/replays", FORCE);
    expect(forced).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining("snapshot is not available") },
    });
    expect(await http.fieldsIn("strategy_input_stream")).toEqual([]);
    await http.sql("ALTER TABLE signal_log RENAME TO renamed");
    for (const mode of ["missing", "dry-run"]) {
      const answer = await http.call("POST", "/replays", {
        ...ALL,
        mode,
        snapshot: mode === "missing" ? "current" : "logged",
      });
      expect(answer).toMatchObject({ status: 503, body: { code: "postgres_unavailable" } });
    }
  });
});
