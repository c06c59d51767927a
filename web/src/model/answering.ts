/** From a view to its answer: where only the largest are wanted, they are found first. */

import { askJson } from "../api/client";
import type { Page } from "../api/shapes";
import { stream, type Answer } from "../api/stream";
import { narrowed, questionOf, topQuestionOf, type View } from "./view";

/** Asks; `plain` is told the view as the service takes it.
 * @throws Refused when there is no answer.
 */
export async function answerOf(view: View, plain: (view: View) => void, notice: (answer: Answer) => void, signal: AbortSignal): Promise<void> {
  const asked = view.top === null ? view : await withTop(view, view.top, signal);
  plain(asked);
  await stream(questionOf(asked), notice, signal);
}

async function withTop(view: View, top: { count: number; of: string }, signal: AbortSignal): Promise<View> {
  const page = await askJson<Page>(`/v1/query?rows=${top.count}&${topQuestionOf(view, top)}`, signal);
  const values = page.rows.map(([value]) => String(value));
  return values.length > 0 ? narrowed(view, top.of, values) : { ...view, top: null };
}
