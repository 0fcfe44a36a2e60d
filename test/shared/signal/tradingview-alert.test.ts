import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSignal } from "../../../shared/signal/signal.ts";
import {
  FIELDS_MAX,
  parseObject,
  readAlert,
  type Members,
} from "../../../shared/signal/tradingview-alert.ts";
import { NOW } from "../../builders.ts";

const SECRET = "s3cret-value";
const ALERT = { message: "EMA_CROSS_LONG", symbol: "BTCUSDT.P", time: "2025-01-15T11:45:00Z" };

const read = (alert: Members) => readAlert(alert, { secret: SECRET, now: NOW, source: "tradingview" });

function fieldsOfAlert(alert: Members) {
  const answer = read(alert);
  if (answer.status === "refused") throw new Error(JSON.stringify(answer.faults));
  return answer.fields;
}

const faultsOf = (alert: Members) => {
  const answer = read(alert);
  return answer.status === "refused" ? answer.faults.map(({ field, reason }) => `${field} ${reason}`) : [];
};

describe("the fields of an alert", () => {
  it("are its own, with source and time of receipt", () => {
    expect(fieldsOfAlert(ALERT)).toEqual({
      ...ALERT,
      source: "tradingview",
      received_at: "2025-01-15T12:00:00.000Z",
    });
  });

  it("are texts: numbers and booleans as text, lists and objects as JSON, null left out", () => {
    const alert = {
      ...ALERT,
      close: 1.5,
      up: true,
      plots: [1, { a: null }],
      volume: null,
      time: 1_736_941_500,
    };
    expect(fieldsOfAlert(alert)).toEqual({
      ...fieldsOfAlert(ALERT),
      close: "1.5",
      up: "true",
      plots: '[1,{"a":null}]',
      time: "1736941500",
    });
  });

  it("keep a source of their own, but not a time of receipt", () => {
    const alert = { ...ALERT, source: "my script", received_at: "2020-01-01" };
    expect(fieldsOfAlert(alert)).toMatchObject({
      source: "my script",
      received_at: "2025-01-15T12:00:00.000Z",
    });
    expect(fieldsOfAlert({ ...ALERT, source: " " })["source"]).toBe("tradingview");
  });

  it("do not contain the secret, nor a field of that name", () => {
    const alert = {
      ...ALERT,
      secret: SECRET,
      note: `<${SECRET}>`,
      [`x${SECRET}`]: "1",
      deep: [{ [SECRET]: SECRET }],
    };
    expect(fieldsOfAlert(alert)).toEqual({
      ...fieldsOfAlert(ALERT),
      note: "<***>",
      "x***": "1",
      deep: '[{"***":"***"}]',
    });
    expect(fieldsOfAlert({ ...ALERT, secret: "another" })).not.toHaveProperty("secret");
  });

  it("may have names such as __proto__", () => {
    const alert = parseObject(
      `{"__proto__": "a", "constructor": {"b": 1}, "toString": "c", "": "d", ${JSON.stringify(ALERT).slice(1)}`,
    );
    const fields = fieldsOfAlert(alert ?? {});
    expect(Object.entries(fields).slice(0, 4)).toEqual([
      ["__proto__", "a"],
      ["constructor", '{"b":1}'],
      ["toString", "c"],
      ["", "d"],
    ]);
  });
});

describe("an alert is refused", () => {
  it.each([
    ["without a phrase", { ...ALERT, message: undefined }, ["message missing_field"]],
    ["with nothing", {}, ["bar_time missing_field", "message missing_field", "symbol missing_field"]],
    [
      "with empty fields",
      { ...ALERT, symbol: " ", message: null },
      ["message missing_field", "symbol missing_field"],
    ],
    ["with a placeholder for a time", { ...ALERT, time: "{{time}}" }, ["time invalid_field"]],
    ["with a list for a phrase", { ...ALERT, message: ["LONG"] }, ["message invalid_field"]],
    ["with an object for a source", { ...ALERT, source: {} }, ["source invalid_field"]],
    ["with a uid without end", { ...ALERT, uid: "x".repeat(257) }, ["uid invalid_field"]],
  ])("%s", (_, alert, faults) => {
    expect(faultsOf(JSON.parse(JSON.stringify(alert)) as Members)).toEqual(faults);
  });

  it("with lists nested too deep for JSON.stringify", () => {
    const deep = parseObject(`{"a": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
    expect(faultsOf({ ...ALERT, ...deep })).toEqual(["a invalid_field"]);
  });

  it("with more fields than the limit, but not with just as many", () => {
    const extra = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]));
    expect(faultsOf({ ...ALERT, ...extra(FIELDS_MAX - 3) })).toEqual([]);
    expect(faultsOf({ ...ALERT, ...extra(FIELDS_MAX - 2) })).toEqual([" invalid_field"]);
  });
});

it.each(["", "x", "null", "1", '"text"', "[]", '[{"a":1}]', "{", '{"a":1}}', "{'a':1}"])(
  "%j is not the JSON of an object",
  (text) => {
    expect(parseObject(text)).toBeUndefined();
  },
);

const member = fc.oneof(
  fc.constantFrom(
    "message",
    "symbol",
    "bar_time",
    "time",
    "sent_at",
    "received_at",
    "source",
    "uid",
    "secret",
  ),
  fc.constantFrom("__proto__", "constructor", "", "x", `a${SECRET}`),
);
const value = fc.oneof(
  fc.constantFrom<unknown>(...Object.values(ALERT), SECRET, `x${SECRET}y`, "", null, 1_736_941_500, "soon"),
  fc.jsonValue(),
);

it("whatever the alert: what is accepted is a valid signal in routing, and does not contain the secret", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(member, value), { maxLength: 12 }), fc.boolean(), (pairs, whole) => {
      const members = [...pairs, ...(whole ? Object.entries(ALERT) : [])];
      const text = `{${members.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join()}}`;
      const answer = read(parseObject(text) ?? {});
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      if (answer.status === "refused") {
        expect(answer.faults).not.toEqual([]);
        return;
      }
      const routed = parseSignal({ id: `${NOW + 50}-7`, fields: answer.fields }, NOW + 100);
      expect(routed).toMatchObject({ status: "valid", signal: { uid: answer.uid } });
    }),
    { numRuns: 500 },
  );
});
