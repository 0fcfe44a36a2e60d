import { readFile } from "node:fs/promises";
import { guideBlocks, outputFault, type GuideBlock } from "./guide-blocks.ts";
import { CTRL_C, openTerminal, type Terminal } from "./terminal.ts";

/** Types what a guide says, block by block, and compares what is printed with what the guide says is printed. */
export interface GuideWalk {
  /** Types the next block, whose first words these are. @throws Error where the guide is wrong */
  next(start: string): Promise<string>;
  /** The same for a command that goes on; the walk goes on when it prints this. */
  nextUntil(start: string, pattern: RegExp): Promise<Terminal>;
  /** Blocks of the reader's system that were not typed yet. */
  left(): readonly string[];
  stop(): Promise<void>;
}

export interface GuideReader {
  /** Blocks with other tags are not for this reader. */
  readonly tags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What this reader has in the place of what the guide has. */
  readonly instead: ReadonlyMap<string, string>;
}

export async function walkGuide(path: string, { tags, env, instead }: GuideReader): Promise<GuideWalk> {
  const isMine = (of: { readonly tags: readonly string[] }): boolean =>
    of.tags.every((tag) => tags.includes(tag) || WAYS.has(tag));
  const blocks = guideBlocks(await readFile(path, "utf8")).filter(isMine);
  const open: Terminal[] = [];
  let at = 0;

  function take(start: string): GuideBlock {
    const block = blocks[at];
    if (block === undefined || !block.code.includes(start))
      throw new Error(`expected a block with ${start}, found in ${block?.section}:\n${block?.code}`);
    at += 1;
    return block;
  }
  function type({ code }: GuideBlock): Terminal {
    const mine = [...instead].reduce((text, [from, to]) => text.replaceAll(from, to), code);
    const terminal = openTerminal(`[ ! -f ~/router.env ] || . ~/router.env\n${mine}`, env);
    open.push(terminal);
    return terminal;
  }
  function compare({ section, code, outputs }: GuideBlock, printed: string): void {
    for (const { text } of outputs.filter(isMine)) {
      const fault = outputFault(text, printed);
      if (fault !== undefined) throw new Error(`${section}: ${code}${fault}`);
    }
  }

  return {
    async next(start) {
      const block = take(start);
      const terminal = type(block);
      if (block.tags.includes("ask")) {
        await terminal.printed(/\[y\/N\]/);
        terminal.type("y\n");
      }
      const exit = await terminal.ended();
      const printed = terminal.output();
      if (exit !== 0 && !block.tags.includes("fails"))
        throw new Error(`${block.section}: exit code ${String(exit)} of\n${block.code}${printed}`);
      compare(block, printed);
      return printed;
    },
    async nextUntil(start, pattern) {
      const block = take(start);
      const terminal = type(block);
      await terminal.printed(pattern);
      compare(block, terminal.output());
      return terminal;
    },
    left: () => blocks.slice(at).map(({ code }) => code),
    async stop() {
      for (const terminal of open) terminal.type(CTRL_C);
      await Promise.all(open.map(async (terminal) => terminal.ended()));
    },
  };
}

/** Tags that say how a block is run: it asks, or ends with another exit code than 0 on the rows of the test. */
const WAYS = new Set(["ask", "fails"]);
