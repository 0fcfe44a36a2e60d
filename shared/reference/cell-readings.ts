import { normaliseSymbol } from "../signal/signal.ts";
import { storable } from "../text.ts";
import { isJsonObject, isStorable } from "./json-value.ts";
import { readTemplate, templateFault } from "./read-template.ts";
import type { WebhookSource } from "./webhook-source.ts";

/** What is expected in a cell of a reference row, by kind of value, and how it is read. */

export interface Reading<Value> {
  readonly expected: string;
  /** The value as decisions use it; undefined when it cannot be read. */
  readonly read: (value: unknown) => Value | undefined;
  /** What stands there, for people, where the kind of value does not say it. */
  readonly fault?: (value: unknown) => string;
}

/** The log has ids as integer, so it could not record a decision with a higher one. Tasks and pauses know none below 1. */
const ID_MAX = 2_147_483_647;

export const id: Reading<number> = {
  expected: `a whole number from 1 to ${ID_MAX}`,
  read: (value) => {
    const number = wholeNumber(value);
    return number !== undefined && number >= 1 && number <= ID_MAX ? number : undefined;
  },
};

export const text: Reading<string> = { expected: "text", read: readText };

export const symbol: Reading<string> = {
  expected: "a symbol",
  read: (value) => {
    const given = readText(value);
    return given === undefined || normaliseSymbol(given) === "" ? undefined : given;
  },
};

export const switchWord: Reading<"enabled" | "disabled"> = {
  expected: "enabled or disabled",
  read: (value) => (value === "enabled" || value === "disabled" ? value : undefined),
};

export const flag: Reading<boolean> = {
  expected: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

export const phrase: Reading<string | null> = {
  expected: "text or NULL",
  read: (value) => (value === null ? null : readText(value)),
};

export const params: Reading<Readonly<Record<string, unknown>>> = {
  expected: "a JSON object that jsonb can hold",
  read: (value) => (isJsonObject(value) && isStorable(value) ? value : undefined),
};

export const ageMax: Reading<number | null> = {
  expected: "NULL, or a whole number from 0 on",
  read: (value) => {
    const number = value === null ? null : wholeNumber(value);
    return typeof number === "number" && number < 0 ? undefined : number;
  },
};

export const exchanges: Reading<readonly string[] | null> = {
  expected: "NULL, or a list of exchanges without a colon, such as BINANCE, or * for any",
  read: (value) => (value === null ? null : readExchanges(value)),
};

export const sourceName: Reading<string> = {
  expected: "small letters, digits and hyphens, as in the path of a webhook",
  read: (value) => {
    const name = readText(value);
    return name !== undefined && /^[a-z0-9][a-z0-9-]*$/.test(name) ? name : undefined;
  },
};

export const bodyFormat: Reading<WebhookSource["format"]> = {
  expected: "json, text or form",
  read: (value) => (value === "json" || value === "text" || value === "form" ? value : undefined),
};

export const template: Reading<WebhookSource["template"]> = {
  expected: "a JSON object whose members are texts, or objects of `from`, `map` and `default`",
  read: readTemplate,
  fault: templateFault,
};

export const uidTemplate: Reading<string | null> = {
  expected: "NULL, or a text that is not blank",
  read: (value) => {
    const given = value === null ? null : readText(value);
    return given?.trim() === "" ? undefined : given;
  },
};

export function readText(value: unknown): string | undefined {
  return typeof value === "string" && storable(value) === value ? value : undefined;
}

/** In upper case; undefined for a list with anything else in it. */
function readExchanges(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.map((name: unknown) => readText(name)?.trim().toUpperCase() ?? "");
  return names.every((name) => name !== "" && !name.includes(":")) ? names : undefined;
}

/** Drivers give bigint and numeric as text, so that no digit is lost. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? Number(number) : undefined;
}
