import type { DocumentKind } from "../../../shared/reference-document/document-fields.ts";
import type {
  DocumentSignal,
  DocumentSource,
  DocumentStrategy,
  ReferenceDocument,
} from "../../../shared/reference-document/document.ts";
import { printableJson } from "../../../shared/text.ts";
import type { CommandIo } from "../command-io.ts";
import { textTable } from "../text-table.ts";
import { readReference, refuseForeign } from "./read-reference.ts";
import { shownDocument } from "./shown-document.ts";

/** `cli reference list`: prints the rows of one kind, or of all. */
export async function listReference(
  kind: DocumentKind | undefined,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const { document, ...read } = await io.withRouter(readReference);
  if (kind !== undefined) refuseForeign(read, kind);
  const shown = shownDocument(document);
  if (json) {
    io.print(printableJson(kind === undefined ? shown : shown[kind]));
    return;
  }
  const kinds = kind === undefined ? read.kinds : [kind];
  const tables = kinds.map((one) => {
    const rows = ROWS[one](shown);
    return rows.length === 0 ? `no ${one}` : textTable(TITLES[one], rows, io);
  });
  io.print(tables.join("\n\n"));
}

const TITLES: Readonly<Record<DocumentKind, readonly string[]>> = {
  tickers: ["ticker", "status", "trade permission", "exchanges"],
  signals: ["signal", "state", "long phrase", "short phrase", "exits", "source"],
  strategies: ["strategy", "state", "handler", "tickers", "signals", "params"],
  aliases: ["alias", "ticker"],
  sources: ["source", "state", "format", "template", "uid"],
};

const ROWS: Readonly<Record<DocumentKind, (document: ReferenceDocument) => readonly (readonly string[])[]>> =
  {
    tickers: ({ tickers }) =>
      tickers.map(({ symbol, status, trade_permission: permission, exchanges }) => [
        symbol,
        status,
        permission,
        exchanges === null ? "" : exchanges === "*" ? "any" : namesText(exchanges),
      ]),
    signals: ({ signals }) =>
      signals.map(({ name, enabled, long_phrase: long, short_phrase: short, source, ...exits }) => [
        name,
        enabled ? "enabled" : "disabled",
        long ?? "",
        short ?? "",
        exitsText(exits),
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
    aliases: ({ aliases = [] }) => aliases.map(({ alias, symbol }) => [alias, symbol]),
    sources: ({ sources = [] }) =>
      sources.map(({ name, enabled, format, template, uid }) => [
        name,
        enabled ? "enabled" : "disabled",
        format,
        Object.entries(template).map(fieldText).join(", "),
        uid ?? "",
      ]),
  };

/** What a field of the signal is made from, and the texts of its map. */
function fieldText([name, rule]: readonly [string, DocumentSource["template"][string]]): string {
  if (typeof rule === "string") return `${name}: ${rule}`;
  const texts = Object.keys(rule.map ?? {});
  return `${name}: ${rule.from}${texts.length === 0 ? "" : ` (${namesText(texts)})`}`;
}

type ExitPhrases = Pick<DocumentSignal, "exit_phrase" | "long_exit_phrase" | "short_exit_phrase">;

function exitsText({
  exit_phrase: both,
  long_exit_phrase: long,
  short_exit_phrase: short,
}: ExitPhrases): string {
  const texts = [both, long && `long: ${long}`, short && `short: ${short}`];
  return texts.filter((text) => text !== null && text !== "").join(", ");
}

/** Whether it gets tasks, and if not why not. */
function stateOf({ archived, enabled, shadow, ...may }: DocumentStrategy): string {
  if (archived) return "archived";
  if (!enabled) return "disabled";
  const does = [
    ...(may.allow_open ? ["opens"] : []),
    ...(may.reverse ? ["reverses"] : []),
    ...(may.exits ? ["exits"] : []),
  ];
  if (does.length === 0) return "may not open";
  return shadow ? "shadow" : does.join(", ");
}

const NAMED_MAX = 4;

function namesText(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return `${names.slice(0, NAMED_MAX).join(", ")}${more}`;
}
