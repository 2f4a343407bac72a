// Every case of `sdks/vectors` holds, in both builds; other SDKs play the same.

import { describe, test } from "node:test";

import { BUILDS, cases, isStream, play, unplayable } from "./playing.mjs";

for (const [name, build] of Object.entries(BUILDS)) {
  describe(name, () => {
    for (const [title, one] of cases()) {
      test(title, { skip: unplayable(title) }, () => play(build, title, one));
      if (isStream(one)) {
        test(`${title}, byte by byte`, () => play(build, title, one, 1));
      }
    }
  });
}
