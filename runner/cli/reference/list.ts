import type { DocumentKind } from "../../../shared/reference-document/document-fields.ts";
import type { DocumentStrategy, ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { printableJson } from "../../../shared/text.ts";
import type { CommandIo } from "../command-io.ts";
import { textTable } from "../text-table.ts";
import { readReference } from "./read-reference.ts";
import { shownDocument } from "./shown-document.ts";

/** `cli reference list`: prints the rows of one kind, or of all. */
export async function listReference(
  kind: DocumentKind | undefined,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const { document } = await io.withRouter(readReference);
  const shown = shownDocument(document);
  if (json) {
    io.print(printableJson(kind === undefined ? shown : shown[kind]));
    return;
  }
  const kinds: readonly DocumentKind[] = kind === undefined ? ["tickers", "signals", "strategies"] : [kind];
  const tables = kinds.map((one) => {
    const rows = ROWS[one](shown);
    return rows.length === 0 ? `no ${one}` : textTable(TITLES[one], rows, io);
  });
  io.print(tables.join("\n\n"));
}

const TITLES: Readonly<Record<DocumentKind, readonly string[]>> = {
  tickers: ["ticker", "status", "trade permission"],
  signals: ["signal", "state", "long phrase", "short phrase", "source"],
  strategies: ["strategy", "state", "handler", "tickers", "signals", "params"],
};

const ROWS: Readonly<Record<DocumentKind, (document: ReferenceDocument) => readonly (readonly string[])[]>> =
  {
    tickers: ({ tickers }) =>
      tickers.map(({ symbol, status, trade_permission: permission }) => [symbol, status, permission]),
    signals: ({ signals }) =>
      signals.map(({ name, enabled, long_phrase: long, short_phrase: short, source }) => [
        name,
        enabled ? "enabled" : "disabled",
        long ?? "",
        short ?? "",
        source ?? "",
      ]),
    strategies: ({ strategies }) =>
      strategies.map((strategy) => [
        strategy.name,
        stateOf(strategy),
        strategy.handler,
        strategy.tickers === "all" ? "all" : namesText(strategy.tickers),
        namesText(strategy.signals),
        Object.keys(strategy.params).length === 0 ? "" : JSON.stringify(strategy.params),
      ]),
  };

/** Whether it gets tasks, and if not why not. */
function stateOf({ archived, enabled, shadow, allow_open: opens, reverse }: DocumentStrategy): string {
  if (archived) return "archived";
  if (!enabled) return "disabled";
  if (!opens && !reverse) return "may not open";
  if (shadow) return "shadow";
  return opens ? (reverse ? "opens, reverses" : "opens") : "reverses";
}

const NAMED_MAX = 4;

function namesText(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return `${names.slice(0, NAMED_MAX).join(", ")}${more}`;
}
