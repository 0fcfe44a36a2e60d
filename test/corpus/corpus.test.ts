import * as fc from "fast-check";
import { expect, test } from "vitest";
import { secretVariableOf } from "../../shared/config/source-secrets.ts";
import { useHttpApp } from "../runner/http/http-fixture.ts";
import { entriesIn } from "../servers/redis-contents.ts";
import { outcomeOf, type CorpusOutcome } from "./corpus-outcome.ts";
import { corpusReference } from "./corpus-reference.ts";
import { bytesOf, corpusRows, signalsOf, type CorpusRow, type CorpusSignal } from "./corpus-rows.ts";

const ROWS = corpusRows();
const SOURCES = [...new Set(ROWS.map(({ to }) => to))];
const secretOf = (source: string): string => `the-secret-of-${source}`;
const variableOf = (source: string): string =>
  source === "tradingview" ? "WEBHOOK_SECRET" : secretVariableOf(source);
const http = useHttpApp({
  rows: corpusReference,
  settings: Object.fromEntries(SOURCES.map((source) => [variableOf(source), secretOf(source)])),
});
const NAMES = [
  "message",
  "symbol",
  "time",
  "bar_time",
  "sent_at",
  "uid",
  "source",
  "qty",
  "action",
  "ticker",
];

test("what people send becomes what the table says", async () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(40);
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
  const answers = new Map<string, Answer>();
  for (const row of ROWS) answers.set(row.name, await answerTo(row));
  const { redis, keys, events } = http.services;
  const entries = await entriesIn(redis, keys.stream("signals_stream"));
  const outcomes = new Map(entries.map(({ id, fields }) => [id, outcomeOf(fields)]));
  const outcomesOf = (name: string): CorpusOutcome[] =>
    answers.get(name)?.entries.flatMap((id) => outcomes.get(id) ?? []) ?? [];

  for (const row of ROWS) {
    const answer = answers.get(row.name);
    expect.soft(answer?.status, labelOf(row, answer)).toBe(row.becomes.status);
    if (answer?.status !== row.becomes.status) continue;
    const signals = signalsOf(row);
    if (signals === undefined) expectRefusal(row, answer);
    else expect.soft(outcomesOf(row.name), labelOf(row)).toHaveLength(signals.length);
    for (const [n, signal] of signals?.entries() ?? [])
      expectOutcome(row, signal, outcomesOf(row.name)[n], outcomesOf);
  }

  // Every refusal is an event, which says the same.
  await events.flush(5_000);
  const refusals = (await http.fieldsIn("system_events")).filter(({ source }) => source === "webhook");
  const refused = ROWS.map(({ name, to }) => ({ ...answers.get(name), to })).filter(
    ({ code }) => code !== undefined,
  );
  expect(refusals.map(({ message }) => message)).toEqual(
    refused.map(({ status, detail, to }) => {
      const what = to === "tradingview" ? "alert" : `alert to ${to}`;
      return `${what} refused with ${status}: ${detail}`.replaceAll("\0", "\uFFFD");
    }),
  );
  expect(entries.length).toBe([...answers.values()].flatMap((answer) => answer.entries).length);
});

test("no body, whatever its bytes, is answered with a fault of the router's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SOURCES), anyBody, async (to, body) => {
      const response = await http.app.request(pathOf(to), { method: "POST", body });
      expect([202, 400, 404, 413, 422]).toContain(response.status);
    }),
    { numRuns: 200 },
  );
});

/** Bytes, JSON of any kind, objects with the names of an alert, and bodies of the corpus with a piece of them replaced. */
const anyBody: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc
  .oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json(),
    fc
      .dictionary(fc.constantFrom(...NAMES), fc.jsonValue({ maxDepth: 2 }))
      .map((value) => JSON.stringify(value)),
    fc
      .tuple(
        fc.constantFrom(...ROWS),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 20 }),
        fc.string(),
      )
      .map(([row, part, length, text]) => {
        const body = Buffer.from(bytesOf(row)).toString("latin1");
        const at = Math.floor(part * body.length);
        return body.slice(0, at) + text + body.slice(at + length);
      }),
  )
  .map((body) => Uint8Array.from(Buffer.from(body)));

interface Answer {
  readonly status: number;
  /** Ids in `signals_stream`. */
  readonly entries: readonly string[];
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
}

async function answerTo(row: CorpusRow): Promise<Answer> {
  const headers: Record<string, string> = row.type === undefined ? {} : { "content-type": row.type };
  const request = { method: "POST", headers, body: bytesOf(row) };
  const response = await http.app.request(pathOf(row.to), request);
  const answer: unknown = await response.json();
  const all = [answer].flat() as readonly Partial<Answer & { readonly entry_id: string }>[];
  return { ...all[0], status: response.status, entries: all.flatMap(({ entry_id: id }) => id ?? []) };
}

const pathOf = (source: string): string => `/webhooks/${source}/${secretOf(source)}`;

function expectOutcome(
  row: CorpusRow,
  becomes: CorpusSignal,
  outcome: CorpusOutcome | undefined,
  outcomesOf: (name: string) => readonly CorpusOutcome[],
): void {
  const { decision, symbol, direction = null, side = null, tasks, extra, ignored, fields, detail } = becomes;
  const uid = becomes.uid ?? outcome?.uid;
  expect
    .soft(outcome, labelOf(row))
    .toMatchObject({ decision, symbol, direction, side, tasks, ignored, fields, detail, uid });
  // Of what comes along, nothing more and in this order.
  expect.soft(Object.entries(outcome?.extra ?? {}), labelOf(row)).toEqual(Object.entries(extra));
  for (const [name, isSame] of [
    [becomes.same_signal_as, true],
    [becomes.another_signal_than, false],
  ] as const) {
    if (name === undefined) continue;
    const [other] = outcomesOf(name);
    const shared = outcome?.uids.filter((one) => other?.uids.includes(one)) ?? [];
    expect.soft([name, other !== undefined, shared.length > 0], labelOf(row)).toEqual([name, true, isSame]);
  }
}

function expectRefusal(row: CorpusRow, { code, detail, hint, issues = [] }: Answer): void {
  if (!("code" in row.becomes)) return;
  const { at = "", says } = row.becomes;
  const said = [detail, hint, ...issues.map(({ path, message }) => `${path}: ${message}`)].join("\n");
  expect.soft(code, labelOf(row)).toBe(row.becomes.code);
  for (const part of [at, ...says]) expect.soft(said, labelOf(row)).toContain(part);
}

function labelOf({ group, name }: CorpusRow, answer?: Answer): string {
  return answer === undefined ? `${group}: ${name}` : `${group}: ${name}: ${JSON.stringify(answer)}`;
}
