// Which questions are asked, which keys answer them, and when an answer is complete.

import type { Answer, Answers, Variable } from "./types";

export const NONE_OF_THESE = "none_of_these";

/** Digits, then the letters that no command of the coding screen takes (e, h, n, p, u, z). */
const KEYS = "123456789abcdfgijklmoqrstvwxy";

/** The keys of a variable's values, in their order. */
export function keysOf(variable: Variable): string[] {
  return variable.values.map((_, number) => KEYS[number] ?? "");
}

/** Skip logic: whether a variable is asked, given the answers to those before it. */
export function asked(variable: Variable, answers: Answers): boolean {
  return Object.entries(variable.only_if ?? {}).every(([name, wanted]) => {
    const answer = answers[name];
    const said = Array.isArray(answer) ? answer.map((one) => (typeof one === "string" ? one : one.value)) : [answer];
    return said.some((one) => typeof one === "string" && wanted.includes(one));
  });
}

/** The answers that remain once those to questions that are not asked any more are dropped. */
export function kept(variables: Variable[], answers: Answers): Answers {
  const left: Answers = {};
  for (const variable of variables) {
    const answer = answers[variable.name];
    if (answer !== undefined && asked(variable, left)) left[variable.name] = answer;
  }
  return left;
}

/** What is wrong with an answer, or "" if nothing is. */
export function wrong(variable: Variable, answer: Answer | undefined): string {
  if (answer === undefined) return variable.cannot_tell ? "Answer first, or press 0: cannot tell." : "Answer first.";
  if (answer === null) return "";
  if (variable.type === "continuous") return wrongNumber(variable, answer as number);
  if (variable.type === "text") return String(answer).trim() ? "" : "Write something, or press 0 outside the field.";
  return "";
}

function wrongNumber(variable: Variable, number: number): string {
  if (!Number.isFinite(number)) return "A number is expected, such as 3.5.";
  if (variable.low !== null && number < variable.low) return `At least ${variable.low} is expected.`;
  if (variable.high !== null && number > variable.high) return `At most ${variable.high} is expected.`;
  return "";
}

/** An answer in words, as lists and screen readers say it. */
export function inWords(answer: Answer | undefined): string {
  if (answer === undefined) return "not answered";
  if (answer === null) return "cannot tell";
  if (answer === NONE_OF_THESE) return "none of these";
  if (!Array.isArray(answer)) return String(answer);
  if (answer.length === 0) return "none";
  const names = answer.map((one) => (typeof one === "string" ? one : one.value));
  const boxes = answer.some((one) => typeof one !== "string");
  return [...new Set(names)].map((name) => (boxes ? `${names.filter((one) => one === name).length} × ${name}` : name)).join(", ");
}
