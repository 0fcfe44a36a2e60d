import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../shared/config/config.ts";
import { MisconfigurationError } from "../environment.ts";

/** The secrets of a stack that runs on one machine, where nobody has given any: made once, kept in files. */

/** Where each is, in the folder for data. */
export const SECRET_FILES = { httpToken: "http-token", webhookSecret: "webhook-secret" } as const;
export type LocalSecretName = keyof typeof SECRET_FILES;

const BYTES = 32;

/** The configuration with every secret that it lacks. @throws MisconfigurationError when a file of one holds none */
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
  const secret = (await contentOf(file)) ?? (await create(file));
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new MisconfigurationError(
    `${file} holds no secret (printable ASCII characters without spaces are one): delete it, and a new one is made`,
  );
}

/** Of several processes that do this at once, all get the secret of the first: only a link to a whole file appears here. */
async function create(file: string): Promise<string> {
  await mkdir(join(file, ".."), { recursive: true });
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
