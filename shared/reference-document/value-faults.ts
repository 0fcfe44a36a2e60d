import { REFERENCE_COLUMNS, type Column } from "../reference/row-columns.ts";
import { AGE_MS_MAX, NAME_BYTES_MAX } from "./document-fields.ts";
import type { DocumentFault, ReferenceDocument } from "./document.ts";
import { faultsOfSource } from "./source-checks.ts";

/** Values of a document that the tables or the router would refuse, each with its place. */
export function valueFaults(
  { tickers, signals, strategies, aliases = [], sources = [] }: ReferenceDocument,
  { mayBeEmpty }: { readonly mayBeEmpty: boolean },
): DocumentFault[] {
  const count = tickers.length + signals.length + strategies.length + aliases.length + sources.length;
  if (count === 0 && !mayBeEmpty) return [EMPTY];
  return [
    ...tickers.flatMap((ticker, at) => {
      const exchanges = ticker.exchanges === "*" ? ["*"] : ticker.exchanges;
      return faultsIn(`tickers[${at}]`, { ...ticker, exchanges }, REFERENCE_COLUMNS.tickers);
    }),
    ...signals.flatMap((signal, at) => [
      ...faultsIn(`signals[${at}]`, signal, REFERENCE_COLUMNS.signals),
      ...blank(`signals[${at}].name`, signal.name),
      ...unstorable(`signals[${at}].source`, signal.source),
    ]),
    ...sources.flatMap((source, at) =>
      faultsOfSource(source).map(({ path, message }) => ({ path: `sources[${at}].${path}`, message })),
    ),
    ...strategies.flatMap((strategy, at) => [
      ...faultsIn(`strategies[${at}]`, strategy, REFERENCE_COLUMNS.strategies),
      ...blank(`strategies[${at}].name`, strategy.name),
      ...blank(`strategies[${at}].handler`, strategy.handler),
      ...tooLarge(`strategies[${at}].signal_age_ms_max`, strategy.signal_age_ms_max),
      ...tooLarge(`strategies[${at}].exit_age_ms_max`, strategy.exit_age_ms_max),
      ...(strategy.tickers === "all" ? [] : strategy.tickers).flatMap((symbol, index) =>
        faultsIn(`strategies[${at}].tickers[${index}]`, { symbol }, REFERENCE_COLUMNS.tickers, ""),
      ),
    ]),
  ];
}

const EMPTY: DocumentFault = {
  path: "",
  message:
    "the document is empty: it has no tickers, signals, strategies, aliases and sources. To stop trading, disable or archive strategies, or pause them",
};

function faultsIn(
  path: string,
  entry: object,
  columns: Readonly<Record<string, Column<unknown>>>,
  suffix?: string,
): DocumentFault[] {
  return Object.entries(entry).flatMap(([name, value]: [string, unknown]) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined || column.read(value) !== undefined) return [];
    return [{ path: `${path}${suffix ?? `.${name}`}`, message: `expected ${column.expected}` }];
  });
}

function blank(path: string, text: string): DocumentFault[] {
  if (text.trim() === "") return [{ path, message: "it is empty: expected text" }];
  return Buffer.byteLength(text) <= NAME_BYTES_MAX
    ? []
    : [{ path, message: `it is longer than ${NAME_BYTES_MAX} bytes: make it shorter` }];
}

function unstorable(path: string, text: string | null): DocumentFault[] {
  return text === null || (!text.includes("\0") && text.isWellFormed())
    ? []
    : [{ path, message: "it has characters that Postgres cannot store: remove them" }];
}

function tooLarge(path: string, value: number | null): DocumentFault[] {
  return value === null || value <= AGE_MS_MAX
    ? []
    : [{ path, message: `${value} is too large: expected at most ${AGE_MS_MAX}` }];
}
