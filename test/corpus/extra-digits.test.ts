import * as fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { processSignals } from "../../functions/process-signals.ts";
import type { Fields } from "../../shared/entry.ts";
import { BODY_FIELD, READ_FIELDS } from "../../shared/signal/extra.ts";
import { sourceFaults } from "../../shared/source-faults.ts";
import { defineStrategy } from "../../shared/strategy.ts";
import { readAlerts, type AlertReader } from "../../shared/webhook-source/read-alerts.ts";
import { contextFrom, effectsOf, entryFrom, NOW, recordIn, signalFields, snapshotFrom } from "../builders.ts";
import { runStrategy } from "../functions/strategies/run-strategy.ts";

/** What comes along with an alert is the same text in the record, in the task and in the hands of the strategy. */

const name = fc
  .oneof(
    fc.constantFrom("qty", "stop", "__proto__", "constructor", "1", "{{x}}"),
    fc.string({ maxLength: 12 }),
  )
  .filter((one) => !READ_FIELDS.has(one) && one !== "secret" && one !== BODY_FIELD);
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

const along = fc.uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([one]) => one });

const OPTIONS = {
  redact: (one: string) => one,
  storedBody: (one: string) => one,
  now: NOW,
  arrivalTime: NOW,
  snapshot: snapshotFrom(),
};

/** The fields of the only alert in a body. */
function fieldsIn(body: string, source: AlertReader["source"]): Fields {
  const answer = readAlerts(body, { source }, { ...OPTIONS, source: "my-bot" });
  if (answer.status !== "accepted") throw new Error(JSON.stringify(answer));
  return answer.alerts[0]?.fields ?? {};
}

const objectOf = (members: readonly (readonly [string, string])[]): string =>
  `{${members.map(([one, json]) => `${JSON.stringify(one)}: ${json}`).join(", ")}}`;
const SIGNAL = Object.entries(signalFields()).map(([one, field]) => [one, JSON.stringify(field)] as const);

async function expectKept(fields: Fields, expected: ReadonlyMap<string, string>): Promise<void> {
  const [result] = processSignals([entryFrom(fields)], contextFrom());
  const { raw } = recordIn(effectsOf(result));
  const kept = Object.entries(raw).filter(([one]) => !READ_FIELDS.has(one) && one !== BODY_FIELD);
  expect(new Map(kept)).toEqual(expected);

  let received: object = {};
  const handler = defineStrategy({
    name: "keeps",
    params: z.object({}),
    run({ signal }) {
      received = signal.extra;
      return { status: "executed" };
    },
  });
  const { attempt } = await runStrategy(handler, { signal: fields });
  expect(attempt).toMatchObject({ status: "executed" });
  expect(new Map(Object.entries(received))).toEqual(expected);
}

test("keeps every digit and character of what comes along, from the body to the strategy", async () => {
  await fc.assert(
    fc.asyncProperty(along, async (members) => {
      const body = objectOf([...members.map(([one, [json]]) => [one, json] as const), ...SIGNAL]);
      await expectKept(fieldsIn(body, "tradingview"), new Map(members.map(([one, [, said]]) => [one, said])));
    }),
    { numRuns: 100 },
  );
});

test("keeps them through the template of a source, whatever the names in the body", async () => {
  await fc.assert(
    fc.asyncProperty(along, async (members) => {
      const data = objectOf(members.map(([one, [json]]) => [one, json] as const));
      const template: Record<string, string> = {};
      for (const [one] of SIGNAL) template[one] = `{{${one}}}`;
      for (const [n, [one]] of members.entries()) template[`along ${n}`] = `{{data[${JSON.stringify(one)}]}}`;
      const source = { enabled: true, format: "json", template } as const;
      expect(sourceFaults(source)).toEqual([]);
      await expectKept(
        fieldsIn(objectOf([["data", data], ...SIGNAL]), source),
        new Map(members.map(([, [, said]], n) => [`along ${n}`, said])),
      );
    }),
    { numRuns: 100 },
  );
});
