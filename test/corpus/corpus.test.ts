import * as fc from "fast-check";
import { expect, test } from "vitest";
import { useHttpApp } from "../runner/http/http-fixture.ts";
import { entriesIn } from "../servers/redis-contents.ts";
import { outcomeOf, type CorpusOutcome } from "./corpus-outcome.ts";
import { corpusReference } from "./corpus-reference.ts";
import { bytesOf, corpusRows, isAcceptedRow, type AcceptedRow, type CorpusRow } from "./corpus-rows.ts";

const SECRET = "a-secret-for-tests";
const http = useHttpApp({ rows: corpusReference, settings: { WEBHOOK_SECRET: SECRET } });
const ROWS = corpusRows();
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
  const outcomeNamed = (name: string): CorpusOutcome | undefined =>
    outcomes.get(answers.get(name)?.entry_id ?? "");

  for (const row of ROWS) {
    const answer = answers.get(row.name);
    expect.soft(answer?.status, labelOf(row, answer)).toBe(row.becomes.status);
    if (answer?.status !== row.becomes.status) continue;
    if (isAcceptedRow(row.becomes)) expectOutcome(row, row.becomes, outcomeNamed);
    else expectRefusal(row, answer);
  }

  // Every refusal is an event, which says the same.
  await events.flush(5_000);
  const refusals = (await http.fieldsIn("system_events")).filter(({ source }) => source === "webhook");
  const refused = [...answers.values()].filter(({ status }) => status !== 202);
  expect(refusals.map(({ message }) => message)).toEqual(
    refused.map(({ status, detail }) => `alert refused with ${status}: ${detail}`.replaceAll("\0", "\uFFFD")),
  );
  expect(entries.length).toBe(ROWS.length - refused.length);
});

test("no body, whatever its bytes, is answered with a fault of the router's", async () => {
  const webhooks = [...new Set(ROWS.map(({ to }) => to))];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...webhooks), anyBody, async (to, body) => {
      const response = await http.app.request(`/webhooks/${to}/${SECRET}`, { method: "POST", body });
      expect([400, 413, 422, 202]).toContain(response.status);
    }),
    { numRuns: 300 },
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
  readonly entry_id?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
}

async function answerTo(row: CorpusRow): Promise<Answer> {
  const headers: Record<string, string> = row.type === undefined ? {} : { "content-type": row.type };
  const request = { method: "POST", headers, body: bytesOf(row) };
  const response = await http.app.request(`/webhooks/${row.to}/${SECRET}`, request);
  return { ...((await response.json()) as object), status: response.status };
}

function expectOutcome(
  row: CorpusRow,
  becomes: AcceptedRow,
  outcomeNamed: (name: string) => CorpusOutcome | undefined,
): void {
  const outcome = outcomeNamed(row.name);
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
    const other = outcomeNamed(name);
    const shared = outcome?.uids.filter((one) => other?.uids.includes(one)) ?? [];
    expect.soft([name, other !== undefined, shared.length > 0], labelOf(row)).toEqual([name, true, isSame]);
  }
}

function expectRefusal(row: CorpusRow, { code, detail, hint, issues = [] }: Answer): void {
  if (isAcceptedRow(row.becomes)) return;
  const { at = "", says } = row.becomes;
  const said = [detail, hint, ...issues.map(({ path, message }) => `${path}: ${message}`)].join("\n");
  expect.soft(code, labelOf(row)).toBe(row.becomes.code);
  for (const part of [at, ...says]) expect.soft(said, labelOf(row)).toContain(part);
}

function labelOf({ group, name }: CorpusRow, answer?: Answer): string {
  return answer === undefined ? `${group}: ${name}` : `${group}: ${name}: ${JSON.stringify(answer)}`;
}
