// Every case of `sdks/vectors` holds, in both builds; other SDKs play the same.

import { describe, test } from "node:test";

import { BUILDS, cases, isStream, play } from "./playing.mjs";

for (const [name, build] of Object.entries(BUILDS)) {
  describe(name, () => {
    for (const [title, one] of cases()) {
      test(title, () => play(build, one));
      if (isStream(one)) {
        test(`${title}, byte by byte`, () => play(build, one, 1));
      }
    }
  });
}
