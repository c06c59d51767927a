/** Reads an answer as it streams: Arrow batches that stay as they came, and a trailer that says it is whole. */

import { DataType, RecordBatchReader, type RecordBatch } from "apache-arrow";

import { ask, Refused } from "./client";
import type { Cell, Header, Trailer } from "./shapes";
import { whole } from "./whole";

const HEADER = "settlement.header";
const TRAILER = "settlement.trailer";
const INCOMPLETE = "settlement.incomplete";
const BETWEEN_NOTICES = 150; // milliseconds

/** Rows by number, in batches; grows while it streams. */
export class Rows {
  private readonly batches: RecordBatch[] = [];
  private readonly starts: number[] = [];
  count = 0;

  add(batch: RecordBatch): void {
    this.batches.push(batch);
    this.starts.push(this.count);
    this.count += batch.numRows;
  }

  cell(row: number, column: number): Cell {
    const at = this.batchOf(row);
    const vector = this.batches[at]?.getChildAt(column);
    const value: unknown = vector?.get(row - (this.starts[at] ?? 0));
    if (value === null || value === undefined) return null;
    return DataType.isDecimal(vector?.type) ? whole(value as Uint32Array) : (value as Cell);
  }

  private batchOf(row: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export interface Answer {
  header: Header;
  rows: Rows;
  /** How far it is: only `complete` figures may be used. */
  state: "streaming" | "complete" | "incomplete";
  trailer: Trailer | null;
  /** Why it isn't whole, as the service says it; empty when it was cut off. */
  reason: string;
}

/** Reads an answer to its end; `notice` is told every now and then, and at the end.
 * @throws Refused when there is no answer at all.
 */
export async function stream(query: string, notice: (answer: Answer) => void, signal: AbortSignal): Promise<Answer> {
  const response = await ask(`/v1/query?format=arrow&${query}`, signal);
  let answer: Answer | null = null;
  let told = 0;
  try {
    const reader = await RecordBatchReader.from(response);
    await reader.open();
    const header = JSON.parse(reader.schema.metadata.get(HEADER) ?? "{}") as Header;
    answer = { header, rows: new Rows(), state: "streaming", trailer: null, reason: "" };
    for await (const batch of reader) {
      answer = taken(answer, batch);
      if (performance.now() - told < BETWEEN_NOTICES || answer.state !== "streaming") continue;
      told = performance.now();
      notice({ ...answer });
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (answer === null) throw new Refused(0, "Unreachable", "", "");
  }
  const last: Answer = answer.state === "streaming" ? { ...answer, state: "incomplete" } : answer;
  notice(last);
  return last;
}

function taken(answer: Answer, batch: RecordBatch): Answer {
  const trailer = batch.metadata.get(TRAILER);
  if (trailer !== undefined) {
    const said = JSON.parse(trailer) as Trailer;
    const isWhole = said.complete && said.rows === answer.rows.count;
    return { ...answer, state: isWhole ? "complete" : "incomplete", trailer: isWhole ? said : null };
  }
  const reason = batch.metadata.get(INCOMPLETE);
  if (reason !== undefined) return { ...answer, state: "incomplete", reason };
  if (batch.numRows > 0) answer.rows.add(batch);
  return answer;
}
