import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReference, contentFromJson, contentJson } from "../../../shared/reference/build-reference.ts";
import { referenceRows, signalRow, tickerRow } from "../../builders.ts";
import { widerRows } from "../../wider-references.ts";

describe("the content of a version kept as JSON", () => {
  test("is read as it was, in the same order, whatever the order in JSON", () => {
    fc.assert(
      fc.property(widerRows, (rows) => {
        const { content } = buildReference(rows);
        const kept = JSON.parse(JSON.stringify(contentJson(content))) as Record<string, object>;
        const turned = Object.fromEntries(
          Object.entries(kept).map(([part, of]) => [
            part,
            Object.fromEntries(Object.entries(of).toReversed()),
          ]),
        );
        const back = contentFromJson(turned);
        expect(back).toStrictEqual(content);
        expect([...back.phrases.keys()]).toEqual([...content.phrases.keys()]);
      }),
    );
  });

  test("has every name, even __proto__", () => {
    const rows = referenceRows({
      tickers: [tickerRow("__proto__")],
      signals: [signalRow(1, { long_phrase: "__proto__" })],
    });
    const { content } = buildReference(rows);
    const back = contentFromJson(JSON.parse(JSON.stringify(contentJson(content))));
    expect(back).toStrictEqual(content);
    expect([...back.phrases.keys()]).toContain("__proto__");
  });

  test.each([
    null,
    [],
    {},
    { tickers: [], strategies: {}, strategy_signals: {} },
    { tickers: {}, strategies: { a: {} }, strategy_signals: {} },
  ])("is refused when it is %j", (json) => {
    expect(() => contentFromJson(json)).toThrow(/./);
  });
});
