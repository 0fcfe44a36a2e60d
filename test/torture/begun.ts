import { readFile } from "node:fs/promises";

/** A run that a strategy has begun; all of them are kept in the order in which they were begun. */
export interface Begun {
  readonly strategyId: number;
  readonly symbol: string;
  /** Entry of the signal. */
  readonly entryId: string;
  readonly attempt: number;
}

/** Names to the routers the file in which they write down what they begin. */
export const BEGUN_VARIABLE = "TORTURE_BEGUN";
export const BEGUN_HANDLER = "noted";

export async function begunIn(path: string): Promise<Begun[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [strategyId, symbol = "", entryId = "", attempt] = line.split(" ");
      return { strategyId: Number(strategyId), symbol, entryId, attempt: Number(attempt) };
    });
}
