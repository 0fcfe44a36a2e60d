import { createInterface } from "node:readline";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";

// A process that opens the embedded database in the folder given as its argument. Prints `open`, or `failed` and why;
// then runs each line of its input as a statement and prints `rows` or `error`. Stops at the end of its input.
const say = (word: string, value: unknown): void => console.log(`${word} ${JSON.stringify(value)}`);
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const [dataDir = ""] = process.argv.slice(2);
try {
  const onError = (error: Error): void => say("reported", error.message);
  const db = await openDatabase({ url: undefined, dataDir, onError });
  say("open", process.pid);
  for await (const sql of createInterface({ input: process.stdin })) {
    await db.query(sql).then(
      (rows) => say("rows", rows),
      (error: unknown) => say("error", message(error)),
    );
  }
  await db.close();
} catch (error) {
  say("failed", message(error));
}
