import type { SourceContent } from "./source-node.ts";

/**
 * What a YAML value without quotes means. YAML 1.1 and 1.2 read many of them differently (`no`, `0700`, `12:30:00`), so only
 * what both read alike, and JSON writes alike, has a meaning; the others are `unclear`.
 */
export function plainValue(written: string): SourceContent {
  if (/^(?:|~|null|Null|NULL)$/.test(written)) return { kind: "null", written };
  if (/^(?:true|True|TRUE|false|False|FALSE)$/.test(written))
    return { kind: "boolean", boolean: written.toLowerCase() === "true", written };
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(written))
    return { kind: "number", number: Number(written), written };
  const meaning = UNCLEAR.find(([form]) => form.test(written))?.[1];
  return meaning === undefined ? { kind: "text", text: written } : { kind: "unclear", written, meaning };
}

/** A little more than the two versions and their parsers read as anything but text. */
const UNCLEAR: readonly (readonly [RegExp, string])[] = [
  [/^(?:y|n|yes|no|on|off|true|false)$/i, "true or false"],
  [/^null$/i, "null"],
  [/^[-+]?0[xob][\da-f_]+$/i, "a number"],
  [/^[-+]?\d[\d_]*$/, "a number"],
  [/^[-+]?(?:\d[\d_]*)?\.[\d._]*(?:e[-+]?\d+)?$/i, "a number"],
  [/^[-+]?\d[\d_]*e[-+]?\d+$/i, "a number"],
  [/^[-+]?\.(?:inf|nan)$/i, "a number"],
  [/^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/, "a time in seconds"],
  [/^\d{4}-\d\d?-\d\d?(?:[Tt\s].*)?$/, "a date"],
  [/^<<$/, "a merge"],
  [/^=$/, "a default value"],
];

/** The text as YAML: without quotes only where every reader takes it as this text, also inside a list in brackets. */
export function yamlText(text: string): string {
  const isPlain = PLAIN.test(text) && !text.endsWith(" ") && plainValue(text).kind === "text";
  return isPlain ? text : quoted(text);
}

const PLAIN = /^[\p{L}_](?:[\p{L}\p{M}\p{N}_./+() -])*$/u;

/** In double quotes, with escapes for all that a reader of YAML refuses or a terminal obeys. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
