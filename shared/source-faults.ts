import type { WebhookSource } from "./reference/webhook-source.ts";
import { foldPhrase } from "./signal/signal.ts";
import { parseTemplate, pathText, type BodyPath } from "./source-template.ts";

/** Everything that is wrong with a webhook source, so that no alert would become a signal, or one that was not meant. */
export function sourceFaults(source: WebhookSource, name?: string): readonly SourceFault[] {
  const { template, uid, format } = source;
  const has = (field: string): boolean => Object.hasOwn(template, field);
  const faults: SourceFault[] = [];
  const fault = (path: string, message: string): void => void faults.push({ path, message });

  if (name !== undefined && BUILT_IN_NAMES.has(name))
    fault("name", `${name} is a built-in source: expected another name`);
  if (Object.keys(template).length > FIELDS_MAX) fault("template", `expected at most ${FIELDS_MAX} fields`);
  for (const [field, given] of Object.entries(template)) {
    const path = `template.${field}`;
    const nameFault = fieldNameFault(field);
    if (nameFault !== undefined) fault(path, nameFault);
    const value = typeof given === "string" ? { from: given } : given;
    const paths = checkedPaths(typeof given === "string" ? path : `${path}.from`, value.from, format, fault);
    if (paths === undefined) continue;
    if (paths.length === 0) {
      if (value.from.trim() === "") fault(path, "expected a text, or {{path}} of the body");
      if (TIMES.has(field)) fault(path, SAME_TIME);
    }
    checkMap(`${path}.map`, value, paths, fault);
    checkDefault(`${path}.default`, value, paths, fault);
    if (TIMES.has(field) && value.default !== undefined) fault(`${path}.default`, SAME_TIME);
  }
  for (const [field, example] of REQUIRED)
    if (!has(field))
      fault(`template.${field}`, `is missing: expected where it stands in the body, ${example}`);
  if (has("time") && has("bar_time"))
    fault("template.time", "bar_time means the same: expected one of the two");
  if (uid !== undefined) {
    const paths = checkedPaths("uid", uid, format, fault);
    if (paths?.length === 0)
      fault(
        "uid",
        "has no {{path}}, so it is the same in every alert: expected what tells alerts apart, such as {{order_id}}",
      );
  } else if (!has("time") && !has("bar_time")) {
    fault(
      "template.time",
      "is missing: expected the time of the bar, such as {{time}}, or a uid that tells alerts apart: the same alert could otherwise be traded twice when it is sent again",
    );
  }
  return faults;
}

export interface SourceFault {
  /** Where in the source: `template.symbol.map`. */
  readonly path: string;
  /** What is wrong, what was expected. */
  readonly message: string;
}

/** Sources that exist without a row. */
export const BUILT_IN_NAMES: ReadonlySet<string> = new Set(["tradingview", "text", "tradingview-strategy"]);

/** What a body of format text has: all of it, its lines and its words from 0, and the values of lines `KEY=VALUE`. */
export const TEXT_MEMBERS = ["text", "lines", "words", "fields"] as const;

type Report = (path: string, message: string) => void;
type Value = { readonly from: string; readonly map?: Readonly<Record<string, string>> | undefined } & {
  readonly default?: string | undefined;
};

const FIELDS_MAX = 200;
const REQUIRED = [
  ["message", 'such as {{action}} with a map {"buy": "EMA_CROSS_LONG"}'],
  ["symbol", "such as {{ticker}}"],
] as const;
const TIMES: ReadonlySet<string> = new Set(["time", "bar_time", "sent_at"]);
const SAME_TIME =
  "is the same in every alert, of which all but the first would be duplicates: expected {{path}}";
const OWN_FIELDS = ["message", "symbol", "time", "bar_time", "sent_at", "source"] as const;
const SET_BY_ROUTER: Readonly<Record<string, string>> = {
  received_at: "is set by the router: expected no such field",
  uid: "is no field of the template: expected it as the source's own `uid`",
  body: "is set by the router, to the original body: expected another name",
  secret: "is never stored: expected another name",
};

/** What is wrong with the name of a field: one that is nearly the router's own would go along as `extra`. */
function fieldNameFault(name: string): string | undefined {
  if (name.trim() === "") return "expected a name";
  if (Object.hasOwn(SET_BY_ROUTER, name)) return SET_BY_ROUTER[name];
  const compact = compactName(name);
  const meant = OWN_FIELDS.find((own) => own !== name && compactName(own) === compact);
  return meant === undefined ? undefined : `is no field of the router: did you mean ${meant}?`;
}

function compactName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]/g, "");
}

/** The paths in a text; undefined when it is broken, which is reported. */
function checkedPaths(
  at: string,
  text: string,
  format: WebhookSource["format"],
  fault: Report,
): readonly BodyPath[] | undefined {
  const parsed = parseTemplate(text);
  if (!parsed.ok) {
    fault(at, parsed.fault);
    return undefined;
  }
  const paths = parsed.parts.flatMap((part) => ("path" in part ? [part.path] : []));
  for (const path of paths) {
    const found = pathFault(path, format);
    if (found !== undefined) fault(at, found);
  }
  return paths;
}

function pathFault(path: BodyPath, format: WebhookSource["format"]): string | undefined {
  const [first = ""] = path;
  if (first === "secret" && path.length === 1) return "{{secret}} is never given away: expected another path";
  if (format === "form" && path.length > 1)
    return `{{${pathText(path)}}}: a form has names without parts: expected a name such as {{price}} or {{[${JSON.stringify(path.join("."))}]}}`;
  if (format !== "text") return undefined;
  const isMember = TEXT_MEMBERS.some((member) => member === first);
  const fits = isMember && path.length === (first === "text" ? 1 : 2) && isPlace(first, path[1]);
  return fits
    ? undefined
    : `{{${pathText(path)}}}: a text has {{text}}, {{lines.0}}, {{words.0}}, and {{fields.NAME}} of a line NAME=VALUE`;
}

function isPlace(member: string, place: string | undefined): boolean {
  return (member !== "lines" && member !== "words") || /^\d+$/.test(place ?? "");
}

function checkMap(at: string, { map }: Value, paths: readonly BodyPath[], fault: Report): void {
  if (map === undefined) return;
  if (paths.length === 0) fault(at, "there is nothing to map: expected {{path}} in `from`");
  const entries = Object.entries(map);
  if (entries.length === 0)
    fault(at, "is empty, so every alert would be refused: expected texts and what they become");
  const seen = new Set<string>();
  for (const [from, to] of entries) {
    const folded = foldPhrase(from);
    if (folded === "") fault(at, "has an empty text: what the body has no value for is the `default`");
    if (seen.has(folded)) fault(at, `has ${JSON.stringify(from)} twice, in upper and lower case`);
    seen.add(folded);
    if (to.trim() === "" || to.includes("{{"))
      fault(`${at}.${from}`, "expected the text that it becomes, without {{…}}");
  }
}

function checkDefault(at: string, value: Value, paths: readonly BodyPath[], fault: Report): void {
  if (value.default === undefined) return;
  if (paths.length === 0) fault(at, "never counts, since `from` has no {{path}}");
  if (value.default.trim() === "" || value.default.includes("{{"))
    fault(at, "expected the text that counts where the body has no value, without {{…}}");
}
