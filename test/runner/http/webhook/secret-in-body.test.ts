import { expect, it } from "vitest";
import { secretIn } from "../../../../runner/http/webhook/secret-in-body.ts";

it.each([
  ['{"secret": "a b", "x": 1}', ["a b"]],
  [' [{"secret": "first"}, {"secret": "second"}]', ["first"]],
  ['{"secret": ["a"]}', []],
  ['{"x": {"secret": "deep"}}', undefined],
  ['{"secret": "a"', undefined],
  ["[]", undefined],
  ["a=1&secret=a%2Bb%20c&b=2", ["a%2Bb%20c", "a+b c"]],
  ["message=A\r\nsecret = plain+text \r\nsymbol=B", ["plain+text", "plain text"]],
  ["MESSAGE=A\nSECRET=plain\nSYMBOL=B", ["plain", "plain"]],
  ["secret=%E0%A4%A", ["%E0%A4%A", "%E0%A4%A"]],
  ["my_secret=a", undefined],
  ["", undefined],
])("the secret in %j is %j", (body, expected) => {
  expect(secretIn(body)).toEqual(expected);
});
