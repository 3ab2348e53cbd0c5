// The packaged CloudFormation template as tests read it: as it lies in .serverless/, or packaged anew with other arguments.
// What depends on conditions is decided, unless it is asked for as it is. Changes nothing that is packaged.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { settle, type Decided } from '../local/conditions.ts';
import { packageFunctions, packageService, templatePath } from '../local/package.ts';

export type Fields = Readonly<Record<string, unknown>>;
export interface Resource extends Fields {
  readonly Type: string;
  readonly Properties: Fields;
}
export interface Template {
  readonly Conditions?: Fields;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, Fields & { readonly Value: unknown }>>;
}

const root = resolve(import.meta.dirname, '..');

/** The template of `npm run package`: stage dev, every parameter its default. */
export async function packagedTemplate(supposed: Decided = {}): Promise<Template> {
  await packageService({ ifStale: true });
  return settle(JSON.parse(await readFile(templatePath, 'utf8')) as Template, supposed);
}

/** The template, conditions and all, that `serverless package` makes with these arguments. */
export async function templateWith(args: readonly string[]): Promise<Template> {
  // In a folder of its own: osls empties .serverless/ of the folder that it runs in, and other tests read from there.
  const folder = await mkdtemp(join(tmpdir(), 'package-'));
  try {
    await mkdir(join(folder, '.build'));
    for (const { name, zipPath } of await packageFunctions({ ifStale: true })) {
      await cp(zipPath, join(folder, '.build', `${name}.zip`));
    }
    await cp(join(root, 'serverless.yml'), join(folder, 'serverless.yml'));
    await symlink(join(root, 'local'), join(folder, 'local'));
    const command = [join(root, 'node_modules/.bin/serverless'), 'package', ...args];
    const env = { ...process.env, SLS_TELEMETRY_DISABLED: '1' };
    await promisify(execFile)(process.execPath, command, { cwd: folder, env });
    return JSON.parse(await readFile(join(folder, '.serverless', basename(templatePath)), 'utf8')) as Template;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Logical name and properties of every resource of a type. */
export function ofType({ Resources }: Template, type: string): readonly (readonly [string, Fields])[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => (Type === type ? [[id, Properties]] : []));
}

export function propertiesOf({ Resources }: Template, id: string): Fields {
  const resource = Resources[id];
  if (resource === undefined) throw new Error(`the template has no ${id}`);
  return resource.Properties;
}

/** The logical name that a Ref or a GetAtt names; undefined for anything else. */
export function targetOf(value: unknown): string | undefined {
  const { Ref: ref, 'Fn::GetAtt': attribute } = (value ?? {}) as Fields;
  if (typeof ref === 'string') return ref;
  return Array.isArray(attribute) ? String(attribute[0]) : undefined;
}

/** One or several, as CloudFormation and IAM let it be written. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}
