/** AI Hub from JavaScript and TypeScript. */

export { AIHubClient } from "./client.js";
export { textOf } from "./answers.js";
export { ChatStream } from "./stream.js";
export { Listing, Page } from "./listing.js";
export type { Accounts, Budgets, Chat, Keys, Models, Plans, Sessions, Usage } from "./calls.js";
export type { ClientOptions, Fetch, Region } from "./settings.js";
export { VERSION } from "./version.js";
export * from "./errors.js";
export type * from "./answers.js";
export type * from "./asks.js";
