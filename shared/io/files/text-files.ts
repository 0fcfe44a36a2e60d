import { randomBytes } from "node:crypto";
import { open, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Reads and writes files that people name. */

/** A file that cannot be read or written; the message says why, and what to do. */
export class TextFileError extends Error {
  override readonly name = "TextFileError";
}

/** The text of a file, or of standard input for `-`. @throws TextFileError */
export async function readTextFile(
  path: string,
  { bytesMax }: { readonly bytesMax: number },
): Promise<string> {
  const bytes = path === "-" ? await readInput(bytesMax) : await readWhole(path, bytesMax);
  if (bytes.length > bytesMax)
    throw new TextFileError(`${path} is too large: expected at most ${bytesMax} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new TextFileError(`${path} is not text in UTF-8: save it as UTF-8`);
  }
}

/** Whether a file of this name exists. */
export async function fileExists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/**
 * Writes a file that only this user may read, all of it or nothing. @throws TextFileError, also when it exists and is not to be
 * replaced
 */
export async function writePrivateText(
  path: string,
  text: string,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  const draft = join(dirname(path), `.${randomBytes(6).toString("hex")}.draft`);
  try {
    if (!replace) {
      await writeFile(path, text, { mode: 0o600, flag: "wx" });
      return;
    }
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    if (replace) await unlink(draft).catch(() => undefined);
    if (codeOf(error) === "EEXIST")
      throw new TextFileError(`${path} exists already: add --force to replace it, or name another file`);
    throw new TextFileError(`${path} cannot be written: ${reasonOf(error)}`);
  }
}

async function readWhole(path: string, bytesMax: number): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > bytesMax) throw new TextFileError(`${path} has ${size} bytes: expected at most ${bytesMax}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof TextFileError) throw error;
    throw new TextFileError(`${path} cannot be read: ${reasonOf(error)}`);
  }
}

async function readInput(bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bytesMax) break;
  }
  return Buffer.concat(chunks);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder",
  EACCES: "this user may not",
  ENOSPC: "the disk is full",
};

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return REASONS[code ?? ""] ?? (error instanceof Error ? error.message : String(error));
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
