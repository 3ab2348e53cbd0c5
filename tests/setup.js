// Before all suites: `desk` as one file, which most of its suites start.
import { bundleDesk } from './bundle.ts';

export default async () => {
  // A planted bug is looked for in one suite, which starts no desk.
  if (process.env.PLANTED === undefined) await bundleDesk();
};
