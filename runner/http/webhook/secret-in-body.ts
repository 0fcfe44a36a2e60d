import { tryDecode } from "hono/utils/url";
import { parseExactJson } from "../../../shared/exact-json.ts";

/**
 * What a body has as its field `secret`, whatever its source's format is: of JSON, of the first alert of a list, of a form, or of a line
 * `secret=…`, in capitals as well. Undefined when it has no such field; empty when that is no text.
 */
export function secretIn(body: string): readonly string[] | undefined {
  const value = jsonOf(body);
  if (value !== undefined) {
    const alert: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof alert !== "object" || alert === null || !Object.hasOwn(alert, "secret")) return undefined;
    const { secret } = alert as { readonly secret: unknown };
    return typeof secret === "string" ? [secret] : [];
  }
  const [, given] = /(?:^|[&\n\r])[^\S\n\r]*secret[^\S\n\r]*=[^\S\n\r]*([^&\s]*)/i.exec(body) ?? [];
  if (given === undefined) return undefined;
  // A text has it as it is; a form has it encoded.
  return [given, tryDecode(given.replaceAll("+", " "), decodeURIComponent)];
}

function jsonOf(body: string): unknown {
  if (!/^\s*[[{]/.test(body)) return undefined;
  try {
    return parseExactJson(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
