/** A view: what is asked, as it stands in the page's address and is saved. */

import type { Question } from "../api/shapes";

export interface View {
  measures: string[];
  by: string[];
  from: string;
  to: string;
  /** `dimension:value` keeps, `dimension!:value` leaves out. */
  where: string[];
  /** Names; `-` in front: largest first. */
  order: string[];
  limit: number | null;
  /** Only the largest so many of a dimension, by the first measure over the whole period. */
  top: { count: number; of: string } | null;
}

export const emptyView = (month: string): View => ({
  measures: [],
  by: [],
  from: month,
  to: month,
  where: [],
  order: [],
  limit: null,
  top: null,
});

const listed = (text: string | null): string[] => (text ? text.split(",") : []);

export function viewOf(query: URLSearchParams, month: string): View {
  const top = /^(\d{1,3}):([a-z_]+)$/.exec(query.get("top") ?? "");
  const from = query.get("from") ?? month;
  return {
    measures: listed(query.get("measures")),
    by: listed(query.get("by")),
    from,
    to: query.get("to") ?? from,
    where: query.getAll("where"),
    order: listed(query.get("order")),
    limit: Number(query.get("limit")) || null,
    top: top?.[1] !== undefined && top[2] !== undefined ? { count: Number(top[1]), of: top[2] } : null,
  };
}

/** The question as the service takes it. */
export function questionOf(view: View): string {
  const query = new URLSearchParams({ measures: view.measures.join(","), from: view.from, to: view.to });
  if (view.by.length > 0) query.set("by", view.by.join(","));
  for (const filter of view.where) query.append("where", filter);
  if (view.order.length > 0) query.set("order", view.order.join(","));
  if (view.limit !== null) query.set("limit", String(view.limit));
  return query.toString();
}

const WHERE = /^([a-z_]+)(!?):(.*)$/s;

/** The question as a body. */
export function bodyOf(view: View): Question {
  const filters = new Map<string, Question["filters"][number]>();
  for (const text of view.where) {
    const [, dimension = "", not, value = ""] = WHERE.exec(text) ?? [];
    const filter = filters.get(`${dimension}${not}`) ?? { dimension, op: not ? "not_in" : "in", values: [] };
    filters.set(`${dimension}${not}`, { ...filter, values: [...filter.values, value] });
  }
  const period = { from: view.from, to: view.to };
  return { measures: view.measures, dimensions: view.by, period, filters: [...filters.values()], order: view.order, limit: view.limit };
}

/** The view that asks a question; null: a view can't say one of its filters. */
export function viewFrom({ measures, dimensions, period, filters, order, limit }: Question): View | null {
  if (filters.some(({ op }) => op !== "in" && op !== "not_in")) return null;
  const where = filters.flatMap(({ dimension, op, values }) => values.map((value) => `${dimension}${op === "in" ? "" : "!"}:${value}`));
  return { measures, by: dimensions, ...period, where, order, limit, top: null };
}

/** The view's address in the page. */
export function linkOf(view: View): string {
  const top = view.top ? `&top=${view.top.count}:${view.top.of}` : "";
  return `#/explore?${questionOf(view)}${top}`;
}

/** The question that finds the largest of `top`. */
export function topQuestionOf(view: View, top: { count: number; of: string }): string {
  const measure = view.measures[0] ?? "";
  return questionOf({ ...view, measures: [measure], by: [top.of], order: [`-${measure}`], limit: top.count, top: null });
}

/** The view narrowed down to values of a dimension. */
export const narrowed = (view: View, of: string, values: string[]): View => ({
  ...view,
  top: null,
  where: [...view.where.filter((filter) => !filter.startsWith(`${of}:`)), ...values.map((value) => `${of}:${value}`)],
});
