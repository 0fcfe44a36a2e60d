import { randomBytes } from "node:crypto";

/**
 * Texts that stand for secrets while a plan is made to be shown, so that the plan cannot contain a secret. What is made of a secret,
 * such as a signature, is found by making the plan again with other texts: it is what differs then.
 */
export class StandIns {
  readonly #names = new Map<string, readonly [string, string]>();

  /** The text for a secret, and with `other` another one. */
  valueOf(name: string, { other = false } = {}): string {
    const known = this.#names.get(name);
    const texts = known ?? [standIn(), standIn()];
    if (known === undefined) this.#names.set(name, texts);
    return texts[other ? 1 : 0];
  }

  /** The secrets that were asked for. */
  get names(): readonly string[] {
    return [...this.#names.keys()];
  }

  /** The text with `(secret NAME)` in place of each stand-in. */
  labelled(text: string): string {
    let clean = text;
    for (const [name, texts] of this.#names)
      for (const each of texts) clean = clean.replaceAll(each, `(secret ${name})`);
    return clean;
  }

  /** Whether any stand-in is in the text. */
  isIn(text: string): boolean {
    return this.labelled(text) !== text;
  }
}

/** Letters and digits, as most secrets have; nothing else contains it by chance. */
function standIn(): string {
  return randomBytes(24).toString("hex");
}

/** The same value, made once more in another way. */
export interface Variant {
  readonly value: unknown;
  /** What is shown in place of that which differs. */
  readonly label: string;
}

/** The value with a label in place of what differs in the variants of it. */
export function merged(value: unknown, variants: readonly Variant[]): unknown {
  if (typeof value === "string") return mergedText(value, variants);
  if (typeof value !== "object" || value === null) return value;
  const differs = variants.find((each) => keysOf(each.value) !== keysOf(value));
  if (differs !== undefined) return { [differs.label]: differs.label };
  const partOf = (key: string): readonly Variant[] =>
    variants.map((each) => ({ ...each, value: Reflect.get(each.value as object, key) as unknown }));
  if (Array.isArray(value)) return value.map((part: unknown, at) => merged(part, partOf(String(at))));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, merged(part, partOf(key))]));
}

function keysOf(value: unknown): string {
  return JSON.stringify(typeof value === "object" && value !== null ? Object.keys(value) : typeof value);
}

/** Words, and what hex, base64 and base64url are made of. */
const TOKEN = /([A-Za-z0-9+/_-]+={0,2})/;

function mergedText(text: string, variants: readonly Variant[]): string {
  const tokens = text.split(TOKEN);
  const others = variants.map(({ value, label }) => ({
    label,
    tokens: typeof value === "string" ? value.split(TOKEN) : [],
  }));
  const uneven = others.find((other) => other.tokens.length !== tokens.length);
  if (uneven !== undefined) return uneven.label;
  return tokens
    .map((token, at) => others.find((other) => other.tokens[at] !== token)?.label ?? token)
    .join("");
}
