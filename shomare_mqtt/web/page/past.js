// What was ordered, without a browser: found, filtered, added up, and written as a CSV file.

import { fold } from "./names.js";

/** What a filter by outcome takes, in the order in which it is offered. */
export const OUTCOMES = {
  all: () => true,
  open: (order) => !order.closed_at,
  code: (order) => order.sms_count > 0,
  unused: (order) => Boolean(order.closed_at) && order.state !== "failed" && order.sms_count === 0,
  failed: (order) => order.state === "failed",
  unknown: (order) => order.state === "unknown",
};

/** Orders of this outcome and application in which each word of `find` stands somewhere. */
export function matching(orders, { outcome = "all", application = "", find = "" }) {
  const words = fold(find).split(" ").filter(Boolean);
  return orders.filter(
    (order) =>
      OUTCOMES[outcome](order) &&
      (application === "" || order.application === application) &&
      words.every((word) => haystack(order).includes(word)),
  );
}

function haystack(order) {
  const said = (order.sms || []).flatMap((sms) => [sms.code, sms.text, sms.sender]);
  const names = [order.country_name, order.operator_name, order.application_name, ...(order.keys ?? [])];
  const error = order.error ? [order.error.code, order.error.message] : [];
  return fold([order.order, order.purchase, order.phone, ...names, ...said, ...error].filter(Boolean).join(" "));
}

/** The applications among these orders, as `[id, name]`, by name. */
export function applicationsOf(orders) {
  const names = new Map(orders.map((order) => [order.application, order.application_name || order.application]));
  return [...names].sort((one, other) => one[1].localeCompare(other[1]));
}

/**
 * What became of an order's money: `none` (nothing was bought), `back`, `kept` (refused to come back, or spent on a
 * code), `held` (its time is not over), `unclear` (nobody knows).
 */
export function moneyOf(order) {
  if (order.state === "failed") return "none";
  if (order.refunded === true) return "back";
  if (order.state === "unknown") return "unclear";
  if (order.state === "buying") return "unclear";
  if (!order.closed_at) return "held";
  if (order.refunded === false || order.sms_count > 0) return "kept";
  // Cancelled before anything was bought: a purchase is what could have cost.
  return order.purchase === null ? "none" : "unclear";
}

/** What an order cost, or may have: what left the account where that is known, else the price. */
export function costOf(order) {
  return order.charged ?? order.price;
}

/** `{count, codes, spent, back}` of these orders; an order in doubt counts as spent only where its money is known to be gone. */
export function totalOf(orders) {
  const total = { count: orders.length, codes: 0, spent: 0, back: 0 };
  for (const order of orders) {
    const money = moneyOf(order);
    if (order.sms_count > 0) total.codes += 1;
    if (money === "back") total.back += costOf(order) ?? 0;
    else if (money === "unclear" && order.state === "unknown") total.spent += order.charged ?? 0;
    else if (money !== "none") total.spent += costOf(order) ?? 0;
  }
  return total;
}

const COLUMNS = {
  order: (order) => order.order,
  purchase: (order) => order.purchase,
  created_at: (order) => order.created_at,
  closed_at: (order) => order.closed_at,
  state: (order) => order.state,
  country: (order) => order.country_name || order.country,
  operator: (order) => order.operator_name || order.operator,
  application: (order) => order.application_name || order.application,
  phone: (order) => order.phone,
  price: (order) => order.price,
  charged: (order) => order.charged,
  refunded: (order) => order.refunded,
  codes: (order) => (order.sms || []).map((sms) => sms.code).filter(Boolean).join(" "),
  texts: (order) => (order.sms || []).map((sms) => sms.text).filter(Boolean).join("\n"),
  error: (order) => (order.error ? `${order.error.code}: ${order.error.message}` : null),
};

/**
 * These orders as a file that a spreadsheet opens (RFC 4180, with a byte order mark, by which Excel knows UTF-8). What
 * it would take for a formula comes with an apostrophe before it: the texts are strangers'.
 */
export function csvOf(orders) {
  const lines = [Object.keys(COLUMNS), ...orders.map((order) => Object.values(COLUMNS).map((column) => column(order)))];
  return `\ufeff${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value) {
  if (value === null || value === undefined) return "";
  let text = String(value);
  if (/^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.]+$/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
