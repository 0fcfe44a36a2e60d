import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  Scalar,
  type Document,
  type Node,
} from "yaml";
import { excerpt, printable } from "../text.ts";
import { PARAMS_NESTING_MAX, VALUE_COUNT_MAX } from "./document-fields.ts";
import type { DocumentFault } from "./document.ts";
import { plainValue } from "./plain-value.ts";
import { faultAt, itemPath, keyPath, type Place, type SourceEntry, type SourceNode } from "./source-node.ts";

/** Reads YAML as values with their places. Whatever the text, it neither throws nor takes long. */
export function readYaml(text: string, faults: DocumentFault[]): SourceNode | undefined {
  const lines = new LineCounter();
  const placeOf = (path: string, offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { path, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const found = compose(text, lines);
  if ("stoppedAt" in found) {
    faults.push(faultAt(placeOf("", found.stoppedAt), found.why));
    return undefined;
  }
  const { documents } = found;
  const errors = documents.flatMap((document) => document.errors);
  for (const { code, message, pos } of errors.slice(0, ERRORS_MAX))
    faults.push(faultAt(placeOf("", pos[0]), `this is not YAML: ${MEANINGS[code] ?? shown(message)}`));
  const [first, second] = documents;
  if (second !== undefined)
    faults.push(
      faultAt(
        placeOf("", second.range[0]),
        "a second document begins here: expected one. Delete the line `---`",
      ),
    );
  if (faults.length > 0) return undefined;
  if (first === undefined || first.contents === null)
    return { path: "", line: 1, column: 1, kind: "null", written: "" };
  return nodesOf(first.contents, { placeOf, faults });
}

/** Depth of the parser's stack, which has up to four elements for a level. Composing calls itself for each level. */
const STACK_MAX = 4 * (PARAMS_NESTING_MAX + 10);
const ERRORS_MAX = 20;
const TOO_DEEP = `nested too deeply: params may have ${PARAMS_NESTING_MAX} levels`;

/** All values stay text, so that this module alone decides what they mean. */
const OPTIONS = { schema: "failsafe", strict: true, uniqueKeys: false, prettyErrors: false } as const;

type Composed =
  | { readonly documents: readonly Document.Parsed[] }
  | { readonly stoppedAt: number; readonly why: string };

/** Each fault is an Error, whose stack takes most of the time that a text with many of them takes. */
function compose(text: string, lines: LineCounter): Composed {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const parser = new Parser(lines.addNewLine);
  try {
    return composed(text, lines, parser);
  } catch {
    // Reading must not throw, whatever the text: what the library cannot read is not YAML.
    return { stoppedAt: parser.offset, why: "this is not YAML: it cannot be read from about here on" };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function composed(text: string, lines: LineCounter, parser: Parser): Composed {
  lines.addNewLine(0);
  const composer = new Composer(OPTIONS);
  const documents: Document.Parsed[] = [];
  let faultCount = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === "error" || token.type === "directive") faultCount += 1;
      documents.push(...composer.next(token));
    }
    if (parser.stack.length > STACK_MAX) return { stoppedAt: parser.offset, why: TOO_DEEP };
    // What is no document from its beginning takes long to its end.
    if (faultCount > ERRORS_MAX || documents.length > 1) break;
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end());
  return { documents };
}

/** Words for what people get wrong most often; the parser's own for the rest. */
const MEANINGS: Readonly<Record<string, string>> = {
  BAD_INDENT: "this line is not indented like its neighbours",
  TAB_AS_INDENT: "there is a tab before it: indent with spaces",
  BLOCK_AS_IMPLICIT_KEY: "there are two `name: value` on one line: put a text that contains `: ` in quotes",
  UNEXPECTED_TOKEN: "it is in the wrong place: put a text with special characters in quotes",
  MULTILINE_IMPLICIT_KEY: "a `:` is missing after it, or quotes are not closed",
  BAD_ALIAS: "a name of an alias is missing: put a text that begins with * or & in quotes",
  BAD_SCALAR_START: "a text cannot begin with this character: put it in quotes",
};

function shown(message: string): string {
  return printable(excerpt(message));
}

interface Reading {
  readonly placeOf: (path: string, offset: number) => Place;
  readonly faults: DocumentFault[];
}

function nodesOf(root: Node, { placeOf, faults }: Reading): SourceNode {
  /** Earlier values by their anchors. */
  const anchors = new Map<string, Node>();
  let count = 0;

  function refuse(place: Place, message: string): SourceNode {
    faults.push(faultAt(place, message));
    return { ...place, kind: "refused" };
  }

  function read(node: Node | null, path: string, depth: number, before: number): SourceNode {
    const place = placeOf(path, node?.range?.[0] ?? before);
    count += 1;
    if (count === VALUE_COUNT_MAX + 1)
      return refuse(place, `more than ${VALUE_COUNT_MAX} values, with those that aliases repeat`);
    if (count > VALUE_COUNT_MAX) return { ...place, kind: "refused" };
    if (node === null) return { ...place, kind: "null", written: "" };
    if (depth > PARAMS_NESTING_MAX + 5) return refuse(place, TOO_DEEP);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined)
        return refuse(
          place,
          `there is no \`&${shown(node.source)}\` before it: put a text that begins with * in quotes`,
        );
      return { ...read(target, path, depth + 1, before), ...place };
    }
    if (node.tag !== undefined)
      return refuse(place, "a tag (!…) is not read: delete it, and put text in quotes");
    if ("anchor" in node && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) return { ...place, ...scalarOf(node) };
    if (isSeq(node)) {
      const items = node.items.map((item, at) =>
        read(item as Node | null, itemPath(path, at), depth + 1, before),
      );
      return { ...place, kind: "list", items };
    }
    return isMap(node)
      ? { ...place, kind: "map", entries: entriesOf(node.items as readonly Pair[], path, depth) }
      : refuse(place, "this kind of value is not read");
  }

  function entriesOf(pairs: readonly Pair[], path: string, depth: number): readonly SourceEntry[] {
    const keys = new Set<string>();
    return pairs.flatMap(({ key: node, value }) => {
      const offset = node?.range?.[0] ?? 0;
      const at = placeOf(path, offset);
      const key = keyOf(node);
      if (typeof key !== "string") {
        faults.push(faultAt(at, key.fault));
        return [];
      }
      const place = { ...at, path: keyPath(path, key) };
      if (keys.has(key)) faults.push(faultAt(place, `${shown(key)} is there twice: keep one of them`));
      keys.add(key);
      return [{ key, at: place, value: read(value, place.path, depth + 1, offset) }];
    });
  }

  return read(root, "", 0, 0);
}

interface Pair {
  readonly key: Node | null;
  readonly value: Node | null;
}

function scalarOf(node: Scalar): ReturnType<typeof plainValue> {
  const text = typeof node.value === "string" ? node.value : "";
  return node.type === Scalar.PLAIN ? plainValue(text) : { kind: "text", text };
}

function keyOf(node: Node | null): string | { readonly fault: string } {
  if (isMap(node))
    return { fault: 'found {{ without quotes, which YAML reads as fields: put the text in quotes: "{{…}}"' };
  if (!isScalar(node) || node.tag !== undefined) return { fault: "expected a name before the colon" };
  const content = scalarOf(node);
  if (content.kind === "text") return content.text;
  const written = typeof node.value === "string" ? node.value : "";
  return {
    fault:
      written === "<<"
        ? "a merge (<<) is not read: write the fields out"
        : `the name ${shown(written)} is not text without quotes: put it in quotes: "${shown(written)}"`,
  };
}
