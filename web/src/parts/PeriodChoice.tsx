/** The period: months, or days where figures are kept by day. */

import { useWords } from "../words";

interface Props {
  from: string;
  to: string;
  isByMonth: boolean;
  change: (from: string, to: string) => void;
}

export function PeriodChoice({ from, to, isByMonth, change }: Props) {
  const { t } = useWords();
  const isDays = from.length === 10;
  const kind = isDays ? "date" : "month";
  const asDays = () => change(`${from.slice(0, 7)}-01`, lastDay(to.slice(0, 7)));
  const asMonths = () => change(from.slice(0, 7), to.slice(0, 7));
  return (
    <fieldset className="period">
      <legend>{t("explore.period")}</legend>
      <div className="segments" role="group" aria-label={t("explore.period")}>
        <button type="button" aria-pressed={!isDays} onClick={asMonths}>
          {t("explore.byMonth")}
        </button>
        <button type="button" aria-pressed={isDays} disabled={isByMonth && !isDays} onClick={asDays}>
          {t("explore.byDay")}
        </button>
      </div>
      <div className="period-ends">
        <input type={kind} aria-label={t("explore.from")} value={from} required onChange={(event) => change(event.target.value, event.target.value > to ? event.target.value : to)} />
        <span aria-hidden="true">–</span>
        <input type={kind} aria-label={t("explore.to")} value={to} min={from} required onChange={(event) => change(from, event.target.value)} />
      </div>
    </fieldset>
  );
}

function lastDay(month: string): string {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return `${month}-${String(new Date(Date.UTC(year, number, 0)).getUTCDate()).padStart(2, "0")}`;
}
