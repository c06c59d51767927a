/** A question on one side, its answer on the other. */

import { useState } from "react";

import type { House } from "../app";
import { go } from "../model/route";
import { linkOf, viewOf, type View } from "../model/view";
import { QuestionForm } from "../parts/QuestionForm";
import { useWords } from "../words";
import { AnswerPane } from "./AnswerPane";

export default function Explore({ query, house }: { query: URLSearchParams; house: House }) {
  const { t } = useWords();
  const view = viewOf(query, house.latest);
  const [times, setTimes] = useState(0);
  const isAsked = view.measures.length > 0;
  const show = (next: View) => {
    if (linkOf(next) === location.hash) setTimes(times + 1);
    else go(linkOf(next));
  };
  return (
    <div className="page explore">
      <h1 className="visually-hidden">{t("explore.heading")}</h1>
      <QuestionForm meta={house.meta} view={view} isOpen={!isAsked} show={show} />
      <section className="answer" aria-label={t("explore.grid")}>
        {isAsked ? <AnswerPane key={times} view={view} show={show} again={() => setTimes(times + 1)} /> : <p className="hint empty">{t("explore.empty")}</p>}
      </section>
    </div>
  );
}
