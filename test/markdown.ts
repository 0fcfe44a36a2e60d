/** What the tests of the documents need to know of Markdown: headings, links, rows of tables, blocks of code. */

/** Targets of all links, as they are written; not those in code. */
export function linksIn(markdown: string): string[] {
  const text = withoutBlocks(markdown).replaceAll(/`[^`\n]*`/g, "code");
  return [...text.matchAll(/\[[^[\]]*\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
}

/** The anchors that GitHub gives the headings. */
export function anchorsIn(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutBlocks(markdown).matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = slugOf(heading);
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The text below the heading, up to the next one of its level or above; empty when there is no such heading. */
export function sectionIn(markdown: string, heading: string): string {
  const lines = markdown.split("\n");
  const levelOf = (line: string): number => /^(#{1,6}) /.exec(line)?.[1]?.length ?? Infinity;
  const start = lines.findIndex((line) => levelOf(line) < Infinity && line.replace(/^#+ +/, "") === heading);
  if (start < 0) return "";
  const level = levelOf(lines[start] ?? "");
  const end = lines.findIndex((line, i) => i > start && levelOf(line) <= level);
  return lines.slice(start + 1, end < 0 ? undefined : end).join("\n");
}

/** The cells of every row of every table. */
export function rowsIn(markdown: string): string[][] {
  const rows = markdown.split("\n").filter((line) => /^\|.*\|$/.test(line) && !/^\|[-:| ]+\|$/.test(line));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** All blocks of code in this language, one below the other. */
export function codeIn(markdown: string, language: string): string {
  return blocksIn(markdown, language).join("\n");
}

/** Each block of code in this language. */
export function blocksIn(markdown: string, language: string): string[] {
  const blocks = markdown.matchAll(/^ *```(\w*)\n(.*?)^ *```$/gms);
  return [...blocks].flatMap(([, found, code = ""]) => (found === language ? [code] : []));
}

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^ *```.*?^ *```$/gms, "");
}

/** Lower case, without punctuation, each space a hyphen; entities stand for the characters they are. */
function slugOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/&(lt|gt|amp);/g, "");
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
    .replaceAll(" ", "-");
}
