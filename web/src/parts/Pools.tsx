/** The pools of a month, with their three legs: the one that won is marked. */

import { askJson } from "../api/client";
import type { Page } from "../api/shapes";
import { figure } from "../model/figures";
import { useLoaded } from "../model/load";
import { useWords } from "../words";
import { Loading, Problem } from "./Problem";
import { Right } from "./Right";

const LEGS = ["unit_leg", "sub_leg", "rev_leg"] as const;
const QUERY = "measures=pool_krw,unit_leg_uwon,sub_leg_uwon,rev_leg_uwon&by=product,product_name,right_type,winner&order=product,right_type&rows=10000";

export function Pools({ month }: { month: string }) {
  const { t } = useWords();
  const { value, error, isLoading } = useLoaded(month, (signal) => askJson<Page>(`/v1/query?${QUERY}&from=${month}&to=${month}`, signal));
  return (
    <section className="pools">
      <h2>
        {t("months.pools")} {month}
      </h2>
      <p className="hint">{t("months.poolsWhy")}</p>
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {value && <PoolTable page={value} />}
    </section>
  );
}

function PoolTable({ page }: { page: Page }) {
  const { t } = useWords();
  return (
    <div className="table-place" tabIndex={0} role="region" aria-label={t("months.pools")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("months.product")}</th>
            <th scope="col">{t("months.right")}</th>
            {LEGS.map((leg) => (
              <th key={leg} scope="col" className="is-figure">
                {t("months.unit", { leg: t(`months.legs.${leg}`) })}
              </th>
            ))}
            <th scope="col" className="is-figure">
              {t("months.pool")}
            </th>
          </tr>
        </thead>
        <tbody>
          {page.rows.map(([product, name, right, winner, pool, ...legs]) => (
            <tr key={`${product ?? ""} ${right ?? ""}`}>
              <th scope="row">{name || product}</th>
              <td>
                <Right name={String(right)} />
              </td>
              {LEGS.map((leg, at) => (
                <td key={leg} className={leg === winner ? "is-figure is-winner" : "is-figure"}>
                  {leg === winner && <span className="tag won">{t("months.won")}</span>}
                  {figure(legs[at] ?? null, "uwon")}
                </td>
              ))}
              <td className="is-figure">
                <strong>{figure(pool ?? null, "krw")}</strong>
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={5}>
              {t("explore.total")}
            </th>
            <td className="is-figure">{figure(page.trailer.totals.pool_krw ?? null, "krw")}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
