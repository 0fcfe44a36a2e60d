import { describe, expect, it } from "vitest";
import type { WebhookSource } from "../../shared/reference/webhook-source.ts";
import { sourceFaults } from "../../shared/source-faults.ts";
import { parseTemplate, pathText } from "../../shared/source-template.ts";

const GOOD = {
  enabled: true,
  format: "json",
  template: {
    message: { from: "{{side}}", map: { buy: "EMA_CROSS_LONG", sell: "EMA_CROSS_SHORT" } },
    symbol: "{{pair.base}}{{pair.quote}}",
    time: "{{time}}",
    quantity: { from: "{{legs.0.qty}}", default: "1" },
  },
  uid: "{{order_id}} {{time}}",
} satisfies WebhookSource;

const faultsOf = (source: Partial<WebhookSource>, name?: string) =>
  sourceFaults({ ...GOOD, ...source }, name).map(({ path, message }) => `${path}: ${message}`);
const withField = (template: WebhookSource["template"]) => ({ template: { ...GOOD.template, ...template } });

it("nothing is wrong with a good source", () => {
  expect(faultsOf({}, "bot")).toEqual([]);
  expect(faultsOf(withField({ '"odd" name': '{{["a.b"]["}}"][0]}}' }))).toEqual([]);
});

describe("what is wrong with a source is said:", () => {
  const { symbol, time, message } = GOOD.template;
  it.each<[string, Partial<WebhookSource>, RegExp]>([
    ["no message", { template: { symbol, time } }, /^template\.message: is missing/],
    ["no symbol", { template: { message, time } }, /^template\.symbol: is missing/],
    ["the router's own fields", withField({ received_at: "{{t}}" }), /^template\.received_at: is set by the/],
    ["a uid in the template", withField({ uid: "{{id}}" }), /^template\.uid: .*source's own `uid`/],
    ["a name nearly the router's", withField({ "sent-At": "{{t}}" }), /^template\.sent-At: .*sent_at/],
    ["{{ without }}", withField({ price: "{{price" }), /^template\.price: it has {{ without }}/],
    ["}} without {{", withField({ price: "price}}" }), /^template\.price: it has }} without {{/],
    ["no path", withField({ price: "{{}}" }), /^template\.price: it has {{}} without a path/],
    ["a path that is none", withField({ price: "{{a..b}}" }), /^template\.price: .*which is no path/],
    [
      "a map of nothing",
      withField({ x: { from: "y", map: { a: "b" } } }),
      /^template\.x\.map: .*nothing to map/,
    ],
    ["an empty map", withField({ x: { from: "{{y}}", map: {} } }), /^template\.x\.map: is empty/],
    [
      "two of one",
      withField({ x: { from: "{{y}}", map: { a: "b", A: "c" } } }),
      /^template\.x\.map: .*twice/,
    ],
    ["a path in a map", withField({ x: { from: "{{y}}", map: { a: "{{b}}" } } }), /^template\.x\.map\.a: /],
    ["a default that never counts", withField({ x: { from: "y", default: "z" } }), /never counts/],
    ["a path in a default", withField({ x: { from: "{{y}}", default: "{{z}}" } }), /^template\.x\.default: /],
    [
      "one time for all",
      withField({ time: "2026-01-05T10:00:00Z" }),
      /^template\.time: is the same in every/,
    ],
    [
      "a time by default",
      withField({ time: { from: "{{t}}", default: "2026-01-05" } }),
      /time\.default: is the/,
    ],
    ["two times", withField({ bar_time: "{{time}}" }), /^template\.time: bar_time means the same/],
    ["one uid for all", { uid: "order" }, /^uid: has no {{path}}/],
    ["a broken uid", { uid: "{{order" }, /^uid: it has {{ without }}/],
    ["a secret", withField({ note: "{{secret}}" }), /^template\.note: .*never given away/],
    ["a path in a form", { format: "form", template: { message, symbol: "{{a.b}}", time } }, /\["a\.b"\]/],
    ["JSON in a text", { format: "text", template: { message: "{{lines.x}}", symbol, time } }, /lines\.0/],
  ])("%s", (_, source, expected) => {
    expect(faultsOf(source)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
  });

  it("neither a time nor a uid", () => {
    const { uid: _, ...withoutUid } = GOOD;
    const faults = sourceFaults({ ...withoutUid, template: { message, symbol } });
    expect(faults).toEqual([{ path: "template.time", message: expect.stringContaining("traded twice") }]);
    expect(sourceFaults({ ...withoutUid, template: { message, symbol }, uid: "{{id}}" })).toEqual([]);
  });

  it("the name of a built-in one", () => {
    expect(faultsOf({}, "text")).toEqual(["name: text is a built-in source: expected another name"]);
  });
});

it.each([
  ["{{a}}", [{ path: ["a"] }]],
  ["x {{ a.0.b-c }}:{{ä}}", [{ text: "x " }, { path: ["a", "0", "b-c"] }, { text: ":" }, { path: ["ä"] }]],
  ['{{["a \\"b"].c[2]["}}"]}}', [{ path: ['a "b', "c", "2", "}}"] }]],
  ["{a} {", [{ text: "{a} {" }]],
  ["", []],
])("the parts of %s", (text, parts) => {
  expect(parseTemplate(text)).toEqual({ ok: true, parts });
});

it("a path is written so that it is read again", () => {
  const path = ["a", "0", 'odd "name"', "b.c", "}}"];
  expect(parseTemplate(`{{${pathText(path)}}}`)).toEqual({ ok: true, parts: [{ path }] });
});
