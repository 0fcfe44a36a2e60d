import type { Command } from "commander";
import { closest } from "fastest-levenshtein";
import type { DocumentSignal } from "../../shared/reference-document/document.ts";
import { alertTemplate } from "../../shared/signal/alert-template.ts";
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
    .option("--each-crossing", "with a uid for each time the alert fires, not for each bar", false)
    .option("--json", "as JSON", false)
    .action(async (typed: string | undefined, options: TemplateOptions) =>
      printTemplates(typed, options, io),
    );
}

interface TemplateOptions {
  readonly eachCrossing: boolean;
  readonly json: boolean;
}

interface Template {
  readonly signal: string;
  readonly direction: "long" | "short";
  readonly message: string;
}

async function printTemplates(
  typed: string | undefined,
  { eachCrossing, json }: TemplateOptions,
  io: CommandIo,
): Promise<void> {
  const { signals } = (await io.withRouter(readReference)).document;
  const templates = chosen(signals, typed).flatMap((signal) => templatesOf(signal, eachCrossing));
  if (json) {
    io.print(printableJson(templates));
    return;
  }
  for (const { signal, direction, message } of templates) {
    io.print(printable(`${signal}, ${direction}:`));
    io.print(printable(message));
  }
  io.say(WHERE);
  io.say(eachCrossing ? EACH_CROSSING : EACH_BAR);
}

/** @throws CliError naming the closest one when there is none */
function chosen(signals: readonly DocumentSignal[], typed: string | undefined): readonly DocumentSignal[] {
  if (typed === undefined) return signals;
  const found = signals.filter((signal) => [signal.name, ...phrasesOf(signal)].includes(typed));
  if (found.length > 0) return found;
  const names = signals.flatMap((signal) => [signal.name, ...phrasesOf(signal)]);
  const near = names.length === 0 ? "" : `: the closest is ${closest(typed, names)}`;
  throw new CliError(printable(`there is no signal with the name or phrase ${typed}${near}`));
}

function phrasesOf({ long_phrase: long, short_phrase: short }: DocumentSignal): readonly string[] {
  return [long ?? "", short ?? ""].filter((phrase) => phrase !== "");
}

function templatesOf(signal: DocumentSignal, eachCrossing: boolean): readonly Template[] {
  const { name, long_phrase: long, short_phrase: short } = signal;
  const phrases = [
    ["long", long ?? ""],
    ["short", short ?? ""],
  ] as const;
  return phrases.flatMap(([direction, phrase]) =>
    phrase === "" ? [] : [{ signal: name, direction, message: alertTemplate(phrase, { eachCrossing }) }],
  );
}

const WHERE =
  "\nPaste it as the message of the alert; its webhook is https://<your host>/webhooks/tradingview/<WEBHOOK_SECRET>";
const EACH_BAR =
  "{{time}} is the time of the bar: if the alert fires twice within one bar, the second is a duplicate and not traded. Two real crossings in one bar are two signals with --each-crossing";
const EACH_CROSSING =
  "Its uid has {{timenow}}, the second in which the alert fires: each time it fires is a signal of its own, also when it fires again for the same crossing. What TradingView sends again after an error has the same text, and stays one signal";
