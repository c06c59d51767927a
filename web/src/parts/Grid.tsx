/** Rows of an answer, millions of them: only those in sight are drawn, and totals stay at the foot. */

import {
  type ColDef,
  createGrid,
  type GridApi,
  type IDatasource,
  InfiniteRowModelModule,
  ModuleRegistry,
  PinnedRowModule,
  CellStyleModule,
  ColumnAutoSizeModule,
  LocaleModule,
  TooltipModule,
  themeQuartz,
} from "ag-grid-community";
import { useEffect, useRef } from "react";

import type { Answer } from "../api/stream";
import type { Cell, Column } from "../api/shapes";
import { exactly, figure } from "../model/figures";
import { useWords } from "../words";

ModuleRegistry.registerModules([InfiniteRowModelModule, PinnedRowModule, CellStyleModule, ColumnAutoSizeModule, LocaleModule, TooltipModule]);

const BLOCK = 200;
const ROW_HEIGHT = 34;

/** A row: its cells, and what it is. */
interface Row {
  cells: Cell[];
  isTotal: boolean;
}

const theme = themeQuartz.withParams({
  backgroundColor: "var(--surface)",
  foregroundColor: "var(--text)",
  borderColor: "var(--line)",
  accentColor: "var(--accent)",
  headerBackgroundColor: "var(--raised)",
  headerTextColor: "var(--muted)",
  headerFontWeight: 600,
  rowHoverColor: "var(--raised)",
  fontFamily: "inherit",
  fontSize: 13,
  wrapperBorderRadius: 8,
  cellHorizontalPadding: 12,
  rowHeight: ROW_HEIGHT,
  headerHeight: 38,
});

interface Props {
  answer: Answer;
  order: string[];
  reorder: (order: string[]) => void;
}

export function Grid({ answer, order, reorder }: Props) {
  const { t, label, language } = useWords();
  const place = useRef<HTMLDivElement>(null);
  const grid = useRef<GridApi<Row> | null>(null);
  const now = useRef(answer);
  const sorted = useRef(reorder);
  useEffect(() => {
    now.current = answer;
    sorted.current = reorder;
  });
  const publication = answer.header.publication.id;

  useEffect(() => {
    if (!place.current) return;
    const names = now.current.header.columns;
    const api = createGrid<Row>(place.current, {
      theme,
      styleNonce: document.querySelector<HTMLMetaElement>("meta[name=style-nonce]")?.content ?? "",
      columnDefs: names.map((column, at) => ({ ...definition(column, at, label(column), t, order), hide: isNarrow() && hasTitle(column, names) })),
      rowModelType: "infinite",
      datasource: sourceOf(now),
      cacheBlockSize: BLOCK,
      maxBlocksInCache: 50,
      rowHeight: ROW_HEIGHT,
      alwaysShowVerticalScroll: true, // its place is kept from the beginning, when there are no rows yet
      ensureDomOrder: true,
      tooltipShowDelay: 600,
      onSortChanged: ({ api }) => {
        const state = api.getColumnState().filter(({ sort }) => sort);
        sorted.current(state.map(({ colId, sort }) => (sort === "desc" ? `-${colId}` : colId)));
      },
    });
    grid.current = api;
    return () => {
      grid.current = null;
      api.destroy();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- columns change with the answer and the language alone
  }, [publication, language]);

  useEffect(() => {
    const api = grid.current;
    if (!api) return;
    api.setRowCount(answer.rows.count, answer.state !== "streaming");
    if (answer.state !== "streaming") api.refreshInfiniteCache();
    api.setGridOption("pinnedBottomRowData", answer.trailer ? [totalsOf(answer)] : []);
  }, [answer, language]);

  return <div ref={place} className={answer.state === "incomplete" ? "grid is-incomplete" : "grid"} role="region" aria-label={t("explore.grid")} />;
}

const isNarrow = (): boolean => matchMedia("(width < 600px)").matches;

/** Whether another column names what this one numbers: on a phone the name is enough. */
const hasTitle = (column: Column, all: Column[]): boolean =>
  all.some(({ name }) => name === `${column.name}_title` || name === `${column.name}_name`);

/** Gives the grid the blocks that it asks for; more come while the answer streams. */
function sourceOf(now: { current: Answer }): IDatasource {
  return {
    getRows: (asked) => {
      const { rows, header, state } = now.current;
      const last = Math.min(asked.endRow, rows.count);
      const block: Row[] = [];
      for (let row = asked.startRow; row < last; row++) {
        block.push({ cells: header.columns.map((_, column) => rows.cell(row, column)), isTotal: false });
      }
      asked.successCallback(block, state === "streaming" ? undefined : rows.count);
    },
  };
}

function totalsOf({ header, trailer }: Answer): Row {
  return { cells: header.columns.map(({ name }) => trailer?.totals[name] ?? null), isTotal: true };
}

type Translate = ReturnType<typeof useWords>["t"];

function definition(column: Column, at: number, label: string, t: Translate, order: string[]): ColDef<Row> {
  const sort = order.includes(column.name) ? "asc" : order.includes(`-${column.name}`) ? "desc" : null;
  const common: ColDef<Row> = {
    colId: column.name,
    sortable: true,
    sort,
    sortIndex: sort ? order.findIndex((name) => name.replace("-", "") === column.name) : null,
    resizable: true,
    valueGetter: ({ data }) => data?.cells[at],
  };
  if (!column.is_measure) return { ...common, headerName: label, ...widthOf(column), valueFormatter: name(at, t) };
  return {
    ...common,
    headerName: column.unit ? `${label} (${t(`units.${column.unit}` as "units.krw")})` : label,
    minWidth: isNarrow() ? 128 : 150,
    flex: 1,
    sortingOrder: ["desc", "asc", null],
    headerClass: "is-figure",
    cellClass: "is-figure",
    valueFormatter: ({ value, data }) =>
      data === undefined ? "" : data.isTotal && value === null ? t("explore.noTotal") : figure(value as Cell, column.unit),
    tooltip: ({ value }) => exactly((value as Cell | undefined) ?? null, column.unit),
  };
}

/** Numbers and times need little room, names need most. */
const widthOf = (column: Column): ColDef<Row> =>
  column.type === "text" && !["day", "month"].includes(column.name) ? { minWidth: 110, flex: 2 } : { minWidth: 104, flex: 1 };

const name =
  (at: number, t: Translate) =>
  ({ value, data }: { value?: Cell; data?: Row | undefined }): string =>
    data?.isTotal ? (at === 0 ? t("explore.total") : "") : value === undefined || value === null ? "" : String(value);
