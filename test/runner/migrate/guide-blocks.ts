/** The blocks of a guide that are typed in a shell, with what the guide says they print. */
export interface GuideBlock {
  /** The heading it stands under. */
  readonly section: string;
  readonly code: string;
  /** Words behind the language: whom it is for, and how it is run. */
  readonly tags: readonly string[];
  /** The blocks of text behind it. */
  readonly outputs: readonly GuideOutput[];
}

export interface GuideOutput {
  readonly text: string;
  readonly tags: readonly string[];
}

export function guideBlocks(markdown: string): GuideBlock[] {
  const blocks: GuideBlock[] = [];
  let section = "";
  const parts = markdown.matchAll(/^#{2,6} +(?<heading>.*)$|^( *)```(?<info>.*)\n(?<code>[^]*?)^\2```$/gm);
  for (const { groups = {} } of parts) {
    const { heading, info = "", code = "" } = groups;
    if (heading !== undefined) section = heading;
    const [language, ...tags] = info.split(" ");
    if (language === "sh") blocks.push({ section, code, tags, outputs: [] });
    const last = blocks.at(-1);
    if (language === "text" && last !== undefined)
      blocks.splice(-1, 1, { ...last, outputs: [...last.outputs, { text: code, tags }] });
  }
  return blocks;
}

/**
 * What the guide quotes and was not printed; undefined when all was. It quotes an excerpt; a line with only … stands for any
 * lines, … elsewhere for any text. Ids, times and addresses may differ.
 */
export function outputFault(quoted: string, printed: string): string | undefined {
  const lines = masked(printed);
  let [from, isAnywhere] = [0, true];
  for (const line of masked(quoted)) {
    if (line === "…") {
      isAnywhere = true;
      continue;
    }
    const pattern = new RegExp(`^${line.split("…").map(escaped).join(".*")}$`);
    const ahead = lines.slice(from, isAnywhere ? undefined : from + 1);
    const found = ahead.findIndex((each) => pattern.test(each));
    if (found === -1) return `the guide quotes: ${line}\nbut this was printed:\n${lines.join("\n")}`;
    from += found + 1;
    isAnywhere = false;
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  // What a terminal needs beside the text.
  [new RegExp(`${String.fromCodePoint(27)}\\[[\\d;?]*[A-Za-z]|\\r`, "g"), ""],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, "<time>"],
  [/\d{13}-\d+/g, "<entry>"],
  [/\b[0-9a-f]{16}\b/g, "<version>"],
  [/\b[\w.]+-\d+-[0-9a-f]{6}\b/g, "<consumer>"],
  [/(postgres|redis|http):\/\/[^\s,/]+(\/\w*)?/g, "<$1>"],
  [/\b\d+(\.\d+)? (s|ms)\b/g, "<duration>"],
  [/^ +| +$/g, ""],
];

function masked(text: string): string[] {
  return text
    .split("\n")
    .map((line) => MASKS.reduce((left, [pattern, mask]) => left.replaceAll(pattern, mask), line))
    .filter((line) => line !== "");
}
