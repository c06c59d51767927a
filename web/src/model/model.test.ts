import { expect, test } from "vitest";

import { whole } from "../api/whole";
import { exactly, figure } from "./figures";
import { blocksOf } from "./markdown";
import { bodyOf, linkOf, viewFrom, viewOf, type View } from "./view";

test("micro-won are shown in won, rounded half away from zero, with every digit for whoever asks", () => {
  expect(figure("1234567890000", "uwon")).toBe("1,234,567.89");
  expect(figure("5000", "uwon")).toBe("0.01");
  expect(figure("4999", "uwon")).toBe("0.00");
  expect(figure("-1234565000", "uwon")).toBe("−1,234.57");
  expect(figure("-4999", "uwon")).toBe("0.00");
  expect(exactly("-4999", "uwon")).toBe("−0.004999");
});

test("figures that outgrow doubles keep their digits", () => {
  expect(figure("99999999999999999999999999999999999999", "krw")).toBe("99,999,999,999,999,999,999,999,999,999,999,999,999");
});

test("time is shown in hours, what doesn't exist as a dash", () => {
  expect(figure(5_400_000, "ms")).toBe("1.5");
  expect(figure(null, "uwon")).toBe("–");
});

test("a decimal128 is read with its sign", () => {
  expect(whole(new Uint32Array([1, 0, 0, 0]))).toBe(1n);
  expect(whole(new Uint32Array([0, 1, 0, 0]))).toBe(4_294_967_296n);
  expect(whole(new Uint32Array([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]))).toBe(-1n);
});

test("a question goes to a job as a body and comes back as the same view", () => {
  const view: View = {
    measures: ["plays"],
    by: ["album"],
    from: "2026-02",
    to: "2026-02",
    where: ["label:A:B", "label:C", "album!:0"],
    order: ["-plays"],
    limit: null,
    top: null,
  };
  const body = bodyOf(view);
  expect(body.filters).toEqual([
    { dimension: "label", op: "in", values: ["A:B", "C"] },
    { dimension: "album", op: "not_in", values: ["0"] },
  ]);
  expect(viewFrom(body)).toEqual(view);
  expect(viewFrom({ ...body, filters: [{ dimension: "day", op: "at_least", values: ["2026-02-02"] }] })).toBeNull();
});

test("what an approver is asked is read as tables, lists and text, and escaped text stays text", () => {
  const asked = "| partner | won |\n| ---: | --- |\n| 1 | a \\| \\<b\\> |\n\n- rules: 1\n- asked for by: kim\nNothing else.";
  expect(blocksOf(asked)).toEqual([
    { kind: "table", head: ["partner", "won"], isFigure: [true, false], rows: [["1", "a | <b>"]] },
    { kind: "list", items: ["rules: 1", "asked for by: kim"] },
    { kind: "text", text: "Nothing else." },
  ]);
});

test("a view survives its address", () => {
  const view: View = {
    measures: ["plays"],
    by: ["day", "album"],
    from: "2026-02",
    to: "2026-03",
    where: ["album!:0", "label:A&B=c"],
    order: ["day", "-plays"],
    limit: 10,
    top: { count: 10, of: "album" },
  };
  expect(viewOf(new URLSearchParams(linkOf(view).split("?")[1]), "2026-01")).toEqual(view);
});
