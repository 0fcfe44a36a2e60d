import type { Command } from "commander";
import { closest } from "fastest-levenshtein";
import { COMMON_SOURCE, secretVariableOf } from "../../shared/config/source-secrets.ts";
import type { DocumentSignal, ReferenceDocument } from "../../shared/reference-document/document.ts";
import { alertTemplate, strategyAlertTemplate, textTemplate } from "../../shared/signal/alert-template.ts";
import { foldPhrase } from "../../shared/signal/signal.ts";
import { BUILT_IN_NAMES } from "../../shared/source-faults.ts";
import { printable, printableJson } from "../../shared/text.ts";
import type { CommandIo } from "./command-io.ts";
import { CliError } from "./connection.ts";
import { readReference } from "./reference/read-reference.ts";

/** `cli template`: the messages to paste into TradingView's alerts. */
export function addTemplateCommand(program: Command, io: CommandIo): void {
  program
    .command("template")
    .description("print the message of an alert in TradingView for each phrase of a signal, ready to paste")
    .argument("[signal]", "name of a signal, or a phrase (default: all signals)")
    .option("--source <name>", "the webhook source it is for: tradingview-strategy, text", COMMON_SOURCE)
    .option("--each-crossing", "with a uid for each time the alert fires, not for each bar", false)
    .option("--json", "as JSON", false)
    .action(async (typed: string | undefined, options: TemplateOptions) =>
      printTemplates(typed, options, io),
    );
}

interface TemplateOptions {
  readonly source: string;
  readonly eachCrossing: boolean;
  readonly json: boolean;
}

interface Template {
  readonly signal: string;
  /** `flat`: an exit; null: the message is for all directions. */
  readonly direction: "long" | "short" | "flat" | null;
  /** The only side that an exit closes. */
  readonly side: "long" | "short" | null;
  readonly message: string;
}

async function printTemplates(
  typed: string | undefined,
  { source, eachCrossing, json }: TemplateOptions,
  io: CommandIo,
): Promise<void> {
  const { document } = await io.withRouter(readReference);
  if (eachCrossing && source !== COMMON_SOURCE)
    throw new CliError(`--each-crossing is for the source ${COMMON_SOURCE}: expected it without --source`);
  if (!BUILT_IN_NAMES.has(source)) {
    io.say(printable(ownSourceText(source, document)));
    if (json) io.print("[]");
    return;
  }
  const templates = chosen(document.signals, typed).flatMap((signal) =>
    source === STRATEGY_SOURCE
      ? strategyTemplates(signal, document.signals)
      : templatesOf(signal, source, eachCrossing),
  );
  if (json) {
    io.print(printableJson(templates));
    return;
  }
  for (const template of templates) {
    io.print(printable(`${template.signal}${meaningText(template)}:`));
    for (const line of template.message.split("\n")) io.print(printable(line));
  }
  io.say(whereText(source));
  io.say(eachCrossing ? EACH_CROSSING : (ONE_SIGNAL[source] ?? EACH_BAR));
}

/** @throws CliError naming the closest one when there is none */
function chosen(signals: readonly DocumentSignal[], typed: string | undefined): readonly DocumentSignal[] {
  if (typed === undefined) return signals;
  const namesOf = (signal: DocumentSignal): string[] => [
    signal.name,
    ...phrasesOf(signal).map(({ phrase }) => phrase),
  ];
  const found = signals.filter((signal) => namesOf(signal).includes(typed));
  if (found.length > 0) return found;
  const near = closestText(typed, signals.flatMap(namesOf));
  throw new CliError(printable(`there is no signal with the name or phrase ${typed}${near}`));
}

function closestText(typed: string, names: readonly string[]): string {
  return names.length === 0 ? "" : `: the closest is ${closest(typed, names)}`;
}

type PhraseOfSignal = Omit<Template, "signal" | "message"> & { readonly phrase: string };

function phrasesOf(signal: DocumentSignal): readonly PhraseOfSignal[] {
  const meanings = [
    ["long_phrase", "long", null],
    ["short_phrase", "short", null],
    ["exit_phrase", "flat", null],
    ["long_exit_phrase", "flat", "long"],
    ["short_exit_phrase", "flat", "short"],
  ] as const;
  return meanings.flatMap(([field, direction, side]) => {
    const phrase = signal[field] ?? "";
    return phrase.trim() === "" ? [] : [{ phrase, direction, side }];
  });
}

function templatesOf(signal: DocumentSignal, source: string, eachCrossing: boolean): readonly Template[] {
  return phrasesOf(signal).map(({ phrase, direction, side }) => ({
    signal: signal.name,
    direction,
    side,
    message: source === "text" ? textTemplate(phrase) : alertTemplate(phrase, { eachCrossing }),
  }));
}

/** The message for all orders of a Pine strategy; it names the signal by a phrase that no other signal has, where there is one. */
function strategyTemplates(signal: DocumentSignal, signals: readonly DocumentSignal[]): readonly Template[] {
  const others = signals.filter((one) => one !== signal).flatMap(phrasesOf);
  const taken = new Set(others.map(({ phrase }) => foldPhrase(phrase)));
  const phrases = phrasesOf(signal).map(({ phrase }) => phrase);
  const named = phrases.find((phrase) => !taken.has(foldPhrase(phrase))) ?? phrases[0];
  if (named === undefined) return [];
  return [{ signal: signal.name, direction: null, side: null, message: strategyAlertTemplate(named) }];
}

const STRATEGY_SOURCE = "tradingview-strategy";

function meaningText({ direction, side }: Template): string {
  if (direction === null) return ", all orders of the strategy";
  if (direction !== "flat") return `, ${direction}`;
  return side === null ? ", exit" : `, exit of ${side} positions`;
}

/** What is said of a source whose body is its sender's. @throws CliError when there is none of this name */
function ownSourceText(source: string, { sources = [] }: ReferenceDocument): string {
  const names = sources.map(({ name }) => name);
  if (names.includes(source))
    return `the body of ${source} is its sender's, so there is no message to paste: the template of the source says what is read of it. See what a body becomes with: npm run cli -- sources try ${source} < body`;
  throw new CliError(
    printable(`there is no webhook source ${source}${closestText(source, [...BUILT_IN_NAMES, ...names])}`),
  );
}

function whereText(source: string): string {
  const secret = source === COMMON_SOURCE ? "WEBHOOK_SECRET" : secretVariableOf(source);
  return `\nPaste it as the message of the alert; its webhook is https://<your host>/webhooks/${source}/<${secret}>`;
}

const EACH_BAR =
  "{{time}} is the time of the bar: if the alert fires twice within one bar, the second is a duplicate and not traded. Two real crossings in one bar are two signals with --each-crossing";
const EACH_CROSSING =
  "Its uid has {{timenow}}, the second in which the alert fires: each time it fires is a signal of its own, also when it fires again for the same crossing. What TradingView sends again after an error has the same text, and stays one signal";
const ONE_SIGNAL: Readonly<Record<string, string>> = {
  text: "{{time}} is the time of the bar: if the alert fires twice within one bar, the second is a duplicate and not traded",
  [STRATEGY_SOURCE]:
    "One alert on the strategy sends all its orders: what each means follows from the position before and after it. Each order is a signal of its own, also within one bar: its id and {{timenow}} tell it apart. What TradingView sends again after an error stays one signal",
};
