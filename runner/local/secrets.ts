import { randomBytes, randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../shared/config/config.ts";
import { inWords, privateFile, privateFolder } from "../../shared/io/files/private-files.ts";
import { MisconfigurationError } from "../environment.ts";

/** The secrets of a local router for which none are configured: generated once and kept in files. */

/** The file of each in the data folder. */
export const SECRET_FILES = { httpToken: "http-token", webhookSecret: "webhook-secret" } as const;
export type LocalSecretName = keyof typeof SECRET_FILES;

const BYTES = 32;

/** The configuration with the missing secrets. @throws MisconfigurationError when a file has no valid secret, DataFolderError */
export async function withLocalSecrets(config: Config, dataDir: string): Promise<Config> {
  const { httpToken, webhookSecret } = config;
  return {
    ...config,
    httpToken: httpToken ?? (await localSecret(dataDir, "httpToken")),
    webhookSecret: webhookSecret ?? (await localSecret(dataDir, "webhookSecret")),
  };
}

async function localSecret(dataDir: string, name: LocalSecretName): Promise<string> {
  const file = join(dataDir, SECRET_FILES[name]);
  await privateFolder(dataDir);
  const secret = await inWords(file, async () => (await contentOf(file)) ?? (await create(file)));
  await privateFile(file);
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new MisconfigurationError(
    `${file} has no valid secret: expected printable ASCII characters without spaces. Delete the file, and the next start creates a new secret`,
  );
}

/** Creates the file by a link to a complete one, so that processes which do this at once all get the same secret. */
async function create(file: string): Promise<string> {
  const draft = `${file}.${randomUUID()}`;
  try {
    const secret = randomBytes(BYTES).toString("base64url");
    await writeFile(draft, `${secret}\n`, { mode: 0o600, flag: "wx", flush: true });
    await link(draft, file);
    return secret;
  } catch (error) {
    if (!isError(error, "EEXIST")) throw error;
    return (await contentOf(file)) ?? "";
  } finally {
    await rm(draft, { force: true });
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (isError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
