/** A text of the house in Markdown: tables, lists, text. */

import { blocksOf, type Block } from "../model/markdown";

export function Markdown({ text }: { text: string }) {
  return blocksOf(text).map((block, at) => <Part key={at} block={block} />);
}

function Part({ block }: { block: Block }) {
  if (block.kind === "text") return <p>{block.text}</p>;
  if (block.kind === "table") return <Table {...block} />;
  return (
    <ul className="plain-list">
      {block.items.map((item) => (
        <li key={item}>{item}</li>
      ))}
    </ul>
  );
}

function Table({ head, isFigure, rows }: Extract<Block, { kind: "table" }>) {
  const classOf = (at: number) => (isFigure[at] ? "is-figure" : undefined);
  return (
    <div className="table-place" tabIndex={0} role="region" aria-label={head.join(", ")}>
      <table>
        <thead>
          <tr>
            {head.map((name, at) => (
              <th key={at} scope="col" className={classOf(at)}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, at) => (
                <td key={at} className={classOf(at)}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
