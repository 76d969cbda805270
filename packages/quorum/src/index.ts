export * from "./error.ts";
export { IBE_LENGTH, type IbeOpen, type IbeSeal, ibeBase, ibeOpen, ibeSeal, type LabelBase } from "./ibe.ts";
export { type G1, type G2, parseG1, parseG2 } from "./points.ts";
export type { Random } from "./scalar.ts";
export * from "./sealed-box.ts";
export * from "./xwing.ts";
