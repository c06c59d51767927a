/** Filters of a view: values that are kept, and values that are left out. */

import { useState } from "react";

import type { Meta } from "../api/shapes";
import { useWords } from "../words";

interface Props {
  meta: Meta;
  names: string[];
  where: string[];
  change: (where: string[]) => void;
}

export function Filters({ meta, names, where, change }: Props) {
  const { t, label } = useWords();
  const [name, setName] = useState("");
  const [mark, setMark] = useState(":");
  const [value, setValue] = useState("");
  const of = names.includes(name) ? name : (names[0] ?? "");
  const add = () => {
    if (value === "" || of === "") return;
    change([...new Set([...where, `${of}${mark}${value}`])]);
    setValue("");
  };
  const said = (filter: string) => {
    const [, dimension = "", not, text = ""] = /^([a-z_]+)(!?):(.*)$/s.exec(filter) ?? [];
    return `${label(meta.dimensions[dimension])} ${not ? "≠" : "="} ${text}`;
  };
  return (
    <fieldset className="filters">
      <legend>{t("explore.filters")}</legend>
      {where.length > 0 && (
        <ul className="filter-list">
          {where.map((filter) => (
            <li key={filter}>
              <span>{said(filter)}</span>
              <button type="button" className="quiet" aria-label={t("explore.remove", { what: said(filter) })} onClick={() => change(where.filter((other) => other !== filter))}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="filter-new">
        <select aria-label={t("explore.filterOf")} value={of} onChange={(event) => setName(event.target.value)}>
          {names.map((dimension) => (
            <option key={dimension} value={dimension}>
              {label(meta.dimensions[dimension])}
            </option>
          ))}
        </select>
        <select aria-label={`${t("explore.is")} / ${t("explore.isNot")}`} value={mark} onChange={(event) => setMark(event.target.value)}>
          <option value=":">{t("explore.is")}</option>
          <option value="!:">{t("explore.isNot")}</option>
        </select>
        <input
          aria-label={t("explore.value")}
          placeholder={t("explore.value")}
          value={value}
          onChange={(event) => setValue(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <button type="button" onClick={add} disabled={value === ""}>
          {t("explore.add")}
        </button>
      </div>
    </fieldset>
  );
}
