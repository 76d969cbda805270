/** Key ceremonies are held in the log itself. */
export const noBoard = "drop table board;";
