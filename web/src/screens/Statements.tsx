/** A partner's statement of a closed month: what it comes to, both ways of settling side by side, its files. */

import type { House } from "../app";
import { useLoaded } from "../model/load";
import { closedOf, partnersOf } from "../model/partners";
import { go } from "../model/route";
import { BothWays } from "../parts/BothWays";
import { Loading, Problem } from "../parts/Problem";
import { StatementFilesTable } from "../parts/StatementFilesTable";
import { StatementSum } from "../parts/StatementSum";
import { useWords } from "../words";

const link = (month: string, partner: string) => `#/statements?month=${month}${partner && `&partner=${partner}`}`;

export function Statements({ query, house }: { query: URLSearchParams; house: House }) {
  const { t } = useWords();
  const closed = closedOf(house.months);
  const month = query.get("month") ?? closed[0] ?? "";
  const { value, error, isLoading } = useLoaded(month || null, (signal) => partnersOf(month, signal));
  const partner = query.get("partner") ?? String(value?.[0]?.partner ?? "");
  return (
    <div className="page">
      <h1>{t("statements.heading")}</h1>
      {closed.length === 0 && <p className="hint">{t("statements.noMonth")}</p>}
      <div className="pickers">
        <label>
          {t("statements.month")}
          <select value={month} onChange={(event) => go(link(event.target.value, ""))}>
            {closed.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          {t("statements.partner")}
          <select value={partner} onChange={(event) => go(link(month, event.target.value))}>
            {value?.map((found) => (
              <option key={found.partner} value={found.partner}>
                {found.partner} {found.name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {value?.length === 0 && <p className="hint">{t("statements.none")}</p>}
      {partner !== "" && value && (
        <div className="statement" key={`${month} ${partner}`}>
          <StatementSum month={month} partner={partner} />
          <BothWays month={month} partner={partner} />
          <StatementFilesTable month={month} partner={partner} />
        </div>
      )}
    </div>
  );
}
