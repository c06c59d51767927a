/** Whose report, of which closed months, in which format. */

import { useState } from "react";

import { post } from "../api/client";
import type { Report } from "../api/shapes";
import type { House } from "../app";
import { useLoaded } from "../model/load";
import { closedOf, partnersOf } from "../model/partners";
import { useWords } from "../words";
import { Problem } from "./Problem";

const FORMATS = ["xlsx", "csv", "pdf", "dsr"];

interface Props {
  house: House;
  asked: () => void;
}

export function ReportForm({ house, asked }: Props) {
  const { t } = useWords();
  const closed = closedOf(house.months);
  const newest = closed[0] ?? "";
  const [form, setForm] = useState({ partner: "", first: newest, last: newest, format: "xlsx" });
  const [isBusy, setIsBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const { value, error } = useLoaded(form.last || null, (signal) => partnersOf(form.last, signal));
  const partners = value?.map(({ partner, name }) => ({ value: String(partner), text: `${partner} ${name}` })) ?? [];
  // Suspense has a report as well; it is nobody's first choice.
  const usual = partners.find((found) => found.value !== "0") ?? partners[0];
  const partner = partners.some((found) => found.value === form.partner) ? form.partner : (usual?.value ?? "");
  const months = closed.map((month) => ({ value: month, text: month }));

  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    setIsBusy(true);
    setFailed(null);
    const body = { partner: Number(partner), first_month: form.first, last_month: form.last, format: form.format };
    post<Report>("/v1/reports", body)
      .then(asked, setFailed)
      .finally(() => setIsBusy(false));
  };

  if (newest === "") return <p className="hint">{t("statements.noMonth")}</p>;
  const problem = failed ?? error;
  return (
    <form className="pickers" onSubmit={submit}>
      <Choice name={t("statements.partner")} value={partner} options={partners} choose={(chosen) => setForm({ ...form, partner: chosen })} />
      <Choice name={t("reports.first")} value={form.first} options={months} choose={(first) => setForm({ ...form, first, last: first > form.last ? first : form.last })} />
      <Choice name={t("reports.last")} value={form.last} options={months} choose={(last) => setForm({ ...form, last, first: last < form.first ? last : form.first })} />
      <Choice name={t("reports.format")} value={form.format} options={FORMATS.map((format) => ({ value: format, text: format.toUpperCase() }))} choose={(format) => setForm({ ...form, format })} />
      <button type="submit" className="primary" disabled={isBusy || partner === ""}>
        {t("reports.ask")}
      </button>
      {problem !== null && <Problem error={problem} />}
    </form>
  );
}

interface ChoiceProps {
  name: string;
  value: string;
  options: { value: string; text: string }[];
  choose: (value: string) => void;
}

function Choice({ name, value, options, choose }: ChoiceProps) {
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => choose(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}
