/**
 * The texts of a webhook source with their `{{path}}`: what stands around a path is taken as it is written. A path names a value of the
 * body: names between dots, numbers for the places of a list (from 0), and names with other characters as `["a name"]`.
 */
export function parseTemplate(text: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("{{", at);
    const literal = text.slice(at, open === -1 ? text.length : open);
    if (literal.includes("}}")) return { ok: false, fault: "it has }} without {{ before it" };
    if (literal !== "") parts.push({ text: literal });
    if (open === -1) break;
    const path = parsePath(text, open + 2);
    if ("fault" in path) return { ok: false, fault: path.fault };
    parts.push({ path: path.path });
    at = path.end;
  }
  return { ok: true, parts };
}

export type ParsedTemplate =
  | { readonly ok: true; readonly parts: readonly TemplatePart[] }
  | { readonly ok: false; readonly fault: string };

export type TemplatePart = { readonly text: string } | { readonly path: BodyPath };

/** Names, and numbers of lists as texts, from the outermost on. */
export type BodyPath = readonly string[];

/** The paths in a text; none when it cannot be read. */
export function pathsIn(text: string): readonly BodyPath[] {
  const parsed = parseTemplate(text);
  return parsed.ok ? parsed.parts.flatMap((part) => ("path" in part ? [part.path] : [])) : [];
}

/** A path as people write it, `order.legs.0["limit price"]`. */
export function pathText(path: BodyPath): string {
  return path
    .map((name) => (PLAIN_NAME.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`))
    .join("")
    .replace(/^\./, "");
}

const PLAIN_NAME = /^[^\s.[\]{}"]+$/;
/** A name, or in brackets a name as a JSON text or the number of a place. */
const FIRST_NAME = /([^\s.[\]{}"]+)|\[\s*(?:("(?:[^"\\]|\\.)*")|(\d+))\s*\]/y;
const NEXT_NAME = /\.([^\s.[\]{}"]+)|\[\s*(?:("(?:[^"\\]|\\.)*")|(\d+))\s*\]/y;
const SPACE = /\s*/y;

type ReadPath = { readonly path: BodyPath; readonly end: number } | { readonly fault: string };

function parsePath(text: string, from: number): ReadPath {
  const path: string[] = [];
  let at = endOf(SPACE, text, from);
  while (!text.startsWith("}}", at)) {
    const pattern = path.length === 0 ? FIRST_NAME : NEXT_NAME;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    const name = found?.[1] ?? found?.[3] ?? textOf(found?.[2]);
    if (name === undefined) return { fault: brokenPath(text, from) };
    path.push(name);
    at = endOf(SPACE, text, pattern.lastIndex);
  }
  return path.length === 0 ? { fault: "it has {{}} without a path" } : { path, end: at + 2 };
}

function endOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return from + (pattern.exec(text)?.[0].length ?? 0);
}

function textOf(json: string | undefined): string | undefined {
  if (json === undefined) return undefined;
  try {
    return String(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function brokenPath(text: string, from: number): string {
  const close = text.indexOf("}}", from);
  if (close === -1) return `it has {{ without }} behind it: ${text.slice(from - 2, from + 40)}`;
  return `it has {{${text.slice(from, close)}}}, which is no path: expected names with dots between them, such as {{order.price}} or {{legs.0.price}}, and names with other characters as {{["limit price"]}}`;
}
