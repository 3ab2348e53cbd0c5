// What Serverless does before it packages or deploys: wrong parameters are refused, and functions that are older than their
// sources are built anew, so that no old code is deployed. Never touches AWS. A class and a default export, because Serverless asks
// for both; JavaScript, because not every Serverless loads TypeScript by itself.
import { problemsOf } from './parameters.ts';

const PACKAGING = new Set(['package', 'deploy']);

export default class Plugin {
  constructor(serverless, options) {
    const { commands = [] } = serverless.processedInput ?? {};
    // Here and not in a hook: hooks run when Serverless has looked at the values itself, and it speaks of their places.
    if (PACKAGING.has(commands[0]) && options.help !== true) {
      const { params = {}, provider = {} } = serverless.configurationInput ?? {};
      const stage = options.stage ?? (typeof provider.stage === 'string' ? provider.stage : 'dev');
      const problems = problemsOf({ params, stage, given: [options.param ?? []].flat() });
      if (problems.length > 0) {
        const wayOut = 'Correct --param, or params in serverless.yml; docs/stack.md says what each is for.';
        throw new serverless.classes.Error([...problems, wayOut].join('\n'), 'WRONG_PARAMETERS');
      }
    }
    const build = async () => {
      // `npm run package` has just built them, and waits for this Serverless.
      if (process.env.FUNCTIONS_ARE_BUILT === '1' || options.package !== undefined) return;
      const { packageFunctions } = await import('./package.ts');
      await packageFunctions({ ifStale: true });
    };
    this.hooks = { 'before:package:cleanup': build, 'before:deploy:function:initialize': build };
  }
}
