import * as fc from "fast-check";
import { bodiesFor, contentTypes, oddBodies } from "./bodies.ts";
import type { Description, Operation, Parameter } from "./description.ts";
import type { Sending, Shot } from "./shot.ts";
import { oddText, oddValue, valuesOf, type Vocabulary } from "./values.ts";

/** Requests that are in the description, valid or with an error. */

export interface ShotOptions extends Vocabulary {
  readonly description: Description;
  /** Bodies longer than this are refused. */
  readonly bodyBytesMax: number;
}

export const credentials: fc.Arbitrary<Shot["credentials"]> = fc.oneof(
  { weight: 8, arbitrary: fc.constant("token" as const) },
  { weight: 2, arbitrary: fc.constantFrom("none" as const, "odd" as const) },
);

const sending: fc.Arbitrary<Sending> = fc.oneof(
  { weight: 200, arbitrary: fc.constant("whole" as const) },
  { weight: 40, arbitrary: fc.constantFrom("chunked" as const, "in_pieces" as const) },
  { weight: 10, arbitrary: fc.constant("truncated" as const) },
  // Rare, because each of them waits until the server times out.
  { weight: 1, arbitrary: fc.constant("stalled" as const) },
);

/** Requests for one operation: valid ones, and ones with an error in a parameter, the body or the way they are sent. */
export function operationShots(operation: Operation, options: ShotOptions): fc.Arbitrary<Shot> {
  const { parameters, bodySchema } = operation;
  const body = bodySchema === undefined ? rarely(oddBodies(options)) : bodiesFor(bodySchema, options);
  return fc
    .record({
      texts: fc.tuple(...parameters.map((parameter) => parameterText(parameter, options))),
      extra: rarely(fc.tuple(oddText, oddText)),
      credentials,
      body,
      sending,
      contentType: contentTypes,
    })
    .map((made): Shot => {
      const given = parameters.map((parameter, at) => ({ ...parameter, text: made.texts[at] }));
      const headers = given.flatMap(({ name, in: location, text }) =>
        location === "header" && text !== undefined ? [[name, headerText(text)] as const] : [],
      );
      return {
        operation,
        wellFormed: true,
        method: operation.method,
        target: targetOf(operation.path, given, made.extra),
        credentials: made.credentials,
        headers: made.body === undefined ? headers : [...headers, ...made.contentType],
        body: made.body,
        sending: made.body === undefined ? "whole" : made.sending,
      };
    });
}

/** As it is sent; undefined when it is left out. */
function parameterText(
  { schema, required, in: location }: Parameter,
  options: ShotOptions,
): fc.Arbitrary<string | undefined> {
  const given = fc.oneof(
    { weight: 4, arbitrary: valuesOf(schema, options).map(asText) },
    { weight: 1, arbitrary: fc.oneof(oddText, oddValue.map(asText)) },
  );
  if (location === "path") return given;
  const leftOut = fc.constant(undefined);
  return fc.oneof(
    { weight: required === true ? 20 : 1, arbitrary: given },
    { weight: 1, arbitrary: leftOut },
  );
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

const TEXT_LENGTH_MAX = 2_000;

function targetOf(
  path: string,
  given: readonly (Pick<Parameter, "name" | "in"> & { readonly text: string | undefined })[],
  extra: readonly [string, string] | undefined,
): string {
  const query: string[] = extra === undefined ? [] : [`${percent(extra[0])}=${percent(extra[1])}`];
  let target = path;
  for (const { name, in: location, text } of given) {
    if (text === undefined) continue;
    if (location === "path") target = target.replace(`{${name}}`, () => percent(text));
    if (location === "query") query.push(`${percent(name)}=${percent(text)}`);
  }
  return query.length === 0 ? target : `${target}?${query.join("&")}`;
}

/** Percent-encoded; encodeURIComponent alone throws for lone surrogates. */
function percent(text: string): string {
  return encodeURIComponent(text.slice(0, TEXT_LENGTH_MAX).toWellFormed());
}

/** Replaces characters that are not allowed in a header. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, TEXT_LENGTH_MAX);
}

/** Mostly undefined. */
function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}
