/** What is asked: period, measures, grain, filters. Nothing is asked before “Show”. */

import { useId, useState } from "react";

import type { Meta } from "../api/shapes";
import { fitsDimension, fitsMeasure, isByMonth, sourcesOf } from "../model/fitting";
import type { View } from "../model/view";
import { useWords } from "../words";
import { Choices } from "./Choices";
import { Filters } from "./Filters";
import { PeriodChoice } from "./PeriodChoice";

const TOPS = [5, 10, 20, 50];

interface Props {
  meta: Meta;
  view: View;
  isOpen: boolean;
  show: (view: View) => void;
}

export function QuestionForm({ meta, view, isOpen, show }: Props) {
  const { t } = useWords();
  const [draft, setDraft] = useState(view);
  const change = (part: Partial<View>) => setDraft({ ...draft, ...part });
  const usable = [...new Set(sourcesOf(meta, draft.measures, []).flatMap((name) => meta.sources[name]?.dimensions ?? []))];
  const isWide = matchMedia("(min-width: 900px)").matches;
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    show(asked(draft));
  };
  return (
    <details className="question" open={isOpen || isWide}>
      <summary>{t("explore.conditions")}</summary>
      <form onSubmit={submit}>
        <PeriodChoice from={draft.from} to={draft.to} isByMonth={isByMonth(meta, draft.measures, draft.by)} change={(from, to) => change({ from, to })} />
        <Choices legend={t("explore.measures")} all={meta.measures} chosen={draft.measures} fits={(name) => fitsMeasure(meta, draft.measures, draft.by, name)} choose={(measures) => change({ measures })} />
        <Choices legend={t("explore.dimensions")} all={meta.dimensions} chosen={draft.by} fits={(name) => fitsDimension(meta, draft.measures, draft.by, name)} choose={(by) => change({ by })} />
        <TopChoice meta={meta} draft={draft} change={change} />
        <Filters meta={meta} names={usable} where={draft.where} change={(where) => change({ where })} />
        <div className="submit">
          <button type="submit" className="primary" disabled={draft.measures.length === 0}>
            {t("explore.run")}
          </button>
          {draft.measures.length === 0 && <p className="hint">{t("explore.needMeasure")}</p>}
        </div>
      </form>
    </details>
  );
}

function TopChoice({ meta, draft, change }: { meta: Meta; draft: View; change: (part: Partial<View>) => void }) {
  const { t, label } = useWords();
  const id = useId();
  const of = draft.by.filter((name) => !["day", "month"].includes(name));
  const chosen = draft.top && of.includes(draft.top.of) ? `${draft.top.count}:${draft.top.of}` : "";
  const choose = (text: string) => {
    const [count = "", name = ""] = text.split(":");
    change({ top: text === "" ? null : { count: Number(count), of: name } });
  };
  return (
    <fieldset>
      <legend>
        <label htmlFor={id}>{t("explore.topOf")}</label>
      </legend>
      <select id={id} value={chosen} onChange={(event) => choose(event.target.value)}>
        <option value="">{t("explore.topNone")}</option>
        {of.flatMap((name) =>
          TOPS.map((count) => (
            <option key={`${count}:${name}`} value={`${count}:${name}`}>
              {label(meta.dimensions[name])} · {t("explore.top", { count })}
            </option>
          )),
        )}
      </select>
    </fieldset>
  );
}

/** The draft as it can be asked: an order that names what is there, largest first where nobody said. */
function asked(draft: View): View {
  const names = [...draft.measures, ...draft.by];
  const kept = draft.order.filter((name) => names.includes(name.replace("-", "")));
  const time = draft.by.filter((name) => ["day", "month"].includes(name));
  const usual = [...time, ...draft.measures.slice(0, 1).map((name) => `-${name}`)];
  const top = draft.top && draft.by.includes(draft.top.of) ? draft.top : null;
  return { ...draft, top, order: kept.length > 0 ? kept : usual };
}
