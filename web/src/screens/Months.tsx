/** Every month: how far it is, who asked and approved, its pools and which leg won. */

import type { Meta, Month, Version } from "../api/shapes";
import type { House } from "../app";
import { ApprovalPanel } from "../parts/ApprovalPanel";
import { Pools } from "../parts/Pools";
import { useWords } from "../words";

export function Months({ chosen, house }: { chosen: string | null; house: House }) {
  const { t } = useWords();
  const hasPools = "pool_krw" in house.meta.measures;
  const month = chosen ?? house.latest;
  return (
    <div className="page">
      <h1>{t("months.heading")}</h1>
      {house.months.length === 0 && <p className="hint">{t("months.none")}</p>}
      <ul className="months">
        {house.months.map((found) => (
          <li key={found.month}>
            <MonthCard month={found} isChosen={hasPools && found.month === month} hasPools={hasPools} airflow={house.meta.airflow} />
          </li>
        ))}
      </ul>
      {house.months.filter(isAsked).map((found) => (
        <ApprovalPanel key={found.month} month={found.month} house={house} />
      ))}
      {hasPools && house.months.length > 0 && <Pools key={month} month={month} />}
    </div>
  );
}

interface CardProps {
  month: Month;
  isChosen: boolean;
  hasPools: boolean;
  airflow: Meta["airflow"];
}

function MonthCard({ month, isChosen, hasPools, airflow }: CardProps) {
  const { t } = useWords();
  const state = stateOf(month);
  return (
    <article className={isChosen ? "month is-chosen" : "month"}>
      <header>
        <h2>{month.month}</h2>
        <span className={`tag ${state}`}>{t(`months.${state}`)}</span>
        {month.days !== undefined && <span className="hint">{t("months.days", { count: month.days })}</span>}
      </header>
      {month.versions?.map((version) => (
        <VersionLine key={version.version} version={version} />
      ))}
      {state === "waiting" && <p className="hint">{t(`months.${whereAnswered(month, airflow)}`)}</p>}
      <p className="links">
        {hasPools && <a href={`#/months?month=${month.month}`}>{t("months.openPools")}</a>}
        {month.state === "closed" && <a href={`#/statements?month=${month.month}`}>{t("months.statements")}</a>}
      </p>
    </article>
  );
}

function stateOf(month: Month): "closed" | "waiting" | "open" {
  if (month.state === "closed") return "closed";
  const newest = month.versions?.at(-1);
  return newest && newest.stages.includes("statements") && newest.approved_by === "" ? "waiting" : "open";
}

/** Whether people are asked about a month that waits, or their answer isn't in the ledger yet. */
const isAsked = (month: Month): boolean => stateOf(month) === "waiting" && month.approval !== undefined;

function whereAnswered(month: Month, airflow: Meta["airflow"]): "approveInAirflow" | "approveBelow" | "notAsked" {
  if (airflow === "unset") return "approveInAirflow";
  return isAsked(month) ? "approveBelow" : "notAsked";
}

function VersionLine({ version }: { version: Version }) {
  const { t, moment } = useWords();
  const when = (text: string) => (text === "" ? "" : moment(text));
  const facts = [
    { name: t("months.requested"), value: version.requested_by },
    { name: t("months.approved"), value: [version.approved_by, when(version.approved_at)].filter(Boolean).join(", ") },
    { name: t("months.closedAt"), value: when(version.closed_at) },
  ].filter(({ value }) => value !== "");
  return (
    <section className="version">
      <h3>
        {t("months.version", { version: version.version })}
        {version.restates !== undefined && <span className="hint"> {t("months.restates", { version: version.restates })}</span>}
        {version.posted_month !== "" && <span className="hint"> {t("months.posted", { month: version.posted_month })}</span>}
      </h3>
      <dl>
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
