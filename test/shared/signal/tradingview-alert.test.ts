import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactJson } from "../../../shared/exact-json.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import {
  FIELDS_MAX,
  parseObject,
  readAlert,
  type IntakeAnswer,
  type Members,
} from "../../../shared/signal/tradingview-alert.ts";
import { NOW } from "../../builders.ts";

const SECRET = "s3cret-value";
const ALERT = { message: "EMA_CROSS_LONG", symbol: "BTCUSDT.P", time: "2025-01-15T11:45:00Z" };

const readText = (text: string) =>
  readAlert(parseObject(text) ?? {}, {
    redact: (given: string) => given.replaceAll(SECRET, "***"),
    now: NOW,
    source: "tradingview",
  });
const read = (alert: Members) => readText(exactJson(alert));

function fieldsOf(answer: IntakeAnswer) {
  if (answer.status === "refused") throw new Error(JSON.stringify(answer.faults));
  return answer.fields;
}
const fieldsOfAlert = (alert: Members) => fieldsOf(read(alert));
/** The fields of an alert with more members, as JSON. */
const fieldsWith = (members: string) =>
  fieldsOf(readText(`${JSON.stringify(ALERT).slice(0, -1)}, ${members}}`));

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
    const fields = fieldsOf(
      readText(
        `{"__proto__": "a", "constructor": {"b": 1}, "toString": "c", "": "d", ${JSON.stringify(ALERT).slice(1)}`,
      ),
    );
    expect(Object.entries(fields).slice(0, 4)).toEqual([
      ["__proto__", "a"],
      ["constructor", '{"b":1}'],
      ["toString", "c"],
      ["", "d"],
    ]);
  });
});

describe("a number keeps its digits", () => {
  it.each([
    "9007199254740993",
    "-0",
    "1.10",
    "1e400",
    "1E-7",
    "0.1234567890123456789",
    "123456789012345678901234567890",
  ])("%s", (digits) => {
    const fields = fieldsWith(`"uid": ${digits}, "order_id": ${digits}, "deep": [{"id": ${digits}}]`);
    expect(fields).toMatchObject({ uid: digits, order_id: digits, deep: `[{"id":${digits}}]` });
  });

  it("so that two uids which JavaScript takes for one are two", () => {
    const uids = ["9007199254740992", "9007199254740993"].map((uid) =>
      read(parseObject(`{"uid": ${uid}, ${JSON.stringify(ALERT).slice(1)}`) ?? {}),
    );
    expect(uids).toMatchObject([
      { signal: { uid: "9007199254740992" } },
      { signal: { uid: "9007199254740993" } },
    ]);
  });

  it("and is a time where one is expected, however it is written", () => {
    const times = ["1736941500", "1736941500000", "1.7369415e9", "1.7369415E+12", "1736941500.0"];
    const barTimes = times.map((time) => {
      const { time: _, ...rest } = ALERT;
      const answer = readText(`{"time": ${time}, ${JSON.stringify(rest).slice(1)}`);
      const parsed = parseSignal({ id: `${NOW}-0`, fields: fieldsOf(answer) }, NOW);
      return parsed.status === "valid" ? parsed.signal.barTime : parsed.faults;
    });
    expect(barTimes).toEqual(times.map(() => 1_736_941_500_000));
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
    ["with a placeholder for a uid", { ...ALERT, uid: "{{strategy.order.id}}" }, ["uid invalid_field"]],
    ["with a uid without end", { ...ALERT, uid: "x".repeat(257) }, ["uid invalid_field"]],
  ])("%s", (_, alert, faults) => {
    expect(faultsOf(alert)).toEqual(faults);
  });

  it("with more fields than the limit, but not with just as many", () => {
    const extra = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]));
    expect(faultsOf({ ...ALERT, ...extra(FIELDS_MAX - 3) })).toEqual([]);
    expect(faultsOf({ ...ALERT, ...extra(FIELDS_MAX - 2) })).toEqual([" invalid_field"]);
  });
});

it.each(["[".repeat(262_144), '{"a":'.repeat(50_000), `{"a":${"[".repeat(500)}${"]".repeat(500)}}`])(
  "what is nested too deep is not read: %.10s…",
  (text) => {
    expect(parseObject(text)).toBeUndefined();
  },
);

it.each(["", "x", "null", "1", "1e400", '"text"', "[]", '[{"a":1}]', "{", '{"a":1}}', "{'a':1}"])(
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
      const answer = readText(text);
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      if (answer.status === "refused") {
        expect(answer.faults).not.toEqual([]);
        return;
      }
      const routed = parseSignal({ id: `${NOW + 50}-7`, fields: answer.fields }, NOW + 100);
      expect(routed).toMatchObject({ status: "valid", signal: { uid: answer.signal.uid } });
    }),
    { numRuns: 500 },
  );
});
