/** An answer as a picture: lines over time, otherwise the largest as bars. The grid beside it holds the same figures. */

import { BarController, BarElement, CategoryScale, Chart as Drawing, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip } from "chart.js";
import { useEffect, useRef } from "react";

import type { Answer } from "../api/stream";
import { MOST_ROWS, pictureOf, type Picture } from "../model/picture";
import { useWords } from "../words";

Drawing.register(BarController, BarElement, CategoryScale, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip);

const COLOURS = 10;

export function Chart({ answer }: { answer: Answer }) {
  const { t, label, language } = useWords();
  const canvas = useRef<HTMLCanvasElement>(null);
  const isLarge = answer.rows.count > MOST_ROWS;
  const picture = isLarge ? null : pictureOf(answer);
  const measure = picture && answer.header.columns[picture.measure];
  const title = measure ? `${label(measure)} (${t(`units.${measure.unit ?? "lines"}` as "units.krw")})` : "";

  useEffect(() => {
    if (!canvas.current || !picture) return;
    let drawing = draw(canvas.current, picture, language);
    const again = () => {
      drawing.destroy();
      if (canvas.current) drawing = draw(canvas.current, picture, language);
    };
    addEventListener("themechange", again);
    return () => {
      removeEventListener("themechange", again);
      drawing.destroy();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the picture is the answer's
  }, [answer, language]);

  if (isLarge) return <p className="hint">{t("explore.chartLarge", { count: MOST_ROWS.toLocaleString() as unknown as number })}</p>;
  if (!picture) return null;
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      <div className="chart-place">
        <canvas ref={canvas} role="img" aria-label={`${t("explore.chart")}: ${title}`} />
      </div>
    </figure>
  );
}

function draw(canvas: HTMLCanvasElement, picture: Picture, language: string): Drawing {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const isBar = picture.kind === "bar";
  Drawing.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Drawing.defaults.color = colour("--muted");
  const figures = { beginAtZero: true, border: { display: false }, grid: { color: colour("--line") }, ticks: { callback: (v: string | number) => short.format(Number(v)), maxTicksLimit: 6 } };
  const names = { grid: { display: false }, border: { color: colour("--line") }, ticks: { maxRotation: 0, autoSkipPadding: 16 } };
  return new Drawing(canvas, {
    type: picture.kind,
    data: {
      labels: picture.labels,
      datasets: picture.series.map(({ name, values }, at) => ({
        label: name,
        data: values,
        backgroundColor: colour(`--series-${at % COLOURS}`),
        borderColor: colour(`--series-${at % COLOURS}`),
        borderWidth: isBar ? 0 : 2,
        borderRadius: 3,
        maxBarThickness: 18,
        pointRadius: 0,
        pointHitRadius: 8,
        tension: 0,
      })),
    },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      indexAxis: isBar ? "y" : "x",
      interaction: { mode: "index", axis: isBar ? "y" : "x", intersect: false },
      scales: isBar ? { x: figures, y: { ...names, ticks: { autoSkip: false } } } : { x: names, y: figures },
      plugins: {
        legend: { display: picture.series.length > 1, position: "bottom", labels: { boxWidth: 6, boxHeight: 6, usePointStyle: true, padding: 12 } },
        tooltip: { itemSort: (a, b) => Number(b.raw) - Number(a.raw) },
      },
    },
  });
}
