/** The clock, chance and waiting of a client; tests give others. */

import type { World } from "./talk.js";

/** By this name a client is given another world: a symbol, so that no option is one by accident. */
export const WORLD: unique symbol = Symbol("world");

export const WORLD_AS_IT_IS: World = {
  now: () => performance.timeOrigin + performance.now(),
  chance: Math.random,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      if (signal?.aborted === true) {
        stop();
      } else {
        signal?.addEventListener("abort", stop, { once: true });
      }
    }),
};
