// What was ordered, without a browser: found, filtered, added up, and written as a CSV file.

import { fold } from "./names.js";

// What a filter by outcome takes, as it is offered.
export const OUTCOMES = {
  all: () => true,
  open: (order) => !order.closed_at,
  code: (order) => order.sms_count > 0,
  unused: (order) => order.closed_at && order.state !== "failed" && !order.sms_count,
  failed: (order) => order.state === "failed",
  unknown: (order) => order.state === "unknown",
};

// Orders of this outcome and application ("": any) in which each word of `find` stands somewhere.
export function matching(orders, { outcome, application, find }) {
  const words = fold(find).split(" ");
  const is = (order) => OUTCOMES[outcome](order) && (!application || order.application === application);
  return orders.filter((order) => is(order) && words.every((word) => searched(order).includes(word)));
}

function searched(order) {
  const sms = (order.sms ?? []).flatMap((one) => [one.code, one.text, one.sender]);
  const names = [order.country_name, order.operator_name, order.application_name, ...(order.names ?? [])];
  return fold([order.order, order.purchase, order.phone, order.error?.message, ...names, ...sms].join(" "));
}

// What became of an order's money: `none` (nothing was bought), `back`, `held` (its time is not over), `kept` (for a
// code, or since the provider keeps it), `unclear`.
export function moneyOf(order) {
  if (order.state === "failed") return "none";
  if (order.refunded) return "back";
  if (order.state === "unknown" || order.state === "buying") return "unclear";
  if (!order.closed_at) return "held";
  if (order.refunded === false || order.sms_count > 0) return "kept";
  return order.purchase ? "unclear" : "none"; // Without a purchase there was nothing to pay.
}

// What left the account for it where that is known, else its price.
export const costOf = (order) => order.charged ?? order.price ?? 0;

// `{count, codes, spent, back}`. Of an order in `unknown` only what is known to be gone is spent.
export function totalOf(orders) {
  const sum = (those, of) => those.reduce((total, order) => total + of(order), 0);
  const ended = (...ways) => orders.filter((order) => ways.includes(moneyOf(order)));
  const gone = (order) => (order.state === "unknown" ? (order.charged ?? 0) : costOf(order));
  const codes = orders.filter((order) => order.sms_count > 0).length;
  return { count: orders.length, codes, spent: sum(ended("held", "kept", "unclear"), gone), back: sum(ended("back"), costOf) };
}

const PLAIN = ["order", "purchase", "created_at", "closed_at", "state", "country_name", "operator_name", "application_name", "phone", "price", "charged", "refunded"];

// These orders as a file that a spreadsheet opens (RFC 4180, with the mark by which Excel knows UTF-8).
export function csvOf(orders) {
  const sms = (order, field) => (order.sms ?? []).map((one) => one[field]).filter(Boolean).join("\n");
  const lines = orders.map((order) => [...PLAIN.map((name) => order[name]), sms(order, "code"), sms(order, "text"), order.error?.message]);
  return `\ufeff${[[...PLAIN.map((name) => name.replace("_name", "")), "codes", "texts", "error"], ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("")}`;
}

// What a spreadsheet would take for a formula gets an apostrophe: texts are strangers'.
function cell(value) {
  let text = String(value ?? "");
  if (/^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.]+$/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
