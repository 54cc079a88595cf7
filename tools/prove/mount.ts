import { mkdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kube, Pair, Stored } from '../harness/index.ts';

/**
 * Keeps a folder as the kubelet keeps the volume of a Secret, until `signal` aborts: each content in a folder of its own, to which the link
 * `..data` turns in one step. Resolves when the first content is there.
 * Source: Kubernetes, Secrets, "Using Secrets as files from a Pod"; AtomicWriter of the kubelet.
 */
export const mountSecret = async (
  kube: Kube,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<void> }> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let current: string | undefined;
  const put = async ({ metadata, data = {} }: Stored<'Secret'>): Promise<void> => {
    const next = join(folder, `..${metadata.resourceVersion}`);
    if (next === current) return;
    await mkdir(next, { recursive: true, mode: 0o700 });
    for (const [key, value] of Object.entries(data))
      await writeFile(join(next, key), Buffer.from(value, 'base64'), { mode: 0o600 });
    const link = join(folder, '..data_tmp');
    await rm(link, { force: true });
    await symlink(next, link);
    await rename(link, join(folder, '..data'));
    if (current !== undefined) await rm(current, { recursive: true, force: true });
    current = next;
  };
  // The watch comes first: what changes between the two is not missed.
  const events = await kube.watch('Secret', namespace, signal);
  const first = await kube.get('Secret', namespace, name);
  if (first === undefined) throw new Error(`There is no Secret ${namespace}/${name}.`);
  await put(first);
  const follow = async (): Promise<void> => {
    for await (const { type, object } of events)
      if (type !== 'DELETED' && object.metadata.name === name) await put(object);
  };
  const ended = follow().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  // Told to whoever waits for the end.
  ended.catch(() => undefined);
  return { ended };
};

/** The pair in a mounted folder, id and secret of one content. */
export const pairIn = async (folder: string): Promise<Pair> => {
  for (;;) {
    const content = await realpath(join(folder, '..data'));
    try {
      const read = (key: string): Promise<string> => readFile(join(content, key), 'utf8');
      return { accessKey: await read('access-key-id'), secretKey: await read('secret-access-key') };
    } catch (error) {
      // Another content took its place while it was read.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || content === (await realpath(join(folder, '..data'))))
        throw error;
    }
  }
};
