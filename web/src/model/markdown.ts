/** As much of Markdown as the house's own questions are written in: tables, lists, text. */

export type Block =
  | { kind: "table"; head: string[]; isFigure: boolean[]; rows: string[][] }
  | { kind: "list"; items: string[] }
  | { kind: "text"; text: string };

export function blocksOf(markdown: string): Block[] {
  return grouped(markdown.split("\n")).map(({ kind, lines }) => {
    if (kind === "table") return tableOf(lines);
    if (kind === "list") return { kind, items: lines.map((line) => plain(line.slice(2))) };
    return { kind, text: lines.map(plain).join(" ") };
  });
}

type Group = { kind: Block["kind"]; lines: string[] };

/** Lines of one kind that follow each other; an empty one ends a group. */
function grouped(lines: string[]): Group[] {
  const groups: Group[] = [];
  let open = null as Group | null;
  for (const line of lines) {
    const kind = line.startsWith("|") ? "table" : line.startsWith("- ") ? "list" : "text";
    if (line.trim() === "") open = null;
    else if (open?.kind === kind) open.lines.push(line);
    else groups.push((open = { kind, lines: [line] }));
  }
  return groups;
}

function tableOf([head = "", marks = "", ...rows]: string[]): Block {
  return { kind: "table", head: cells(head), isFigure: cells(marks).map((mark) => mark.endsWith(":")), rows: rows.map(cells) };
}

/** Cells between bars; one that is escaped is text. */
const cells = (line: string): string[] =>
  [...line.slice(1).matchAll(/((?:\\.|[^\\|])*)\|/g)].map(([, cell = ""]) => plain(cell.trim()));

const plain = (text: string): string => text.replace(/\\(.)/g, "$1");
