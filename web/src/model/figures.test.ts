import { expect, test } from "vitest";

import { whole } from "../api/whole";
import { exactly, figure } from "./figures";
import { linkOf, viewOf, type View } from "./view";

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
