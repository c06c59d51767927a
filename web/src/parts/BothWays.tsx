/** A partner's amounts as they were settled, and as they would be if all were pro rata. */

import { askJson } from "../api/client";
import type { Page } from "../api/shapes";
import { figure } from "../model/figures";
import { useLoaded } from "../model/load";
import { useWords } from "../words";
import { Loading, Problem } from "./Problem";
import { Right } from "./Right";

export function BothWays({ month, partner }: { month: string; partner: string }) {
  const { t } = useWords();
  const query = `measures=amount_uwon,shadow_uwon&by=product,product_name,right_type&from=${month}&to=${month}&where=partner:${partner}&order=-amount_uwon&rows=10000`;
  const { value, error, isLoading } = useLoaded(query, (signal) => askJson<Page>(`/v1/query?${query}`, signal));
  return (
    <section>
      <h2>{t("statements.centric")}</h2>
      <p className="hint">{t("statements.centricWhy")}</p>
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {value && <BothTable page={value} />}
    </section>
  );
}

function BothTable({ page }: { page: Page }) {
  const { t } = useWords();
  const { amount_uwon: amount = "0", shadow_uwon: shadow = "0" } = page.trailer.totals;
  return (
    <div className="table-place" tabIndex={0} role="region" aria-label={t("statements.centric")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("statements.product")}</th>
            <th scope="col">{t("statements.right")}</th>
            {(["amount", "shadow", "difference"] as const).map((name) => (
              <th key={name} scope="col" className="is-figure">
                {t(`statements.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.rows.map(([product, name, right, own, all]) => (
            <tr key={`${product ?? ""} ${right ?? ""}`}>
              <th scope="row">{name || product}</th>
              <td>
                <Right name={String(right)} />
              </td>
              <Figures amount={own ?? 0} shadow={all ?? 0} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              {t("statements.total")}
            </th>
            <Figures amount={amount} shadow={shadow} />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Figures({ amount, shadow }: { amount: string | number; shadow: string | number }) {
  const difference = BigInt(amount) - BigInt(shadow);
  const shown = figure(difference, "uwon");
  const sign = shown === figure(0, "uwon") ? "" : difference > 0n ? "is-more" : "is-less";
  return (
    <>
      <td className="is-figure">{figure(amount, "uwon")}</td>
      <td className="is-figure">{figure(shadow, "uwon")}</td>
      <td className={`is-figure ${sign}`}>
        {sign === "is-more" && "+"}
        {shown}
      </td>
    </>
  );
}
