import * as fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { processSignals } from "../../functions/process-signals.ts";
import { READ_FIELDS } from "../../shared/signal/extra.ts";
import { parseObject, readAlert } from "../../shared/signal/tradingview-alert.ts";
import { defineStrategy } from "../../shared/strategy.ts";
import { contextFrom, effectsOf, entryFrom, NOW, recordIn, signalFields } from "../builders.ts";
import { runStrategy } from "../functions/strategies/run-strategy.ts";

/** What comes along with an alert is the same text in the record, in the task and in the hands of the strategy. */

const name = fc
  .oneof(
    fc.constantFrom("qty", "stop", "__proto__", "constructor", "1", "{{x}}"),
    fc.string({ maxLength: 12 }),
  )
  .filter((one) => !READ_FIELDS.has(one) && one !== "secret");
const text = fc
  .string({ unit: "binary", maxLength: 40 })
  .filter((one) => one.isWellFormed() && one.trim() !== "" && !one.includes("\0"));
const digits = (lengthMax: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: lengthMax }).map((all) => all.join(""));
/** A number of JSON as it may be written, also one that JavaScript has no room for. */
const number = fc
  .tuple(
    fc.constantFrom("", "-"),
    fc.integer({ min: 1, max: 9 }),
    digits(30),
    digits(30),
    fc.constantFrom("", "e7", "E-09"),
  )
  .map(([sign, first, more, fraction, exponent]) => `${sign}${first}${more}.${fraction}${exponent}`);

/** A value as it stands in the body, and the text that it is. */
const value = fc.oneof(
  text.map((one): [string, string] => [JSON.stringify(one), one]),
  number.map((one): [string, string] => [one, one]),
);

test("keeps every digit and character of what comes along, from the body to the strategy", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([one]) => one }),
      async (members) => {
        const alert = Object.entries(signalFields()).map(
          ([one, field]) => `${JSON.stringify(one)}: ${JSON.stringify(field)}`,
        );
        const along = members.map(([one, [json]]) => `${JSON.stringify(one)}: ${json}`);
        const body = `{${[...along, ...alert].join(", ")}}`;
        const read = readAlert(parseObject(body) ?? {}, {
          redact: (one) => one,
          now: NOW,
          source: "tradingview",
        });
        if (read.status === "refused") throw new Error(JSON.stringify(read.faults));

        const expected = new Map(members.map(([one, [, said]]) => [one, said]));
        const [result] = processSignals([entryFrom(read.fields)], contextFrom());
        const { raw } = recordIn(effectsOf(result));
        expect(new Map(Object.entries(raw).filter(([one]) => !READ_FIELDS.has(one)))).toEqual(expected);

        let received: object = {};
        const handler = defineStrategy({
          name: "keeps",
          params: z.object({}),
          run({ signal }) {
            received = signal.extra;
            return { status: "executed" };
          },
        });
        const { attempt } = await runStrategy(handler, { signal: read.fields });
        expect(attempt).toMatchObject({ status: "executed" });
        expect(new Map(Object.entries(received))).toEqual(expected);
      },
    ),
    { numRuns: 200 },
  );
});
