/** What a statement comes to, line by line down to what is paid. */

import { askJson } from "../api/client";
import type { Page } from "../api/shapes";
import { figure } from "../model/figures";
import { useLoaded } from "../model/load";
import { useWords } from "../words";
import { Loading, Problem } from "./Problem";

const MEASURES = ["royalty_krw", "adjustment_krw", "recouped_krw", "carried_in_krw", "carried_out_krw", "payable_krw", "vat_krw", "withheld_krw", "paid_krw"];

export function StatementSum({ month, partner }: { month: string; partner: string }) {
  const { t, label } = useWords();
  const query = `measures=${MEASURES.join(",")}&by=month&from=${month}&to=${month}&where=partner:${partner}`;
  const { value, error, isLoading } = useLoaded(query, (signal) => askJson<Page>(`/v1/query?${query}`, signal));
  const row = value?.rows[0];
  return (
    <section>
      <h2>{t("statements.sum")}</h2>
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {row && (
        <dl className="sum">
          {value.columns.map(
            (column, at) =>
              column.is_measure && (
                <div key={column.name} className={column.name === "paid_krw" ? "is-paid" : undefined}>
                  <dt>{label(column)}</dt>
                  <dd>{figure(row[at] ?? null, column.unit)}</dd>
                </div>
              ),
          )}
        </dl>
      )}
    </section>
  );
}
