/** What a response officer reads and decides, without the pages: the command line says the same in the same words. */
export { clockWords } from "../shell/look.ts";
export { type Listed, OfficerSocket, type Shown } from "./client.ts";
export { statusWords, whatWords } from "./inbox-page.ts";
export { ACT_WORDS, decisionFacts, extentFacts, objectFacts } from "./object-page.ts";
export { orderSaid } from "./order-said.ts";
