import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterEach } from "vitest";
import { startFile } from "../../servers/built-scripts.ts";
import type { Asked } from "./serverless-process.ts";

/** What API Gateway gets back. */
export interface LambdaResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** An instance that a platform has started. */
export interface TestInstance {
  readonly pid: number;
  /** Everything it has logged so far. */
  output(): string;
  ask(asked: Omit<Asked, "id">): Promise<LambdaResult>;
  /** Stands still, as between two requests. */
  freeze(): void;
  thaw(): void;
}

const ROOT = resolve(import.meta.dirname, "../../..");
const started: ChildProcess[] = [];

/** Ends what {@link startInstance} has started, after each test of the file. */
export function useInstances(): void {
  afterEach(async () => {
    const ended = started
      .filter(({ exitCode }) => exitCode === null)
      .map(async (child) => once(child, "close"));
    for (const child of started.splice(0)) child.kill("SIGKILL");
    await Promise.all(ended);
  });
}

/** Starts an instance of an entry point, by its path in the repository, with nothing but this in its environment. */
export async function startInstance(
  entry: string,
  env: Readonly<Record<string, string>>,
): Promise<TestInstance> {
  const { path, loader } = startFile("test/runner/serverless/serverless-process.ts");
  const child = fork(path, [startFile(entry).path], {
    execArgv: [...loader],
    cwd: ROOT,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await Promise.race([
    once(child, "message"),
    once(child, "close").then(() => {
      throw new Error(`the instance ended before it was there:\n${output}`);
    }),
  ]);

  const waiting = new Map<number, (message: Answered) => void>();
  child.on("message", (message: Answered) => waiting.get(message.id)?.(message));
  let asked = 0;
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async ask(message) {
      const id = (asked += 1);
      const answer = new Promise<Answered>((done) => waiting.set(id, done));
      child.send({ ...message, id });
      const { result, error } = await answer;
      if (result === undefined) throw new Error(`no result but ${error}`);
      return result;
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
  };
}

interface Answered {
  readonly id: number;
  readonly result?: LambdaResult;
  readonly error?: string;
}

export interface EventOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly sourceIp?: string;
}

/** An event of an HTTP API with payload format 2.0, as API Gateway sends it; a buffer goes as base64. */
export function gatewayEvent({
  method,
  path,
  query = "",
  headers = {},
  body,
  sourceIp = "192.0.2.7",
}: EventOptions): object {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    headers: {
      accept: "*/*",
      "content-length": String(body === undefined ? 0 : Buffer.byteLength(body)),
      host: "r3pmxmplak.execute-api.us-east-2.amazonaws.com",
      "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
      "x-forwarded-for": sourceIp,
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      ...headers,
    },
    ...(query === "" ? {} : { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    requestContext: {
      accountId: "123456789012",
      apiId: "r3pmxmplak",
      domainName: "r3pmxmplak.execute-api.us-east-2.amazonaws.com",
      domainPrefix: "r3pmxmplak",
      http: { method, path, protocol: "HTTP/1.1", sourceIp, userAgent: "curl/7.88.1" },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "$default",
      stage: "$default",
      time: "10/Mar/2026:05:16:23 +0000",
      timeEpoch: 1_583_817_383_220,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : body.toString("base64") }),
    isBase64Encoded: body !== undefined && typeof body !== "string",
  };
}
