import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { EditOptions } from "../../../../shared/io/reference-edits/edit.ts";
import { referenceEditsOn } from "../../../../shared/io/reference-edits/reference-edits.ts";
import { exchangesIn } from "../../../../shared/reference-document/document-of-rows.ts";
import type { ReferenceDocument } from "../../../../shared/reference-document/document.ts";
import { formatDocument } from "../../../../shared/reference-document/format-document.ts";
import { parseDocument } from "../../../../shared/reference-document/parse-document.ts";
import { NO_USE } from "../../../../shared/reference-document/removals.ts";
import { aliasOf, symbolsAmong } from "../../../../shared/reference-document/ticker-symbols.ts";
import { documentWithoutRenames } from "../../reference-document/any-document.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";

/** What a database holds after a file was applied, whatever the file. */

const [kind] = databaseKinds.filter((each) => each.kind === "pg");
if (kind === undefined) throw new Error("no database of kind pg");
const db = migratedDatabase(kind);
const edits = referenceEditsOn(db, {
  useOf: async (ids) => new Map(ids.map((id) => [id, NO_USE])),
});
const HOW: EditOptions = { by: "ann", reason: null, dryRun: false, agreed: true };

const exported = async (): Promise<string> => formatDocument((await edits.read()).document, "yaml");

async function emptied(): Promise<void> {
  await db.query(
    "TRUNCATE tickers, signals, strategies, strategy_signals, strategy_tickers, ticker_aliases, webhook_sources, reference_changes RESTART IDENTITY",
  );
}

/** Rows and lists have no order of their own, and a symbol has one spelling. */
function asSets({ tickers, signals, strategies, aliases = [], sources = [] }: ReferenceDocument) {
  const symbolOf = symbolsAmong(tickers.map(({ symbol }) => symbol));
  // A text of white space alone is none.
  const textOf = (text: string | null): string | null => (text?.trim() === "" ? null : text);
  const sets = {
    tickers: tickers.map((row) => ({
      ...row,
      symbol: symbolOf(row.symbol),
      exchanges: exchangesIn(row.exchanges),
    })),
    signals: signals.map((row) => ({
      ...row,
      long_phrase: textOf(row.long_phrase),
      short_phrase: textOf(row.short_phrase),
      exit_phrase: textOf(row.exit_phrase),
      long_exit_phrase: textOf(row.long_exit_phrase),
      short_exit_phrase: textOf(row.short_exit_phrase),
    })),
    strategies: strategies.map(({ params, ...row }) => ({
      ...row,
      params: unordered(params),
      signals: row.signals.toSorted(),
      tickers: row.tickers === "all" ? "all" : row.tickers.map(symbolOf).toSorted(),
    })),
    aliases: aliases.map((row) => ({ alias: aliasOf(row.alias), symbol: symbolOf(row.symbol) })),
    sources: sources.map(({ template, ...row }) => ({ ...row, template: unordered(template) })),
  };
  return Object.values(sets).map((rows) => rows.map((row) => JSON.stringify(byName(row))).toSorted());
}

/** The order of members decides nothing. */
function unordered(json: object): string {
  return JSON.stringify(json, (_, value: unknown) => (isPlain(value) ? byName(value) : value));
}

function byName(value: object): unknown[] {
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const mutation = fc.record({
  at: fc.nat({ max: 100_000 }),
  removed: fc.nat({ max: 12 }),
  piece: fc.constantFrom(
    "",
    "\n",
    ":",
    "-",
    '"',
    "a",
    "0",
    "no",
    "null",
    "\n  - ",
    ": ",
    "false",
    "true",
    "[]",
  ),
});

test("a mutated file is refused whole, or leaves exactly that reference, which is exported as the same file", async () => {
  let applied = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      documentWithoutRenames,
      fc.array(mutation, { maxLength: 2 }),
      async (document, mutations) => {
        let text = formatDocument(document, "yaml");
        for (const { at, removed, piece } of mutations) {
          const from = at % text.length;
          text = text.slice(0, from) + piece + text.slice(from + removed);
        }
        const parsed = parseDocument(text);
        if (!parsed.ok) return;
        const before = await exported();
        // Lists that a file lacks prune nothing.
        const wanted = { aliases: [], sources: [], ...parsed.document };
        const answer = await edits.apply({ ...HOW, document: wanted, prune: true, kind: "apply" });
        if (answer.status === "refused") {
          refused += 1;
          expect(answer.faults.length).toBeGreaterThan(0);
          expect(await exported()).toBe(before);
          return;
        }
        applied += 1;
        expect(["done", "unchanged"]).toContain(answer.status);
        expect(asSets((await edits.read()).document)).toEqual(asSets(wanted));
        const file = await exported();
        await emptied();
        const again = parseDocument(file);
        if (!again.ok) throw new Error("what was exported cannot be read");
        await edits.apply({ ...HOW, document: again.document, prune: false, kind: "apply" });
        expect(await exported()).toBe(file);
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
  expect(applied).toBeGreaterThan(10);
  expect(applied + refused).toBeGreaterThan(20);
});
