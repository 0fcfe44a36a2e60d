import { closest } from "fastest-levenshtein";
import { NAME_FIELD, type DocumentKind } from "../../../shared/reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { documentFromJson } from "../../../shared/reference-document/parse-document.ts";
import { normaliseSymbol } from "../../../shared/signal/signal.ts";
import { printable } from "../../../shared/text.ts";
import type { CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import { faultsText } from "./fault-text.ts";
import { assigned } from "./field-assignments.ts";
import { makeEdit, type ChangeOptions } from "./make-edit.ts";

/** `cli reference add`, `set` and `remove`: one row of the reference, the others as they are. */

export interface RowToEdit {
  readonly verb: "add" | "set" | "remove";
  readonly kind: DocumentKind;
  readonly name: string;
  /** `field=value` */
  readonly typed: readonly string[];
}

/** @throws CliError when there is no such row, or there is one already, or a value is not what is expected */
export async function editRow(row: RowToEdit, options: ChangeOptions, io: CommandIo): Promise<void> {
  await io.withEdits(async (edits) => {
    const { document: before, etag } = await edits.read();
    const document = changed(before, row);
    const isRemoval = row.verb === "remove";
    const what = `${ONE[row.kind]} ${printable(row.name)}`;
    await makeEdit(
      {
        run: async (how) =>
          edits.apply({
            ...how,
            document,
            prune: false,
            removes: isRemoval ? [{ kind: row.kind, name: row.name }] : [],
            kind: "edit",
          }),
        etag,
        ...(isRemoval ? { removes: `Remove ${what}, as listed?` } : {}),
      },
      options,
      io,
    );
  });
}

const ONE = { tickers: "ticker", signals: "signal", strategies: "strategy" } as const;

function changed(document: ReferenceDocument, { verb, kind, name, typed }: RowToEdit): ReferenceDocument {
  const rows: readonly object[] = document[kind];
  const names = rows.map((row) => String(Reflect.get(row, NAME_FIELD[kind])));
  const at = names.findIndex((one) => isSame(kind, one, name));
  if (verb === "add") {
    if (at !== -1) throw new CliError(`there is a ${ONE[kind]} ${printable(name)} already: use set`);
    return checked(document, {
      ...document,
      [kind]: [...rows, assigned(kind, { [NAME_FIELD[kind]]: name }, typed)],
    });
  }
  const [row, old] = [rows[at], names[at]];
  if (row === undefined || old === undefined) {
    const near = names.length === 0 ? "" : `: did you mean ${printable(closest(name, names))}?`;
    throw new CliError(`there is no ${ONE[kind]} ${printable(name)}${near}`);
  }
  if (verb === "remove") {
    refuseListed(document, kind, old);
    return { ...document, [kind]: rows.toSpliced(at, 1) };
  }
  const next = assigned(kind, row, typed);
  const nextName: unknown = Reflect.get(next, NAME_FIELD[kind]);
  const isRenamed = typeof nextName === "string" && nextName !== old;
  const whole = { ...document, [kind]: rows.with(at, isRenamed ? { ...next, was: old } : next) };
  return checked(document, isRenamed ? relisted(whole, kind, { old, name: nextName }) : whole);
}

function isSame(kind: DocumentKind, one: string, other: string): boolean {
  return kind === "tickers" ? normaliseSymbol(one) === normaliseSymbol(other) : one === other;
}

function refuseListed({ strategies }: ReferenceDocument, kind: DocumentKind, name: string): void {
  if (kind !== "signals") return;
  const listing = strategies.filter(({ signals }) => signals.includes(name)).map((one) => one.name);
  if (listing.length > 0)
    throw new CliError(
      printable(
        `signal ${name} is subscribed to by ${listing.join(", ")}: take it out first, such as: reference set strategy "${listing[0]}" signals-="${name}"`,
      ),
    );
}

interface Rename {
  readonly old: string;
  readonly name: string;
}

/** Strategies list the row under its new name. */
function relisted(document: ReferenceDocument, kind: DocumentKind, { old, name }: Rename): ReferenceDocument {
  const renamed = (list: readonly string[]): readonly string[] =>
    list.map((one) => (isSame(kind, one, old) ? name : one));
  return {
    ...document,
    strategies: document.strategies.map((strategy) => {
      if (kind === "signals") return { ...strategy, signals: renamed(strategy.signals) };
      if (kind !== "tickers" || strategy.tickers === "all") return strategy;
      return { ...strategy, tickers: renamed(strategy.tickers) };
    }),
  };
}

/** The document as it is read, with defaults. Faults that other rows had before do not stop the change of this one. */
function checked(before: ReferenceDocument, after: unknown): ReferenceDocument {
  const read = documentFromJson(after);
  if (read.ok) return read.document;
  const old = documentFromJson(before);
  const known = new Set(old.ok ? [] : old.faults.map(({ message }) => message));
  const faults = read.faults.filter(({ message }) => !known.has(message));
  throw new CliError(
    `nothing was changed:\n${faultsText(faults.length > 0 ? faults : read.faults, undefined)}`,
  );
}
