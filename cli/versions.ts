// What runs: the code of each deployed function by its hash, as Lambda tells it, beside the zip that was built here; and the desk
// itself. Reads alone; what cannot be read is told as that and troubles nobody.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeError } from '../shared/log.ts';
import type { Connection } from './connection.ts';

/** One deployed function. */
export interface FunctionVersion {
  readonly name: string;
  /** SHA-256 of its zip, in base64 as Lambda says it. */
  readonly codeSha256?: string;
  readonly runtime?: string;
  readonly modifiedAt?: string;
  /** Whether .build/ holds the very zip that is deployed; absent without one there. */
  readonly isBuiltHere?: boolean;
  /** Why nothing is known of it. */
  readonly unknown?: string;
}

export interface Versions {
  /** Of this checkout, by its package.json, and the Node that this command runs on. */
  readonly desk: string;
  readonly node: string;
  readonly functions: readonly FunctionVersion[];
}

const root = resolve(import.meta.dirname, '..');

/** Never rejects: a status is worth having without it. */
export async function versionsOf({ service }: Pick<Connection, 'service'>): Promise<Versions> {
  const [manifest, files, lambda] = await Promise.all([
    readFile(join(root, 'package.json'), 'utf8'),
    readdir(join(root, 'functions')),
    // 3 MB that no other command needs.
    import('@aws-sdk/client-lambda'),
  ]);
  const client = new lambda.LambdaClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true },
  });
  const names = files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));
  const ask = async (name: string): Promise<FunctionVersion> => {
    try {
      const command = new lambda.GetFunctionConfigurationCommand({ FunctionName: `${service}-${name}` });
      const { CodeSha256: codeSha256 = '', Runtime = '', LastModified = '' } = await client.send(command);
      const built = await builtHere(name);
      return { name, codeSha256, runtime: Runtime, modifiedAt: LastModified, ...(built === undefined ? {} : { isBuiltHere: built === codeSha256 }) }; // prettier-ignore
    } catch (error) {
      return { name, unknown: error instanceof Error ? error.name : describeError(error) };
    }
  };
  const functions = await Promise.all(names.sort().map(ask));
  client.destroy();
  return { desk: (JSON.parse(manifest) as { readonly version: string }).version, node: process.version, functions };
}

/** SHA-256 of the zip that lies in .build/; undefined where none does. */
async function builtHere(name: string): Promise<string | undefined> {
  const zip = await readFile(join(root, '.build', `${name}.zip`)).catch(() => undefined);
  return zip && createHash('sha256').update(zip).digest('base64');
}

/** Rows for people, and what is said below them. */
export function versionRows({ functions }: Versions): readonly (readonly string[])[] {
  return functions.map(({ name, codeSha256 = '', runtime = '', modifiedAt = '', isBuiltHere, unknown }) => {
    if (unknown !== undefined) return [name, `unknown (${unknown})`, '', '', ''];
    const here = isBuiltHere === undefined ? 'no build here' : isBuiltHere ? 'yes' : 'no';
    return [name, codeSha256.slice(0, 12), runtime, modifiedAt.slice(0, 19), here];
  });
}
