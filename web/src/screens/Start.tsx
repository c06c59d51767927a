/** Ready-made views, and those that somebody saved: most questions are one click away. */

import { useState } from "react";

import type { House } from "../app";
import { readyViews } from "../model/ready";
import { forgetView, savedViews } from "../model/saved";
import { linkOf } from "../model/view";
import { useWords } from "../words";

export function Start({ house }: { house: House }) {
  const { t } = useWords();
  const [saved, setSaved] = useState(savedViews);
  const forget = (name: string) => {
    forgetView(name);
    setSaved(savedViews());
  };
  return (
    <div className="page start">
      <header className="page-head">
        <h1>{t("start.heading")}</h1>
        <p className="hint">{t("start.month", { month: house.latest })}</p>
      </header>
      <ul className="cards">
        {readyViews(house.meta, house.latest).map(({ name, view }) => (
          <li key={name}>
            <a className="card" href={linkOf(view)}>
              <strong>{t(`ready.${name}.name`)}</strong>
              <span>{t(`ready.${name}.why`)}</span>
            </a>
          </li>
        ))}
        <li>
          <a className="card is-own" href="#/explore">
            <strong>{t("start.own")}</strong>
            <span>{t("start.ownWhy")}</span>
          </a>
        </li>
      </ul>
      <section>
        <h2>{t("start.saved")}</h2>
        {saved.length === 0 && <p className="hint">{t("start.noSaved")}</p>}
        <ul className="saved">
          {saved.map(({ name, link }) => (
            <li key={name}>
              <a href={link}>{name}</a>
              <button type="button" className="quiet" aria-label={t("start.forget", { name })} onClick={() => forget(name)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
