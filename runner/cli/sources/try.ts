import { readTextFile } from "../../../shared/io/files/text-files.ts";
import { reasonText } from "../../../shared/reason-text.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { excerpt, printable, printableJson } from "../../../shared/text.ts";
import { trialSchema, type Trial } from "../../http/webhook/source-schemas.ts";
import { EXIT_REFUSED, type CommandIo } from "../command-io.ts";

export interface BodyToTry {
  /** Of the source. */
  readonly name: string;
  /** With the body; `-`: standard input. */
  readonly file: string;
}

/** Shows what a body would become. Exit code 1 when it would be refused. @throws TextFileError, CliError */
export async function trySource(
  { name, file }: BodyToTry,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const body = await readTextFile(file, { bytesMax: BODY_BYTES_MAX });
  const path = `/sources/${encodeURIComponent(name)}/try`;
  const headers = { "content-type": "text/plain" };
  const trial = await io.withRouter(async (router) =>
    router.ask({ method: "POST", path, body, headers, answer: trialSchema }),
  );
  if (json) io.print(printableJson(trial));
  else for (const line of trialText(trial)) io.print(printable(line));
  if (!trial.accepted) io.exitWith(EXIT_REFUSED);
}

const BODY_BYTES_MAX = 1_048_576;

type Accepted = Extract<Trial, { accepted: true }>["alerts"][number];

/** What a body would become, line by line. */
export function trialText(trial: Trial): readonly string[] {
  if (!trial.accepted) {
    const { status, detail, hint, issues } = trial.problem;
    return [
      `it would be refused with ${status}: ${detail}`,
      ...issues.map(({ path, message }) => `  ${path === "" ? "" : `${path}: `}${message}`),
      ...(hint === null ? [] : [hint]),
    ];
  }
  const { alerts } = trial;
  const lines = alerts.flatMap((alert, n) => [
    ...(alerts.length > 1 ? [`alert ${n + 1} of ${alerts.length}`] : []),
    ...alertText(alert),
  ]);
  return [...lines, "", "nothing was added: a repeated uid would be a duplicate"];
}

/** The last line break of a file says nothing; others are shown as JSON has them. */
function onOneLine(value: string): string {
  const text = excerpt(value.trimEnd());
  return /[\r\n\t]/.test(text) ? JSON.stringify(text) : text;
}

function alertText({ fields, uid, decision }: Accepted): readonly string[] {
  const { status, reason, detail, direction, side, signal_id: signalId, symbol, outcomes } = decision;
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  const why = reason === null ? "" : `: ${reasonText(reason, detail)}`;
  const meaning =
    direction === null
      ? ""
      : ` (${side === null ? direction : `closes ${side}`} of signal ${signalId} on ${symbol})`;
  return [
    ...Object.entries(fields).map(([name, value]) => `  ${name.padEnd(width)}  ${onOneLine(value)}`),
    `uid ${uid}`,
    `would be ${status}${why}${meaning}`,
    ...outcomes.map(({ strategy_id: id, strategy, status: outcome, reason: because, detail: of }) => {
      const text = because === null ? "" : `: ${reasonText(because, of)}`;
      return `  ${strategyLabel(id, strategy)}  ${outcome}${text}`;
    }),
  ];
}
