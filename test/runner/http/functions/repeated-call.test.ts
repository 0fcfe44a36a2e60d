import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();
const URL = "/functions/process-signals";

const signal = (uid: string) => signalFields({ uid });

describe("a repeated call", () => {
  const entries = ["a", "b"].map((uid) => ({ id: idNow(uid), fields: signal(uid) }));

  test("with the same invocation does nothing twice, and does what the first one did not", async () => {
    const first = await http.call("POST", URL, { invocation: "run-1", entries: entries.slice(0, 1) });
    const second = await http.call("POST", URL, { invocation: "run-1", entries });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.invocation).toBe("run-1");
    expect(second.body.results).toMatchObject([
      { id: entries[0]?.id, status: "committed", outcome: "fenced" },
      { id: entries[1]?.id, status: "committed", outcome: "applied" },
    ]);
    expect(second.body.results[0]).not.toHaveProperty("decision");
    expect((await http.fieldsIn("strategy_input_stream")).map(({ log_uid }) => log_uid)).toEqual(["a", "b"]);
    await http.call("POST", "/functions/persist-log/poll");
    expect(await http.sql("SELECT id, counts->'applied' AS applied FROM invocations")).toEqual([
      { id: "run-1", applied: 1 },
    ]);
  });

  test("with another invocation trades nothing twice either", async () => {
    await http.call("POST", URL, { invocation: "run-1", entries });
    const { body } = await http.call("POST", URL, { invocation: "run-2", entries });
    expect(body.results).toMatchObject([{ outcome: "held" }, { outcome: "held" }]);
    const other = await http.call("POST", URL, { entries: entries.map(({ fields }) => ({ fields })) });
    expect(other.body.results).toMatchObject([
      { outcome: "duplicate", decision: { duplicate_of: entries[0]?.id } },
      { outcome: "duplicate", decision: { duplicate_of: entries[1]?.id } },
    ]);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(2);
  });

  test("several times at once commits each entry once", async () => {
    const call = async () => http.call("POST", URL, { invocation: "run-1", entries });
    const answers = await Promise.all([call(), call(), call()]);
    const outcomes = answers.flatMap(({ body }) =>
      body.results.map(({ outcome }: { outcome: string }) => outcome),
    );
    expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === "fenced")).toHaveLength(4);
    expect(await http.services.redis.get(http.services.keys.dedup("a"))).toBe(entries[0]?.id);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(2);
  });
});

/** An entry id whose time is now. */
function idNow(uid: string): string {
  return `${Date.now()}-${uid.charCodeAt(0)}`;
}
