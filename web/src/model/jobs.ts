/** What is known of a job by its state. */

import type { Job } from "../api/shapes";

export const isOver = ({ state }: Job): boolean => state !== "waiting" && state !== "running";
