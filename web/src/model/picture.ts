/** Which picture an answer makes: a line for each of the largest over time, or the largest as bars. */

import type { Answer } from "../api/stream";
import type { Column } from "../api/shapes";
import { drawn } from "./figures";

export const MOST_ROWS = 200_000;
const MOST_LINES = 10;
const MOST_BARS = 15;
const LONGEST = 24;
const TIMES = ["day", "month"];

export interface Picture {
  kind: "line" | "bar";
  /** Column of the measure that is drawn. */
  measure: number;
  labels: string[];
  series: { name: string; values: number[] }[];
}

/** The picture of the first measure; null when there is nothing to compare. */
export function pictureOf(answer: Answer): Picture | null {
  const { columns } = answer.header;
  const measure = columns.findIndex((column) => column.is_measure);
  const time = columns.findIndex((column) => TIMES.includes(column.name));
  if (measure < 0 || answer.rows.count < 2) return null;
  const sums = summed(answer, namesOf(columns), time, measure);
  return time >= 0 ? lines(sums, measure) : bars(sums, measure);
}

/** Columns that name a row: titles where there are any, otherwise numbers. */
function namesOf(columns: Column[]): number[] {
  const named = columns.map((column, at) => ({ column, at })).filter(({ column }) => !column.is_measure && !TIMES.includes(column.name));
  const titles = named.filter(({ column }) => column.type === "text" && !named.some((other) => other.column.name === `${column.name}_name`));
  return (titles.length > 0 ? titles : named).map(({ at }) => at);
}

type Sums = Map<string, Map<string, number>>;

/** Figures by name and time. */
function summed({ rows, header }: Answer, names: number[], time: number, measure: number): Sums {
  const unit = header.columns[measure]?.unit;
  const sums: Sums = new Map();
  for (let row = 0; row < rows.count; row++) {
    const name = names.map((column) => String(rows.cell(row, column) ?? "–").trim() || "–").join(" · ");
    const when = time < 0 ? "" : String(rows.cell(row, time));
    const of = sums.get(name) ?? new Map<string, number>();
    sums.set(name, of.set(when, (of.get(when) ?? 0) + drawn(rows.cell(row, measure), unit)));
  }
  return sums;
}

const sizeOf = (values: Map<string, number>): number => [...values.values()].reduce((sum, value) => sum + value, 0);
const short = (name: string): string => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);
const largest = (sums: Sums, most: number) => [...sums].sort(([, a], [, b]) => sizeOf(b) - sizeOf(a)).slice(0, most);

function lines(sums: Sums, measure: number): Picture {
  const times = [...new Set([...sums.values()].flatMap((values) => [...values.keys()]))].sort();
  const series = largest(sums, MOST_LINES).map(([name, values]) => ({ name: short(name), values: times.map((time) => values.get(time) ?? 0) }));
  return { kind: "line", measure, labels: times, series };
}

function bars(sums: Sums, measure: number): Picture {
  const found = largest(sums, MOST_BARS);
  return { kind: "bar", measure, labels: found.map(([name]) => short(name)), series: [{ name: "", values: found.map(([, values]) => sizeOf(values)) }] };
}
